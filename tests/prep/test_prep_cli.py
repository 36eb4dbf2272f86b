"""`autointerp prep` as a user meets it."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.run import run
from inspect_autointerp.prep.write import upload
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import fetch


class Ended(NamedTuple):
    """Exit code and output of the command line."""

    status: int
    out: str
    err: str


class Autointerp:
    """The command line, run in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> Ended:
        self._monkeypatch.setattr(sys, "argv", ["autointerp", *map(str, arguments)])
        with pytest.raises(SystemExit) as info:
            cli.main()
        captured = self._capsys.readouterr()
        return Ended(int(info.value.code or 0), captured.out, captured.err)


@pytest.fixture
def autointerp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Autointerp:
    return Autointerp(monkeypatch, capsys)


def mistake(ended: Ended) -> str:
    """Return the one line on stderr that reports a user's mistake."""
    assert ended.status == 2
    assert "Traceback" not in ended.out + ended.err
    [line] = ended.err.splitlines()
    return line


def test_help_shows_every_option_and_an_example_to_copy() -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(cli.app, ["prep", "--help"])
    assert result.exit_code == 0
    assert "Example:" in result.output
    assert "autointerp prep gpt2 --coder gpt2-small-res-jb:blocks.8.hook_resid_pre" in result.output
    assert all(f"--{option} " in result.output for option in ("output", "coder", "hookpoint", "corpus", "overwrite"))


def test_a_store_is_made_and_its_digest_told(
    autointerp: Autointerp, tmp_path: Path, subject_folder: Path, sae_folder: Path, corpus_folder: Path
) -> None:
    ended = autointerp(
        "prep", subject_folder, "--coder", sae_folder, "--corpus", corpus_folder, "--tokens", "500",
        "--context-length", "64", "--window", "16", "--seed", "7", "--hookpoint", "layers.2", "-o", tmp_path / "store",
    )  # fmt: skip
    manifest = Manifest.read(tmp_path / "store")
    assert (manifest.n_tokens, manifest.settings.window, manifest.settings.seed) == (500, 16, 7)
    assert list(manifest.hookpoints) == ["layers.2"]
    assert ended.status == 0
    assert f"digest {manifest.digest}" in ended.out
    assert "500 tokens" in ended.out


def test_a_corpus_that_ends_early_is_mentioned(
    autointerp: Autointerp, tmp_path: Path, subject_folder: Path, sae_folder: Path
) -> None:
    (tmp_path / "a.txt").write_text("Some text. " * 50, encoding="utf-8")
    ended = autointerp(
        "prep", subject_folder, "--coder", sae_folder, "--corpus", tmp_path / "a.txt", "--tokens", "5000",
        "--context-length", "64", "-o", tmp_path / "store",
    )  # fmt: skip
    assert ended.status == 0
    assert "The corpus ended before the 5,000 tokens asked for." in ended.out


def test_the_demo_is_called_by_its_name(autointerp: Autointerp, tmp_path: Path, corpus_folder: Path) -> None:
    ended = autointerp("prep", "demo", "--corpus", corpus_folder, "--tokens", "500", "-o", tmp_path / "store")
    assert ended.status == 0
    manifest = Manifest.read(tmp_path / "store")
    assert manifest.subject == "inspect_autointerp/demo"
    coders = {name: entry.coder for name, entry in manifest.hookpoints.items()}
    assert coders == {name: f"inspect_autointerp/demo/{name}" for name in ("layers.1", "layers.2", "layers.2.mlp")}


def test_no_coder_is_a_mistake(autointerp: Autointerp, tmp_path: Path) -> None:
    line = mistake(autointerp("prep", "gpt2", "-o", tmp_path / "store"))
    assert line == "autointerp: give at least one --coder"


def test_a_window_that_does_not_divide_the_context_length_is_a_mistake(autointerp: Autointerp, tmp_path: Path) -> None:
    line = mistake(autointerp("prep", "demo", "--window", "48", "-o", tmp_path / "store"))
    assert line.startswith("autointerp: a context length of 256 is not a multiple of a window of 48:")


def test_a_device_that_is_not_there_is_a_mistake(autointerp: Autointerp, tmp_path: Path) -> None:
    line = mistake(autointerp("prep", "demo", "--device", "cuda:99", "-o", tmp_path / "store"))
    assert line.startswith("autointerp: --device cuda:99: not available on this machine (")


def test_a_seed_that_is_too_large_is_a_mistake(autointerp: Autointerp, tmp_path: Path, corpus_folder: Path) -> None:
    ended = autointerp("prep", "demo", "--corpus", corpus_folder, "--seed", str(2**63), "-o", tmp_path / "store")
    assert ended.status == 2
    assert "Traceback" not in ended.err
    assert "seed" in ended.err


