"""Built-in stores are named alike in every command that takes a store, and none writes into one."""

import ast
import sys
from pathlib import Path

import pytest
import typer

from inspect_autointerp import cli
from inspect_autointerp.builtin import locate
from inspect_autointerp.errors import UserError

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(cli.app).commands  # pyright: ignore[reportAttributeAccessIssue]
LEXICAL = ("--model", "inspect_autointerp/lexical")
STUDY = (*LEXICAL, "--dry-run", "--look", "0", "-T", "min_contexts=5")
READ = {
    "stats": ["NAME"],
    "leaderboard": [str(ROOT / "logs" / "example"), "--html", "page", "--no-view", "--store", "NAME"],
    "show": ["NAME", "layers.1/17"],
    "compare": ["NAME", "NAME", "--by", "coactivation"],
    "compare at": ["NAME:layers.1", "NAME:layers.1", "--by", "coactivation"],
    "cost": ["--store", "NAME", "--latents", "4", "-T", "min_contexts=5", "--sample", "1"],
    "eval-sharded": ["detection", *LEXICAL, "--dry-run", "-T", "store=NAME", "-T", "min_contexts=5"],
    "study": ["layers", *STUDY, "--store", "NAME"],
    "study --level-store": [
        "coder",
        *STUDY,
        "--store",
        "NAME",
        "--level-store",
        "Gemma 16k=NAME",
        "--level-store",
        "Gemma top-32 neurons=NAME@layers.1",
    ],
}
LOG = str(next((ROOT / "logs" / "example").glob("*.eval")))
OF_A_LOG = {"verdicts": [LOG, "--store", "NAME"], "export": [LOG, "-o", "out", "--to", "delphi", "--store", "NAME"]}
"""Commands that take the store that a log is over."""
WRITTEN = {"prep": ["demo", "-o", "NAME"], "freeze": ["demo", "-o", "NAME"], "merge": ["NAME"], "negatives": ["NAME"]}
TAKE_NONE = {"coders", "hooks", "model", "ratings", "suites", "submit", "verify"}
ELSEWHERE = {"diff", "export-vectors", "mcp", "rate", "triage"}
"""Commands whose own tests open a store by its name."""
ASKING = {"store", "stores", "contexts", "store_a", "store_b"}
"""Names of the parameters that take a store."""


@pytest.fixture(params=["smollm2", "demo", "planted"])
def name(request: pytest.FixtureRequest, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a built-in store, which is made in an instant."""
    monkeypatch.setitem(locate.BUILT_IN, request.param, lambda: store_folder)
    return request.param


def run(monkeypatch: pytest.MonkeyPatch, command: str, arguments: list[str], name: str) -> int:
    words = [argument.replace("NAME", name) for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["autointerp", command.partition(" ")[0], *words])
    with pytest.raises(SystemExit) as info:
        cli.main()
    return int(info.value.code or 0)


def test_every_command_is_known_to_take_a_store_or_none() -> None:
    reading = {name.partition(" ")[0] for name in READ}
    assert set(COMMANDS) == reading | set(OF_A_LOG) | set(WRITTEN) | TAKE_NONE | ELSEWHERE
    for command in TAKE_NONE:
        for parameter in COMMANDS[command].params:
            assert parameter.name not in ASKING and "STORE" not in str(parameter.metavar), command


def test_stores_are_looked_for_in_one_place() -> None:
    """A command that resolves a store by itself would not know the names."""
    users = set()
    for folder in ("src/inspect_autointerp", "prep", "scorers", "solvers", "tasks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
                if "resolve" in names and node.module == "inspect_autointerp.builtin.locate":  # pyright: ignore
                    users.add(path.stem)
    assert users == {"source"}  # which resolves files of explanations


@pytest.mark.parametrize("command", READ)
def test_command_given_a_built_in_name_reads_that_store(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / name).mkdir()  # a folder of that name is ./NAME
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, command, READ[command], name) == 0, capsys.readouterr().err


@pytest.mark.parametrize("command", OF_A_LOG)
def test_command_given_a_built_in_name_for_a_log_looks_at_that_store(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, command, OF_A_LOG[command], name) == 2
    assert f"{name}: this store is " in capsys.readouterr().err, "the tests' store, which is not the log's"


@pytest.mark.parametrize("command", WRITTEN)
def test_command_that_writes_refuses_a_built_in_name(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, command, WRITTEN[command], name) == 2
    message = capsys.readouterr().err
    assert message == (
        f"autointerp: {name}: a built-in store has this name and cannot be changed; for a folder of this name, give"
        f" ./{name}\n"
    )


@pytest.mark.parametrize("command", ["stats", "merge", "negatives"])
def test_folder_with_a_built_in_name_is_named_by_its_path(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, command, ["./NAME"], name) == 2
    message = capsys.readouterr().err
    assert "built-in" not in message and name in message


def test_task_and_suite_take_a_built_in_name(name: str, store_folder: Path) -> None:
    from inspect_autointerp.tasks.detection import detection

    assert len(detection(name, latents="sample:3", min_contexts=5).dataset) == 3
    assert locate.locate(name) == locate.locate(str(store_folder)) == str(store_folder)
    with pytest.raises(UserError, match="cannot be changed"):
        locate.check_writable(name)
