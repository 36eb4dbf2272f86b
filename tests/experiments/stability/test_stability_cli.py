"""`autointerp study stability` as a user meets it."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from inspect_ai.log import list_eval_logs, read_eval_log

from inspect_autointerp import cli

SMALL = ["planted", "--latents", "sample:6", "--scores", "embedding", "--contexts", "20", "--draws", "2"]


def study(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["autointerp", "study", "stability", *map(str, arguments)])
    with pytest.raises(SystemExit) as info:
        cli.main()
    captured = capsys.readouterr()
    return int(info.value.code or 0), captured.out, captured.err


def test_a_study_is_run_continued_and_given_to_the_leaderboard(
    planted_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {kind: tmp_path / f"study.{kind}" for kind in ("json", "csv", "md")}
    command = [*SMALL, "--log-dir", tmp_path, *(part for kind, path in files.items() for part in (f"--{kind}", path))]
    status, out, err = study(monkeypatch, capsys, *command)
    assert status == 0, err[-2000:]
    assert "Where the variance of one score comes from" in " ".join(out.split())
    told = json.loads(files["json"].read_text())
    assert (told["halves"], told["draws"], told["reseeds"]) == (2, 2, 2)
    assert len(told["latents"]) == 6
    assert [row["explainer"].rpartition(", ")[2] for row in told["scores"]] == ["quantiles", "top"]
    for row in told["scores"]:
        assert 0 <= row["reliability"]["value"] <= row["reliability_of_mean"]["value"] <= 1
        assert sum(part["share"] for part in row["components"].values()) == pytest.approx(1)
        assert set(row["ranks"]) == {"test draw", "explanation", "documents"}
    [pairs] = told["differences"]
    sizes = {(one["latents"], one["contexts"]): one for one in pairs["smallest_differences"]}
    assert sizes[100, 20]["extrapolated"] is False
    assert sizes[100, 50]["extrapolated"] is True
    assert sizes[500, 20]["over_latents_alone"] < sizes[100, 20]["over_latents_alone"] <= sizes[100, 20]["value"]
    rows = pd.read_csv(files["csv"])
    assert len(rows) == 2 * 2 * 2 * 2 * 6  # samplings, halves, draws, reseeds, latents
    # The file's components are those of the scores in the CSV.
    wide = rows[rows["sampling"] == "top"].groupby("latent")["value"].mean()
    assert told["scores"][1]["mean"] == pytest.approx(wide.mean(), abs=1e-6)
    assert "| embedding | 20 |" in files["md"].read_text()

    # One cell is lost: it is run again, and no other.
    folder = tmp_path / "stability"
    logs = [info.name for info in list_eval_logs(str(folder))]
    assert len(logs) == 16
    Path(logs[3].removeprefix("file://")).unlink()
    status, again, err = study(monkeypatch, capsys, *command)
    assert status == 0, err[-2000:]
    first = "Where the variance"  # before it Inspect may say, once in a process, that a newer version exists
    assert again[again.index(first) :] == out[out.index(first) :]
    assert len({info.name for info in list_eval_logs(str(folder))} - set(logs)) == 1
    # Another design is not mixed with it.
    status, _, err = study(monkeypatch, capsys, *command, "--reseeds", "1")
    assert status == 2
    assert "holds a stability study of other arguments" in err

    # Cells of one half are evaluations like any others, and the leaderboard marks what is luck between them.
    heads = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(folder))]
    assert {head.eval.metadata["store"][-6:] for head in heads if head.eval.metadata} == {"/half1", "/half2"}
    monkeypatch.setattr(sys, "argv", ["autointerp", "leaderboard", str(folder), "--luck", str(files["json"])])
    with pytest.raises(SystemExit) as info:
        cli.main()
    assert info.value.code in (0, None)
    shown = " ".join(capsys.readouterr().out.split())
    assert "luck: up to" in shown
    assert "≈ marks a difference that can be luck" in shown


def test_a_dry_run_asks_nobody(
    planted_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models = ["--model", "mockllm/a", "--grader", "mockllm/g", "--sampling", "top"]
    scores = ["planted", "--latents", "sample:6", "--scores", "detection", "--contexts", "20"]
    status, out, err = study(monkeypatch, capsys, *scores, *models, "--dry-run", "--log-dir", tmp_path / "logs")
    assert status == 0, err
    assert "12 evaluations are like each of these: 2 halves × 3 draws × 2 explanations." in " ".join(out.split())
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such context store"),
        (["planted", "--contexts", "400"], "have too few activating contexts in half 1"),
        (["planted", "--latents", "0:3"], "variance components need at least 5"),
        (["planted", "--scores", "detektion"], "scores=detektion: give judged, all, or some of"),
        (["planted", "--sampling", "best"], "--sampling best: give quantiles, random, top, mix"),
        (["planted", "-T", "shwon=1"], "-T shwon=1: the task multi_score has no such argument"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    message: str,
    planted_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, _, err = study(monkeypatch, capsys, "--latents", "0:6", *arguments, "--log-dir", tmp_path / "logs")
    assert status == 2
    told = [line for line in err.splitlines() if line.startswith("autointerp: ")]
    assert len(told) == 1, err
    assert message in told[0]
    assert not (tmp_path / "logs").exists()


def test_its_help_lists_its_own_options(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = study(monkeypatch, capsys, "--help")
    assert status == 0
    assert "study stability" in out
    assert all(option in out for option in ("--draws", "--reseeds", "--halves", "--json"))
