"""Code that data name runs nowhere without the user's word, and a refusal says what it is and how to allow it."""

import json
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.forged import forge, forge_coder

from inspect_autointerp import cli
from inspect_autointerp.builtin.build_store import run_module
from inspect_autointerp.coder_similarity.hookpoints import Site
from inspect_autointerp.errors import UserError
from inspect_autointerp.experiments.definition import read_study
from inspect_autointerp.experiments.stores import Given
from inspect_autointerp.models.from_store import load_firing, load_steering
from inspect_autointerp.prep.coders import load_coder
from inspect_autointerp.prep.subject.subject import Subject
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import fetch
from inspect_autointerp.store.store import Store
from inspect_autointerp.store.trust import VARIABLE, factory

MODULE = """
import pathlib
pathlib.Path("imported").touch()

def make(device):
    pathlib.Path("called").touch()
"""
USES: dict[str, Callable[[Store], object]] = {
    "intervention, effects": lambda store: load_steering(store, "layers.1", "cpu"),
    "generation": lambda store: load_firing(store, "layers.1", "cpu"),
    "compare": lambda store: Site(store, "layers.1", "x").decoder(),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a module in it that leaves a mark when it is imported, and one when it is called."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "marking.py").write_text(MODULE)
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "marking", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    return folder


@pytest.fixture
def forged(store_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(store_folder, tmp_path / "forged"))


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".py" and path.name != "__pycache__")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("coder", ["os:mkdir", "marking:make", "subprocess:call", "a.b:c"])
def test_a_manifests_factory_is_neither_imported_nor_called(forged: Path, here: Path, use: str, coder: str) -> None:
    digest = Manifest.read(forged).digest
    forge_coder(forged, coder)
    store = Store(forged)
    assert store.digest == digest, "no digest shows it"
    module, function = coder.split(":")
    message = (
        rf"^.+ needs what .+ was made of: coder {coder}: this names code, .+ module {module}, .+ its {function} called,"
        rf" which {VARIABLE}=1 lets run on this machine; use it if you know that code and trust it$"
    )
    with pytest.raises(UserError, match=message):
        USES[use](store)
    assert left(here) == []


@pytest.mark.parametrize("use", USES)
def test_a_manifests_factory_runs_where_the_user_says_so(
    forged: Path, here: Path, use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge_coder(forged, "marking:make")
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(UserError, match=r"coder marking:make: it lacks "):  # None is no coder
        USES[use](Store(forged))
    assert left(here) == ["called", "imported"]


def test_a_manifests_kernel_is_not_loaded(forged: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["settings"]["attention"] = "somebody/kernel"

    forge(forged, change)
    message = rf"attention somebody/kernel: this names compiled code .+ which {VARIABLE}=1 lets run"
    for use in ("generation", "intervention, effects"):
        with pytest.raises(UserError, match=message):
            USES[use](Store(forged))


def test_a_kernel_in_a_subjects_configuration_is_not_loaded(subject_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(subject_folder, tmp_path / "subject"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"attn_implementation": "somebody/kernel"}))
    with pytest.raises(UserError, match=r"^subject .+: attention somebody/kernel: this names compiled code"):
        Subject(str(folder), ["layers.1"])


def test_load_coder_runs_code_only_where_it_is_told_to(here: Path) -> None:
    with pytest.raises(UserError, match=r"^coder marking:make: this names code, .+ --trust-remote-code lets run"):
        load_coder("marking:make")
    assert left(here) == []
    with pytest.raises(UserError, match="it lacks architecture"):
        load_coder("marking:make", run_code=True)
    assert left(here) == ["called", "imported"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("os:mkdir", ("os", "mkdir")), ("a.b_c:make2", ("a.b_c", "make2")), ("neurons:32", None), ("random:k", None),
        ("gpt2-small-res-jb:blocks.8.hook_resid_pre", None), ("os:", None), (":mkdir", None), ("os", None),
        ("1os:mkdir", None), ("os:path.join", None), ("os:mkdir\n", None),
    ],
)  # fmt: skip
def test_a_factory_is_told_from_other_sources(source: str, expected: tuple[str, str] | None) -> None:
    assert factory(source) == expected


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["autointerp", "prep", *map(str, arguments)])
    with pytest.raises(SystemExit) as info:
        cli.main()
    return int(info.value.code or 0)


@pytest.fixture
def config(subject_folder: Path, corpus_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    def write(**options: Any) -> Path:
        content = {"subject": str(subject_folder), "corpus": str(corpus_folder), "tokens": 300, "hookpoint": "layers.1"}
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(content | options))
        return tmp_path / "run.yaml"

    return write


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--shard", "1/2"]])
def test_a_files_factory_is_refused_by_prep(
    config: Callable[..., Path],
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
) -> None:
    file = config(coder=["marking:make"])
    assert call(monkeypatch, "--config", file, "-o", tmp_path / "store", *more) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"autointerp: {file}: coder marking:make: this names code, not weights: the Python")
    assert "--trust-remote-code lets run on this machine" in err
    assert left(here) == []


