"""Tests that commands print in any encoding, and end quietly when the reader has gone."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from inspect_autointerp import cli
from inspect_autointerp.text.streams import accept_any_text

LOGS = Path(__file__).parents[2] / "logs" / "example"
ENCODINGS = ("ascii", "cp1252", "latin-1", "utf-8")
COMMANDS = sorted(typer.main.get_command(cli.app).commands)  # pyright: ignore[reportAttributeAccessIssue]
EVERY_SIGN = "⟦a⟧ … − – · × Σ → ᵢ √ ² ⏎ † ½ ¶ ◌ ▁ ‹b› █▏ ❄️ \N{GRINNING FACE} \udc80"

Run = Callable[..., tuple[int, bytes, bytes]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, with streams of an encoding that are as strict as they can be."""

    def run(encoding: str, *arguments: object) -> tuple[int, bytes, bytes]:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["autointerp", *map(str, arguments)])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setenv("COLUMNS", "100")
            with pytest.raises(SystemExit) as info:
                cli.main()
            err.flush()
        return int(info.value.code or 0), out.buffer.getvalue(), err.buffer.getvalue()  # pyright: ignore

    return run


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_stream_with_any_encoding_takes_every_sign(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
    monkeypatch.setattr(sys, "stdout", stream)
    accept_any_text()
    accept_any_text()
    stream.write(EVERY_SIGN)
    stream.flush()
    written = stream.buffer.getvalue().decode(encoding)  # pyright: ignore[reportAttributeAccessIssue]
    assert stream.encoding == encoding
    assert written.endswith("\\udc80")
    if encoding == "ascii":
        assert written.startswith("\\u27e6a\\u27e7 ... - - . x sum -> ")
        assert " <b> #| " in written and "\\U0001f600" in written
    if encoding == "utf-8":
        assert written == EVERY_SIGN.replace("\udc80", "\\udc80")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_of_every_command_prints(command: str | None, encoding: str, run: Run) -> None:
    status, out, err = run(encoding, *([command] if command else []), "--help")
    assert (status, err) == (0, b"")
    assert b"Usage" in out


def printing(store: Path, folder: Path) -> dict[str, list[object]]:
    """Commands that print tables, texts of a corpus, and what they wrote."""
    explained = folder / "said.jsonl"
    explained.write_text(json.dumps({"index": 17, "explanation": EVERY_SIGN[:-1]}) + "\n", encoding="utf-8")
    return {
        "stats": [store, "--latents", "0:40"],
        "show": [store, "layers.1/17"],
        "compare": [store, store, "--by", "coactivation", "--explanations-a", explained, "--explanations-b", explained],
        "suites": [],
        "cost": ["--store", store, "--latents", "4", "-T", "min_contexts=5", "--sample", "1"],
        "cost --json": ["--store", store, "--latents", "4", "-T", "min_contexts=5", "--sample", "1", "--json"],
        "leaderboard": [LOGS, "--full"],
        "leaderboard --csv": [LOGS, "--csv", "-"],
        "leaderboard --json": [LOGS, "--json", "-"],
        "leaderboard --md": [LOGS, "--md", "-", "--full"],
        "export": [*sorted(LOGS.rglob("*.eval"))[:1], "--to", "csv", "-o", folder / "r…ws.csv", "--overwrite"],
        "hooks": ["demo"],
        "study": [],
        "prep": ["demo", "--dry-run", "-o", folder / "n…w", "--corpus", explained, "--column", "explanation"],
        "negatives": [folder / "store", "--kind", "cooccurring"],
    }


def test_output_of_every_command_prints(run: Run, store_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(store_folder, tmp_path / "store")
    for name, arguments in printing(store_folder, tmp_path).items():
        status, out, err = run("ascii", name.partition(" ")[0], *arguments)
        assert status == 0, (name, err)
        assert out or name == "export", name
        assert "--" in name or out.isascii(), name


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("format", ["csv", "json", "md"])
def test_data_on_standard_output_are_the_files_bytes(format: str, encoding: str, run: Run, tmp_path: Path) -> None:
    status, out, err = run(encoding, "leaderboard", LOGS, f"--{format}", "-")
    assert status == 0, err
    assert run(encoding, "leaderboard", LOGS, f"--{format}", tmp_path / "file")[0] == 0
    assert out == (tmp_path / "file").read_bytes()
    assert format != "md" or "–".encode() in out or "†".encode() in out


def test_mistake_named_after_any_character_is_one_line(run: Run, tmp_path: Path) -> None:
    status, _, err = run("ascii", "stats", tmp_path / "caf\udce9 ❄")
    assert status == 2
    assert b"\\udce9 \\u2744" in err and err.count(b"\n") == 1


def process_of(*arguments: object, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "inspect_autointerp.cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | environment)


def test_command_in_the_c_locale_prints(store_folder: Path) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    out, err = process_of("stats", store_folder, "--latents", "0:3", environment=locale).communicate()
    assert (out[:1] != b"", err) == (True, b"")
    out.decode("ascii")


@pytest.mark.parametrize("arguments", [("stats", "STORE"), ("leaderboard", LOGS, "--csv", "-")])
def test_command_whose_reader_is_gone_ends_quietly(arguments: tuple[object, ...], store_folder: Path) -> None:
    given = [store_folder if argument == "STORE" else argument for argument in arguments]
    process = process_of(*given, environment={})
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


def test_task_lets_inspect_print_any_text(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inspect_autointerp.tasks.detection import detection

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict"))
    detection(str(store_folder), min_contexts=5)
    sys.stdout.write(EVERY_SIGN)
    sys.stdout.flush()


def test_a_name_with_an_emoji_code_is_printed_as_it_is(run: Run) -> None:
    status, _, errors = run("utf-8", "stats", "no/store:x:cat:-1:")
    assert status == 2
    assert "no/store:x:cat:-1:" in errors.decode()


def test_every_console_prints_emoji_codes_as_they_are() -> None:
    root = Path(__file__).parents[2]
    files = [path for room in ("src", "prep", "scorers", "solvers", "tasks") for path in (root / room).rglob("*.py")]
    calls = {path: re.findall(r"\bConsole\([^,)]*", path.read_text(encoding="utf-8")) for path in files}
    assert sum(map(len, calls.values())) > 30
    for path, every in calls.items():
        assert {re.sub(r"\s", "", call) for call in every} <= {"Console(emoji=False"}, path