@pytest.mark.parametrize("arguments", [["--test-fraction", "1.5"], ["--tokens", "0"], ["--window", "x"], ["--bogus"]])
def test_an_option_out_of_its_range_is_a_mistake(autointerp: Autointerp, tmp_path: Path, arguments: list[str]) -> None:
    ended = autointerp("prep", "demo", "-o", tmp_path / "store", *arguments)
    assert ended.status == 2
    assert arguments[0] in ended.err
    assert "Traceback" not in ended.err


def test_without_the_packages_of_prep_it_says_how_to_get_them(
    autointerp: Autointerp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "inspect_autointerp.prep.run.run", None)  # importing it fails now
    line = mistake(autointerp("prep", "demo", "-o", tmp_path / "store"))
    assert line.endswith('`pip install "inspect-autointerp[prep]"`')


def test_an_interruption_ends_with_status_130_and_a_word(
    autointerp: Autointerp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "prep", interrupted)
    ended = autointerp("prep", "demo", "-o", tmp_path / "store")
    assert ended.status == 130
    assert ended.err == "autointerp: interrupted; nothing was changed\n"


def test_from_the_shell_a_mistake_is_one_line_and_status_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inspect_autointerp.cli", "prep", "demo", "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = mistake(Ended(done.returncode, done.stdout, done.stderr))
    assert line == f"autointerp: {tmp_path} exists; give another --output, or --overwrite"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--shard", "3/2"), "--shard 3/2: give i/n with i from 1 to n, as in 2/7, or auto"),
        (("--workers", "none"), "--workers none: must be a number, at least 1, or auto"),
        (("--workers", "2", "--shard", "1/2"), "--workers makes the shards itself; leave out --workers or --shard"),
        (("--neighbours", "x"), "neighbours 'x': unknown; give one of decoder, encoder, none"),
        (("--quantization", "2bit"), "quantization '2bit': unknown; give one of 8bit, 4bit"),
    ],
)
def test_options_that_cannot_be_are_told_before_anything_is_loaded(
    autointerp: Autointerp, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    assert mistake(autointerp("prep", "demo", "-o", tmp_path / "store", *options)) == f"autointerp: {message}"


def test_shards_are_made_and_merged(
    autointerp: Autointerp, tmp_path: Path, subject_folder: Path, sae_folder: Path, corpus_folder: Path
) -> None:
    run = ("prep", subject_folder, "--coder", sae_folder, "--corpus", corpus_folder, "--tokens", "900")
    run = (*run, "--context-length", "64", "--batch-size", "4")
    single = autointerp(*run, "-o", tmp_path / "single")
    for shard in ("1/2", "2/2"):
        ended = autointerp(*run, "-o", tmp_path / "store", "--shard", shard)
        assert f"once all 2 shards are done, run `autointerp merge {tmp_path / 'store'}`" in ended.out
    ended = autointerp("merge", tmp_path / "store")
    assert ended.status == 0
    assert ended.out.replace(str(tmp_path / "store"), str(tmp_path / "single")) == single.out


def test_a_store_goes_to_a_url(
    autointerp: Autointerp,
    tmp_path: Path,
    subject_folder: Path,
    sae_folder: Path,
    corpus_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    run = ("prep", subject_folder, "--coder", sae_folder, "--corpus", corpus_folder, "--tokens", "500")
    run = (*run, "--context-length", "64", "-o", "memory://bucket/store")
    assert autointerp(*run).status == 0
    assert Manifest.read(fetch("memory://bucket/store", tmp_path / "fetched")).n_tokens == 500
    assert not list((tmp_path / "cache").rglob("manifest.json")), "what was published is not kept"
    assert mistake(autointerp(*run)) == "autointerp: memory://bucket/store exists; give another URL, or --overwrite"
    assert autointerp(*run, "--overwrite").status == 0
    assert mistake(autointerp(*run, "--overwrite", "--shard", "1/2")).startswith(
        "autointerp: --shard needs a local folder"
    )


def test_a_publication_that_fails_keeps_the_store(
    autointerp: Autointerp, tmp_path: Path, sae_folder: Path, subject_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))

    def refuse(*_: object, **__: object) -> None:
        raise UserError("memory://other/store: cannot be used (no space)")

    monkeypatch.setattr(upload, "publish", refuse)
    run = ("prep", subject_folder, "--coder", sae_folder, "--tokens", "500", "--context-length", "64")
    ended = autointerp(*run, "-o", "memory://other/store")
    assert ended.status == 2
    folder = Path(ended.err.strip().rpartition("; the store is in ")[2])
    assert Manifest.read(folder).n_tokens == 500


def test_help_calls_nothing_required_that_a_suite_gives(autointerp: Autointerp, tmp_path: Path) -> None:
    assert "[required]" not in CliRunner().invoke(cli.app, ["prep", "--help"]).output
    assert mistake(autointerp("prep", "demo")).startswith("autointerp: --output is missing; give ")
    assert mistake(autointerp("prep", "-o", tmp_path / "store")).startswith("autointerp: SUBJECT is missing; give ")
