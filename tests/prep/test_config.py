"""`autointerp prep --config`: options from a file, and a store made again from its manifest."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from inspect_autointerp import cli
from inspect_autointerp.prep.run import run
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.store.manifest import Manifest

Autointerp = Callable[..., tuple[int, str, str]]


@pytest.fixture
def autointerp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Autointerp:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autointerp", "prep", *map(str, arguments)])
        with pytest.raises(SystemExit) as info:
            cli.main()
        captured = capsys.readouterr()
        return int(info.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], Path]:
    """A file of these options."""

    def write(content: Any) -> Path:
        path = tmp_path / "run.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def options(subject_folder: Path, sae_folder: Path, corpus_folder: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "subject": str(subject_folder),
        "coder": [str(sae_folder), "random:64x4"],
        "hookpoint": ["layers.1", "layers.2.mlp:input"],
        "corpus": str(corpus_folder),
        "tokens": 600,
        "context-length": 64,
        "test_fraction": 0.4,
        "center": True,
        "output": str(tmp_path / "store"),
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_stands_for_the_command_line(
    autointerp: Autointerp, written: Callable[[Any], Path], options: dict[str, Any], tmp_path: Path
) -> None:
    status, out, _ = autointerp("--config", written(options))
    assert status == 0
    assert "digest as the manifest" not in out  # a plain file promises none
    manifest = Manifest.read(tmp_path / "store")
    assert sorted(manifest.hookpoints) == ["layers.1", "layers.2.mlp:input"]
    assert (manifest.n_tokens, manifest.settings.context_length, manifest.settings.center) == (600, 64, True)
    arguments = [options.pop("subject"), "--center"]
    del options["center"]
    options["output"] = tmp_path / "plain"
    for key, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            arguments += [f"--{key.replace('_', '-')}", str(each)]
    assert autointerp(*arguments)[0] == 0
    assert contents(tmp_path / "plain") == contents(tmp_path / "store")


def test_the_command_line_goes_before_the_file(
    autointerp: Autointerp, written: Callable[[Any], Path], options: dict[str, Any], tmp_path: Path
) -> None:
    status, _, _ = autointerp("--config", written(options), "--tokens", 300, "-o", tmp_path / "other")
    assert status == 0
    assert Manifest.read(tmp_path / "other").n_tokens == 300
    assert not (tmp_path / "store").exists()


def test_a_manifest_makes_its_store_again(
    autointerp: Autointerp, written: Callable[[Any], Path], options: dict[str, Any], tmp_path: Path
) -> None:
    autointerp("--config", written(options))
    status, out, _ = autointerp("--config", tmp_path / "store" / "manifest.json", "-o", tmp_path / "again")
    assert status == 0
    assert "The same digest as the manifest's: the same data." in out
    assert contents(tmp_path / "again") == contents(tmp_path / "store")


def test_the_demos_manifest_makes_its_store_again(autointerp: Autointerp, corpus_folder: Path, tmp_path: Path) -> None:
    autointerp("demo", "--corpus", corpus_folder, "--tokens", 400, "-o", tmp_path / "store")
    status, out, _ = autointerp("--config", tmp_path / "store" / "manifest.json", "-o", tmp_path / "again")
    assert (status, "The same digest" in out) == (0, True)
    assert contents(tmp_path / "again") == contents(tmp_path / "store")


def test_a_store_can_be_made_again_in_its_own_place(
    autointerp: Autointerp, written: Callable[[Any], Path], options: dict[str, Any], tmp_path: Path
) -> None:
    autointerp("--config", written(options))
    before = contents(tmp_path / "store")
    manifest = tmp_path / "store" / "manifest.json"
    status, out, _ = autointerp("--config", manifest, "-o", tmp_path / "store", "--overwrite", "--seed", 1)
    assert (status, "Not the manifest's digest" in out) == (0, True)
    assert contents(tmp_path / "store") != before


def test_another_result_says_what_differs(
    autointerp: Autointerp, written: Callable[[Any], Path], options: dict[str, Any], tmp_path: Path
) -> None:
    autointerp("--config", written(options))
    old = Manifest.read(tmp_path / "store").digest
    status, out, _ = autointerp(
        "--config", tmp_path / "store" / "manifest.json", "-o", tmp_path / "again", "--tokens", 500
    )
    assert status == 0
    [line] = [line for line in out.splitlines() if line.startswith("Not the manifest's")]
    assert line.startswith(f"Not the manifest's digest, {old}. What differs: ")
    assert "n_tokens (600, now 500)" in line
    assert "settings.tokens (600, now 500)" in line
    assert "settings.seed" not in line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"tokns": 5}, "unknown option 'tokns'; the options are subject, output, coder, "),
        ({"config": "x"}, "unknown option 'config'; the options are "),
        ({"tokens": "many"}, "tokens: 'many' is not a whole number"),
        ({"tokens": 1.5}, "tokens: 1.5 is not a whole number"),
        ({"tokens": True}, "tokens: True is not a whole number"),
        ({"test-fraction": "half"}, "test-fraction: 'half' is not a number"),
        ({"center": 1}, "center: 1 is not true or false"),
        ({"corpus": ["a", "b"]}, "corpus: ['a', 'b'] is not text"),
        ({"coder": ["a", 5]}, "coder: 5 is not text"),
        ({"output": 5}, "output: 5 is not text"),
        ({"context-length": 64, "context_length": 64}, "context_length is given twice"),
        ("tokens: 64\nwindow: 16\ntokens: 32\n", "not a YAML file of options (line 3: tokens is given twice)"),
        ("tokens: [", "not a YAML file of options ("),
        ("- tokens", "not a list of `option: value`"),
        ("", "not a list of `option: value`"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_it(
    autointerp: Autointerp, written: Callable[[Any], Path], tmp_path: Path, content: Any, message: str
) -> None:
    path = written(content)
    status, _, err = autointerp("demo", "--config", path, "-o", tmp_path / "store")
    assert status == 2
    assert err.count("\n") == 1
    assert err.startswith(f"autointerp: {path}: {message}")


def test_a_value_out_of_its_range_names_the_key_and_the_file(
    autointerp: Autointerp, written: Callable[[Any], Path], tmp_path: Path
) -> None:
    path = written({"tokens": 0})
    status, _, err = autointerp("demo", "--config", path, "-o", tmp_path / "store")
    assert status == 2
    assert err.startswith(f"autointerp: {path}: tokens: ")
    assert err.count("\n") == 1


def test_a_file_that_is_not_there_and_a_broken_manifest_are_one_line(autointerp: Autointerp, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    for content, message in (
        (None, "cannot be read (No such file or directory)"),
        ("{", "1: not a manifest (broken JSON"),
        (json.dumps({"digest": "0", "hookpoints": {}}), "not a readable manifest (KeyError: 'subject')"),
        (json.dumps({"digest": "0", "hookpoints": [], "subject": "x", "settings": {}}), "not a readable manifest ("),
    ):
        if content is not None:
            path.write_text(content)
        status, _, err = autointerp("--config", path, "-o", tmp_path / "store")
        assert status == 2
        assert err.startswith((f"autointerp: {path}: {message}", f"autointerp: {path}:{message}"))
        assert err.count("\n") == 1


def test_what_neither_gives_is_still_asked_for(
    autointerp: Autointerp, written: Callable[[Any], Path], options: dict[str, Any]
) -> None:
    del options["output"]
    status, _, err = autointerp("--config", written(options))
    assert status == 2
    assert "--output" in err


def test_null_stands_for_not_given(
    autointerp: Autointerp, written: Callable[[Any], Path], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Job] = []

    def noted(job: Job, *_: Any, **__: Any) -> None:
        seen.append(job)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "prep", noted)
    autointerp("--config", written(options | {"revision": None, "batch_size": None}))
    assert [(job.revision, job.batch_size) for job in seen] == [(None, 16)]