def test_what_is_typed_beside_a_file_runs(
    config: Callable[..., Path],
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = config(coder=["marking:make"])
    for more, env in ((["--coder", "marking:make"], ""), (["--trust-remote-code"], ""), ([], "1")):
        monkeypatch.setenv(VARIABLE, env)
        monkeypatch.delitem(sys.modules, "marking", raising=False)
        assert call(monkeypatch, "--config", file, "-o", tmp_path / "store", *more) == 2
        assert "coder marking:make: it lacks architecture" in capsys.readouterr().err
        assert left(here) == ["called", "imported"]
        for name in left(here):
            (here / name).unlink()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"trust-remote-code": True},
            "trust-remote-code: a file cannot allow code to run; give --trust-remote-code",
        ),
        ({"attention": "somebody/kernel"}, "attention somebody/kernel: this names compiled code on the Hugging Face"),
    ],
)
def test_a_file_cannot_allow_code(
    config: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
    message: str,
) -> None:
    file = config(coder=["neurons"], **options)
    assert call(monkeypatch, "--config", file, "-o", tmp_path / "store") == 2
    assert capsys.readouterr().err.startswith(f"autointerp: {file}: {message}")


@pytest.mark.parametrize("setting", ["trust_remote_code", "overwrite", "output", "coder"])
def test_a_manifests_settings_are_no_other_options(
    forged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    forge(forged, lambda content: content["settings"].__setitem__(setting, True))
    assert call(monkeypatch, "--config", forged / "manifest.json", "-o", tmp_path / "store") == 2
    assert f"unknown settings '{setting}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"task": {"trust_remote_code": True}}, r"task: trust_remote_code: a file cannot allow code to run"),
        (
            {"levels": {"a": {"task": {"trust_remote_code": True}}}},
            r"levels\.a\.task: trust_remote_code: a file",
        ),
        (
            {"levels": {"a": {"demo": {"as": "", "prep": "--coder marking:make"}}}},
            r"coder marking:make: this names",
        ),
        ({"levels": {"a": {"demo": {"as": "", "prep": "--coder=os:mkdir"}}}}, r"coder os:mkdir: this names code"),
        ({"levels": {"a": {"demo": {"as": "", "prep": "--trust-remote-code"}}}}, r"prep: --trust-remote-code: a study"),
        (
            {"levels": {"a": {"demo": {"as": "", "prep": "--config x.yaml"}}}},
            r"prep: --config: a study's store can set only",
        ),
        (
            {"levels": {"a": {"demo": {"as": "", "prep": "-o /etc --overwrite"}}}},
            r"prep: -o: a study's store can set only",
        ),
        ({"levels": {"a": {"demo": {"as": "", "prep": "--att x/y"}}}}, r"prep: --att: a study's store can set only"),
        ({"floors": {"f": {"store": {"prep": "{nope}"}}}}, r"floors\.f\.store\.prep: \{nope\}"),
        ({"floors": {"f": {"store": {"prep": "{subject.__class__}"}}}}, r"floors\.f\.store\.prep: \{subject"),
    ],
)
def test_a_studys_file_cannot_allow_code(
    tmp_path: Path, study: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"about": "", "table": "", "factor": "", "scores": ["detection"]} | study))
    with pytest.raises(UserError, match=rf"^{path}: .*{message}"):
        read_study(str(path))


def test_a_command_to_copy_quotes_what_a_manifest_says(forged: Path) -> None:
    forge(forged, lambda content: content.__setitem__("subject", "x; rm -rf ~ #"))
    study = read_study("context-length")
    level = next(level for level in study.levels.values() if level.store)
    command = Given(str(forged)).place("level", level)
    assert isinstance(command, str)
    assert shlex.split(command.partition(", then")[0])[2] == "x; rm -rf ~ #"


def test_a_url_of_references_is_not_read(tmp_path: Path) -> None:
    for url in ("reference://x", "reference::https://example.com/x.json", "simplecache::reference://x"):
        with pytest.raises(UserError, match=r"reference:// is not read"):
            fetch(url, tmp_path)


def test_a_process_of_our_own_imports_nothing_from_where_it_runs(here: Path) -> None:
    for name in ("typer", "yaml", "rich"):
        (here / f"{name}.py").write_text(MODULE)
    run_module("inspect_autointerp.cli", ["suites"], "the suites'")
    assert left(here) == []
