"""Who may import whom (docs/design.md, "Rooms"), read from the source."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "inspect_autointerp"
ROOMS = ("tasks", "solvers", "scorers", "prep", "studies")
# Entry points join the rooms: the command lines and what Inspect loads.
ENTRY_POINTS = {f"src/{PACKAGE}/{file}" for file in ("cli.py", "registry.py", "cost/plan.py", "planted/__main__.py")}
MAY_IMPORT = {
    "tasks": {"solvers", "scorers", "core"},
    "solvers": {"scorers", "core"},
    "scorers": {"core"},
    "prep": {"core"},
    "studies": set(),
    "leaderboard": {"core"},
    "study": {"leaderboard", "core"},
    "making": {"core", "prep"},
    "core": set(),
}


def room_of(module: str) -> str:
    if module.startswith((f"{PACKAGE}.demo.train_", f"{PACKAGE}.planted.make")):
        return "making"  # scripts that made the demo's weights, and what makes the planted store; core imports none
    part = module.split(".")[1] if "." in module else ""
    return part if part in (*ROOMS, "leaderboard", "study") else "core"


def files() -> list[Path]:
    folders = [ROOT / room for room in ROOMS]
    core = [
        path for path in (ROOT / "src" / PACKAGE).rglob("*.py") if not set(ROOMS) & set(path.parts[len(ROOT.parts) :])
    ]
    return sorted([*core, *(path for folder in folders for path in folder.rglob("*.py"))])


def imported(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module or "")
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_imports_what_it_may_and_nothing_else(path: Path) -> None:
    relative = path.relative_to(ROOT)
    if relative.as_posix() in ENTRY_POINTS:
        return
    room = relative.parts[0] if relative.parts[0] in ROOMS else room_of(".".join(relative.with_suffix("").parts[1:]))
    for module in imported(path):
        assert module.split(".")[0] not in ROOMS, f"{module}: import {PACKAGE}.{module}"
        if module.startswith(PACKAGE + "."):
            other = room_of(module)
            assert other == room or other in MAY_IMPORT[room], f"{room} may not import {module}"
        if room == "prep":
            assert not module.startswith("inspect_ai"), "prep knows nothing of Inspect"


def test_every_room_is_installed() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {PACKAGE: ROOT / "src" / PACKAGE} | {f"{PACKAGE}.{room}": ROOT / room for room in ROOMS}
    folders[f"{PACKAGE}.suites.definitions"] = ROOT / "suites"
    names = {
        ".".join([package, *init.parent.relative_to(folder).parts])
        for package, folder in folders.items()
        for init in folder.rglob("__init__.py")
        if package != PACKAGE or not set(ROOMS) & set(init.relative_to(folder).parts)
    }
    assert names == set(packages)


def test_what_inspect_loads_imports_no_torch() -> None:
    code = (
        "import sys, inspect_autointerp.registry, inspect_autointerp.cli;"
        "print([m for m in ('torch', 'transformers', 'sae_lens', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
