"""`autointerp study` as a user meets it: every study on the demo's subject, over few tokens, with the baseline."""

import json
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import list_eval_logs, read_eval_log

from inspect_autointerp import cli
from inspect_autointerp.builtin import demo
from inspect_autointerp.experiments import stores
from inspect_autointerp.experiments.definition import read_study, study_names
from inspect_autointerp.experiments.plan import demo_asked, plan_study, task_arguments
from inspect_autointerp.experiments.results import outcome, read_found
from inspect_autointerp.experiments.stores import Given
from inspect_autointerp.experiments.views import study_notes, study_views
from inspect_autointerp.leaderboard.show import view
from inspect_autointerp.store.store import Store

JUDGED = ["--latents", "sample:2", "-T", "test_activating=5", "-T", "test_nonactivating=5", "-T", "min_contexts=5"]
STEERED = ["--latents", "sample:2", "-T", "min_contexts=5"]
STEERED += [part for name in ("scored_prompts", "tuned_prompts", "new_tokens") for part in ("-T", f"{name}=2")]
WHOLE = ["coder"]
"""Studies that are run to their end: their levels differ in stores. `prompt` is below."""
QUICK = ["--look", "0", "--retry-attempts", "0"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture(autouse=True)
def small_demo(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo over 30,000 tokens, made in this process."""

    def make_once(folder: Path, module: str, arguments: list[str], what: str) -> Path:
        if not folder.exists():
            cli.app([*arguments, "--pool", "400"], standalone_mode=False)
        return folder

    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(made))
    monkeypatch.setattr(demo, "TOKENS", 30_000)
    monkeypatch.setattr(demo, "store_folder", lambda: made / "demo")
    arguments = ["prep", "demo", "-o", str(made / "demo"), "--tokens", "30000"]
    monkeypatch.setattr(demo, "ensure_store", lambda: make_once(made / "demo", "", arguments, ""))
    monkeypatch.setattr(stores, "make_once", make_once)
    # Inspect reads what is installed at the start of each task: half a second of its time
    monkeypatch.setattr("inspect_ai._util.package.packages_distributions", cache(packages_distributions), raising=False)


def study(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["autointerp", "study", *map(str, arguments)])
    with pytest.raises(SystemExit) as info:
        cli.main()
    captured = capsys.readouterr()
    return int(info.value.code or 0), captured.out, captured.err


def check_paper_rows(name: str, written: str) -> None:
    """The table has a row of each level that the paper has numbers of, and the numbers are in it."""
    for level, settings in read_study(name).levels.items():
        if not settings.paper:
            continue
        row = next(line for line in written.splitlines() if line.strip("| *").startswith(level))
        for numbers in settings.paper.values():
            assert f"{numbers[0]:.2f}" in row


@pytest.mark.parametrize("name", WHOLE)
def test_each_runs_on_the_demo(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.md"
    status, out, err = study(monkeypatch, capsys, name, *JUDGED, *QUICK, "--log-dir", tmp_path, "--md", table)
    assert status == 0, err[-2000:]
    out = " ".join(out.split())  # notes are wrapped at the terminal's width
    assert "DEMO: our numbers here come from this project's demo" in out
    assert f"arXiv 2410.13928, {read_study(name).table}" in out
    written = table.read_text()
    check_paper_rows(name, written)
    logs = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(tmp_path / name))]
    assert {log.status for log in logs} == {"success"}
    for log in logs:
        assert (log.eval.metadata or {})["study"] == name
        level = (log.eval.metadata or {})["level"]
        assert re.search(rf"^\| \*?{re.escape(level)}\b.*\d\.\d\d \(", written, re.MULTILINE) or "KL 3" in level


@pytest.mark.parametrize("name", [name for name in study_names() if name not in WHOLE])
def test_each_other_has_tasks_of_which_one_runs(name: str, tmp_path: Path) -> None:
    small = (STEERED if "intervention" in name else JUDGED)[2:]
    options = task_arguments(small[1::2]) | {"latents": "sample:2"}
    plan = plan_study(name, read_study(name), Given(None, None, {}), demo_asked({}, {}, []), options)
    tasks = {run.name: run.task(name) for run in plan.runs}
    assert tasks and all(len(task.dataset) == 2 for task in tasks.values())
    assert read_study(name).levels.keys() - tasks.keys() - plan.missing.keys() <= {"lexical baseline"}  # which explains
    level, task = list(tasks.items())[min(1, len(tasks) - 1)]  # the first that is not the default
    [log] = inspect_eval(task, log_dir=str(tmp_path), display="none", limit=1)
    assert log.status == "success", log.error
    assert {(log.eval.metadata or {})[key] for key in ("study", "level")} == {name, level}
    results = read_found(tmp_path)
    view.write_markdown(
        tmp_path / "t.md", study_views(plan, results, outcome(results, plan.levels, "")), study_notes(plan)
    )
    written = (tmp_path / "t.md").read_text()
    assert "DEMO: our numbers here come from this project's demo" in " ".join(written.split())
    if not read_study(name).table:
        assert "Cost and scores of explanations, means per latent" in written and "arXiv" not in written
    assert level in written
    check_paper_rows(name, written)


def test_a_level_that_is_missing_is_run_again_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["prompt", *JUDGED, *QUICK, "--log-dir", tmp_path]
    assert study(monkeypatch, capsys, *command)[0] == 0
    logs = {info.name: read_eval_log(info, header_only=True) for info in list_eval_logs(str(tmp_path / "prompt"))}
    lost = next(name for name, log in logs.items() if (log.eval.metadata or {})["level"] == "no activations")
    Path(lost.removeprefix("file://")).unlink()
    assert study(monkeypatch, capsys, *command)[0] == 0
    after = {info.name for info in list_eval_logs(str(tmp_path / "prompt"))}
    [new] = after - logs.keys()
    assert after >= logs.keys() - {lost}
    assert (read_eval_log(new, header_only=True).eval.metadata or {})["level"] == "no activations"
    # and other arguments are not mixed with these
    status, _, err = study(monkeypatch, capsys, *command, "-T", "seed=1")
    assert status == 2
    assert "For other arguments give another --log-dir." in err
    assert "[bold]" not in err


def test_a_dry_run_says_what_it_will_cost_and_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.yaml"
    price = {"input": 1, "output": 2, "input_cache_read": 1, "input_cache_write": 1}
    prices.write_text(json.dumps({"mockllm/grader": price}))
    status, out, _ = study(
        monkeypatch, capsys, "prompt", *JUDGED, "--model", "mockllm/explainer", "--grader", "mockllm/grader",
        "--dry-run", "--look", 1, "--model-cost-config", prices, "--log-dir", tmp_path / "logs",
    )  # fmt: skip
    assert status == 0
    assert "mockllm/explainer: its price is unknown" in out
    assert not (tmp_path / "logs").exists()
    rows = {line.split("│")[1].strip(): line.split("│")[3].strip() for line in out.splitlines() if line.count("│") > 5}
    # of 2 latents, fuzzing and detection: a call for the explanation; the floor's explanations are paid for already
    calls = {name: int(count) for name, count in rows.items()}
    assert calls["activations shown"] == calls["no activations"] == calls["random explanation"] + 2
    assert calls["all"] == sum(count for name, count in calls.items() if name != "all")


def test_what_has_no_contexts_is_listed_with_what_makes_them(
    made: Path, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["coder", *JUDGED, *QUICK, "--store", store_folder, "--log-dir", tmp_path, "--md", tmp_path / "t.md"]
    status, _, _ = study(monkeypatch, capsys, *command, "--level-store", f"Gemma 16k={demo.ensure_store()}@layers.1")
    assert status == 0
    text = (tmp_path / "t.md").read_text()
    [line] = [line for line in text.splitlines() if "--coder neurons:32 --hookpoint layers.1.mlp" in line]
    assert "autointerp prep " in line
    assert "-o DIR, then --level-store 'Gemma top-32 neurons=DIR'" in line
    assert "DEMO" not in text
    assert re.search(r"^\| Gemma 16k \(\S+ at layers\.1\) \| \d\.\d\d \(", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "nothing: no such study; there are agent, coder"),
        (["coder", "--level-store", "Gemma 16k"], "--level-store Gemma 16k: give LEVEL=DIR, or LEVEL=DIR@HOOKPOINT"),
        (
            ["coder", "--level-store", "Gemma 17k=x"],
            "--level-store Gemma 17k=…: coder has no such level; there are Gemma 131k",
        ),
        (["coder", "--store", "nowhere"], "…nowhere: no such context store"),
        (["coder", "--model", "gpt"], "--model gpt: give PROVIDER/NAME, or LEVEL=PROVIDER/NAME"),
        (
            ["prompt", "-T", "shwon=1", "--dry-run"],
            "activations shown: -T shwon=1: the task multi_score has no such",
        ),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = study(monkeypatch, capsys, *arguments)
    assert status == 2
    lines = [line for line in err.splitlines() if line.startswith("autointerp: ")]
    assert len(lines) == 1, err
    assert message.removeprefix("…") in lines[0] if message.startswith("…") else lines[0][12:].startswith(message)


def test_without_a_name_they_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = study(monkeypatch, capsys)
    assert status == 0
    assert all(name in out for name in study_names())


def test_levels_named_by_the_paper_say_what_was_used(store_folder: Path, sharp_store_folder: Path) -> None:
    stores = {"Gemma 16k": str(sharp_store_folder)}
    plan = plan_study("coder", read_study("coder"), Given(str(store_folder), None, stores), demo_asked({}, {}, []), {})
    table = study_views(plan, {}, outcome({}, plan.levels, ""))[0]
    first = {row[0].partition("\n")[0]: row[0].partition("\n")[2] for row in table.rows}
    store = Store.open(str(store_folder))
    entry = store.at(None).entry
    assert first["Gemma 131k, residual"] == f"({entry.coder} at {store.at(None).name})"
    assert first["Gemma 16k"].startswith(f"({Store.open(str(sharp_store_folder)).at(None).entry.coder}")
    assert first["Gemma top-32 neurons"] == "", "no store was given for it"
    assert any("What was used in its place" in note for note in study_notes(plan))
    assert "131k" not in "".join(first.values())
    other = plan_study("dataset", read_study("dataset"), Given(str(store_folder), None, {}), demo_asked({}, {}, []), {})
    [label] = [row[0] for row in study_views(other, {}, outcome({}, other.levels, ""))[0].rows if "RedPajama" in row[0]]
    assert label == f"RedPajama-v2\n({store.settings.corpus})"


@pytest.mark.parametrize(
    ("given", "folder", "hookpoint"),
    [
        ("made", "made", None),
        ("made@layers.1", "made", "layers.1"),
        ("made@layers.1@neurons:32", "made", "layers.1@neurons:32"),
        ("made@home", "made@home", None),
        ("made@home@layers.1@x", "made@home", "layers.1@x"),
        ("demo@layers.1@x", "demo", "layers.1@x"),
        ("s3://bucket/me@home/store@layers.1@x", "s3://bucket/me@home/store", "layers.1@x"),
        ("nowhere@layers.1", "nowhere", "layers.1"),
    ],
)
def test_level_store_with_an_at_sign_in_its_parts(
    given: str, folder: str, hookpoint: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hookpoint that several coders read is `PLACE@CODER`."""
    for name in ("made", "made@home"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stores, "_opened", lambda contexts: contexts)
    monkeypatch.setattr(stores, "_place", lambda store, at: (store, at))
    places = Given(None, None, {"level": given}).hookpoints()
    assert places == {"level": (folder, hookpoint)}
