"""Tests of explainers that were trained on a score: the leaderboard shows them, and does not rank them by it."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
from tests.given_results import results_of_values
from tests.log_files import sample, value, write
from typer.testing import CliRunner

from inspect_autointerp.cli import app
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.results_from_logs import read_results

GOOD, FAIR, POOR = 0.9, 0.7, 0.6


def logs(folder: Path) -> Path:
    """Write logs of three explainers: the best was trained on detection, by its file's or the user's word."""
    for number, (name, base, trained_on) in enumerate(
        [("best", GOOD, "detection,fuzzing"), ("fair", FAIR, ["generation"]), ("poor", POOR, None)]
    ):
        samples = [sample(i, value(base + 0.01 * (i % 3))) for i in range(12)]
        explainer = {"name": "explain", **({"trained_on": trained_on} if trained_on else {})}
        write(folder / f"{number}.eval", samples, model=name, explainer=explainer)
    return folder


def test_who_was_trained_on_a_score_is_shown_marked_and_not_ranked(tmp_path: Path) -> None:
    results = read_results(str(logs(tmp_path)))
    numbers = results.entries.join(summary(results))
    assert [name.split(" ")[0] for name in numbers["explainer"]] == ["fair", "poor", "best"]
    assert numbers["trained"].tolist() == [False, False, True]
    assert numbers["rank_low"].tolist() == [1, 2, pd.NA]
    assert numbers["rank_high"].tolist() == [1, 2, pd.NA]
    assert numbers["mean"].iloc[2] > numbers["mean"].iloc[0]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(
        app, ["leaderboard", str(tmp_path), "--json", str(tmp_path / "rows.json")]
    )
    assert result.exit_code == 0, result.output
    assert "‡" in next(line for line in result.output.splitlines() if "best" in line)
    assert "‡: was trained on this score" in " ".join(result.output.split())
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [(row["trained"], row["rank_low"]) for row in rows] == [(False, 1), (False, 2), (True, None)]


def test_explanations_say_themselves_what_their_writer_was_trained_on(tmp_path: Path) -> None:
    samples = [sample(i, value(GOOD)) for i in range(4)]
    for one in samples:
        one.metadata["explanation"] |= {"source": "supply", "trained_on": ["detection"]}
    write(tmp_path / "0.eval", samples, model="best", explainer="supply", explanations="labels.jsonl")
    write(tmp_path / "1.eval", [sample(i, value(FAIR)) for i in range(4)], model="fair")
    entries = read_results(str(tmp_path)).entries
    assert entries["trained"].tolist() == [False, True]
    for one in samples:
        one.metadata["explanation"]["source"] = "shuffled"
    write(tmp_path / "0.eval", samples, model="best", explainer="shuffled", explanations="labels.jsonl")
    assert not read_results(str(tmp_path)).entries["trained"].any()


def test_ranks_of_others_do_not_count_it() -> None:
    results = results_of_values({"a": [0.9, 0.8] * 20, "b": [0.6, 0.7] * 20})
    entries = results.entries.assign(trained=[True, False])
    assert summary(replace(results, entries=entries))["rank_low"].tolist() == [pd.NA, 1]
