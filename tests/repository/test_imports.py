"""Which room may import which (docs/design.md, "Rooms"), read from the source: statements, and `import_module("…")`."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "inspect_autointerp"
TOP = ("tasks", "solvers", "scorers", "prep", "studies")
"""The rooms that lie at the top of the repository."""
MAY_IMPORT: dict[str, set[str]] = {
    "tasks": {"solvers", "scorers", "src"},
    "solvers": {"scorers", "src"},
    "scorers": {"src"},
    "prep": {"src"},
    "studies": set(),
    "leaderboard": {"scorers", "src"},
    "cost": {"leaderboard", "scorers", "src"},
    "experiments": {"cost", "leaderboard", "src"},
    "tool_server": {"solvers", "src"},
    "src": set(),
}
"""By room the rooms that it may import. `src` is every room under src/ that is not named."""
JOINS = {
    "__init__.py": "the public Python API",
    "cli.py": "the command line",
    "registry.py": "what Inspect loads",
    "cost/plan.py": "runs a task on a few latents to see what it asks",
    "experiments/plan.py": "runs tasks",
    "builtin/planted/__main__.py": "a script",
    "builtin/planted/make.py": "a script: makes the planted store by prep's own code",
    "builtin/demo/train_coders.py": "a script: trained the demo's coders",
    "builtin/demo/train_subject.py": "a script: trained the demo's subject",
    "inspect_support/values_at_end.py": "keeps what the leaderboard reads, when an evaluation ends",
    "models/from_store.py": "the one place that loads a prep engine by name",
}
"""Files under src/ that may import every room, and why."""


def room_of(module: str) -> str:
    part = module.split(".")[1] if "." in module else ""
    return part if part in MAY_IMPORT else "src"


def files() -> list[Path]:
    src = ROOT / "src" / PACKAGE
    inside = [path for path in src.rglob("*.py") if path.relative_to(src).parts[0] not in TOP]
    return sorted([*inside, *(path for room in TOP for path in (ROOT / room).rglob("*.py"))])


def imported(path: Path) -> list[str]:
    """The modules that a file imports, in statements or by name."""
    modules = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            modules += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func) and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                modules.append(name.value)
            elif isinstance(name, ast.JoinedStr):
                modules.append("".join(str(part.value) for part in name.values if isinstance(part, ast.Constant)))
    return modules


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_room_imports_what_it_may(path: Path) -> None:
    relative = path.relative_to(ROOT)
    if relative.parts[0] == "src" and Path(*relative.parts[2:]).as_posix() in JOINS:
        return
    room = relative.parts[0] if relative.parts[0] in TOP else room_of(".".join(relative.with_suffix("").parts[1:]))
    for module in imported(path):
        assert module.split(".")[0] not in TOP, f"{module}: import {PACKAGE}.{module}"
        if module.startswith(PACKAGE + "."):
            other = room_of(module)
            assert other == room or other in MAY_IMPORT[room], f"{room} may not import {module}"
        if room == "prep":
            assert not module.startswith("inspect_ai"), "prep knows nothing of Inspect"


def test_every_join_exists() -> None:
    assert [name for name in JOINS if not (ROOT / "src" / PACKAGE / name).is_file()] == []


def test_every_room_is_installed() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {PACKAGE: ROOT / "src" / PACKAGE} | {f"{PACKAGE}.{room}": ROOT / room for room in TOP}
    folders[f"{PACKAGE}.suites.definitions"] = ROOT / "suites"
    names = {
        ".".join([package, *init.parent.relative_to(folder).parts])
        for package, folder in folders.items()
        for init in folder.rglob("__init__.py")
        if package != PACKAGE or not set(TOP) & set(init.relative_to(folder).parts[:1])
    }
    assert names == set(packages)


def test_nothing_lies_loose() -> None:
    loose = {path.name for path in (ROOT / "src" / PACKAGE).glob("*.py")}
    assert loose == {"__init__.py", "cli.py", "errors.py", "latent.py", "registry.py"}


def test_what_inspect_loads_imports_no_torch() -> None:
    code = (
        "import sys, inspect_autointerp.registry, inspect_autointerp.cli;"
        "print([m for m in ('torch', 'transformers', 'sae_lens', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
