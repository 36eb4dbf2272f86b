"""The wheel, installed in an empty environment: what an editable install cannot show."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)]  # the sdist, and the wheel from it
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(out.glob("*.whl"))


MODULES = ("suites.definitions", "prep.select.selector", "scorers.shared.judge", "solvers.explain", "registry")


def test_wheel_has_every_room_and_nothing_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "tasks/detection.py",
        "solvers/explain.py",
        "scorers/shared/judge.py",
        "prep/select/selector.py",
        "py.typed",
    ):
        assert f"inspect_autointerp/{part}" in names
    for part in ("subject/model.safetensors", "subject/tokenizer.json", "coders/layers.2.mlp/sae_weights.safetensors"):
        assert f"inspect_autointerp/builtin/demo/{part}" in names
    pages = ("card/templates/card.html", "leaderboard/show/page/templates/page.js")
    for part in (*pages, "studies/examples.yaml", "suites/definitions/demo.yaml"):
        assert f"inspect_autointerp/{part}" in names
    assert {name.split("/")[0] for name in names} == {"inspect_autointerp", wheel.name.rsplit("-", 3)[0] + ".dist-info"}


def test_an_installed_wheel_registers_its_names(wheel: Path, tmp_path: Path) -> None:
    # The dependencies come from this environment, the package from the wheel alone: it is installed without them.
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    code = f"""
import sys
sys.path += {dependencies!r}
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
from importlib.metadata import entry_points
[point] = [p for p in entry_points(group="inspect_ai") if p.name == "inspect_autointerp"]
registry = point.load()
assert "venv" in registry.__file__, registry.__file__
from inspect_ai._util.registry import registry_info
for thing in (
    registry.tasks.detection, registry.solvers.explain, registry.solvers.shuffled, registry.solvers.empty,
    registry.scorers.estimate,
):
    print(registry_info(thing).name)
from inspect_ai.model import get_model
for model in ("lexical", "oracle"):
    print(get_model("inspect_autointerp/" + model))
"""
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    names = ["detection", "explain", "shuffled", "empty", "estimate", "lexical", "oracle"]
    assert done.stdout.split() == [f"inspect_autointerp/{name}" for name in names]


ROOMS = ("prep", "scorers", "solvers", "studies", "suites", "tasks")


@pytest.fixture(scope="module")
def linkless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as git checks them out where `core.symlinks` is false: each link a file that holds its target."""
    root = tmp_path_factory.mktemp("linkless") / "clone"
    root.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.safetensors")
    for name in ("src", *ROOMS):
        shutil.copytree(ROOT / name, root / name, symlinks=True, ignore=skipped)
    links = [path for path in root.rglob("*") if path.is_symlink()]
    for path in links:
        target = os.readlink(path)  # noqa: PTH115 - as text
        path.unlink()
        path.write_text(target, encoding="utf-8")
    assert {path.name for path in links} == {*ROOMS, "definitions"} - {"suites"}
    return root


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has this environment's packages, and not this project."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    others = folder / "others"
    others.mkdir()
    for packages in {Path(path) for path in sys.path if path.endswith("site-packages")}:
        for path in packages.iterdir():
            if "autointerp" not in path.name and path.suffix != ".pth" and not (others / path.name).exists():
                (others / path.name).symlink_to(path)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(f"{others}\n", encoding="utf-8")
    return folder / "bin" / "python"


def python(program: Path, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(program), *arguments]
    return subprocess.run(command, cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False)


def test_checkout_without_links_on_the_path_says_to_install_it(
    linkless: Path, bare_python: Path, tmp_path: Path
) -> None:
    done = python(bare_python, "-c", "import inspect_autointerp.prep", cwd=tmp_path, PYTHONPATH=str(linkless / "src"))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ") and f'pip install -e "{linkless}"' in last


def test_checkout_without_links_installed_has_every_room(linkless: Path, bare_python: Path, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    install = (
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "-e",
        str(linkless),
    )
    done = python(bare_python, *install, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = f"""
import importlib
for room in {(*ROOMS, *MODULES)}:
    print(importlib.import_module("inspect_autointerp." + room).__file__)
from inspect_autointerp.suites.load import shipped
print(shipped()["demo"])
"""
    done = python(bare_python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split()
    assert len(lines) == 12 and all(Path(line).is_relative_to(linkless) for line in lines)
    assert Path(lines[0]) == linkless / "prep" / "__init__.py"
