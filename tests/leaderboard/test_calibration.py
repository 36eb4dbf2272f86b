"""Calibration of graders from verdicts, by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from tests.given_results import results_of_values
from tests.probability_grader import known_grader
from typer.testing import CliRunner

from inspect_autointerp.cli import app
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.leaderboard.analyse.calibration import calibration, calibrations, known_pairs
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.show.calibration import as_records, calibration_views
from inspect_autointerp.tasks import detection, embedding


def test_calibration_by_hand() -> None:
    one = calibration(0, [np.array([[0.9, 1], [0.95, 0]]), np.array([[0.15, 0], [0.0, 0]]), np.zeros((0, 2))])
    assert (one.contexts, one.latents) == (4, 2)
    first, second = (0.1**2 + 0.95**2) / 2, 0.15**2 / 2
    assert one.brier == pytest.approx((first + second) / 2)
    assert second <= one.low < one.brier < one.high <= first
    assert one.base == 0.25 * 0.75
    assert [bin.contexts for bin in one.bins] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (one.bins[9].probability, one.bins[9].share) == (pytest.approx(0.925), 0.5)
    assert one.error == pytest.approx((0.15 + 2 * 0.425) / 4)


def test_honest_probabilities_are_calibrated_and_sure_ones_are_not(rng: np.random.Generator) -> None:
    probability = rng.random(40_000)
    truth = rng.random(40_000) < probability
    honest = calibration(0, [np.stack([probability, truth], axis=1)])
    assert honest.brier == pytest.approx(np.square(probability - truth).mean())
    assert honest.error < 0.02
    sure = calibration(0, [np.stack([np.round(probability), truth], axis=1)])
    assert sure.error == pytest.approx(0.25, abs=0.01)
    assert sure.brier > honest.brier


def test_which_verdicts_count() -> None:
    kinds = [("activating", 0.9), ("random", 0.2), ("neighbours", 0.5), ("random", None)]
    assert known_pairs([Verdict(kind=kind, probability=p) for kind, p in kinds]).tolist() == [[0.9, 1], [0.2, 0]]
    lineup = [Verdict(kind=kind, probability=0.5, question=0) for kind in ("activating", "intruder")]
    assert known_pairs(lineup).tolist() == [[0.5, 0], [0.5, 1]]


@pytest.mark.usefixtures("planted_store")
def test_leaderboard_shows_it_from_logs(tmp_path: Path) -> None:
    judging = {"name": "probability", "tuning": 0}
    task = detection(store="planted", latents="0:2", judging=judging, test_activating=10, test_nonactivating=10)
    grader = known_grader(lambda explanation, text: 0.75)[0]
    inspect_eval(task, model="inspect_autointerp/oracle", model_roles={"grader": grader}, log_dir=str(tmp_path),
                 display="none")  # fmt: skip
    results = read_results(str(tmp_path), alone=True)
    [one] = calibrations(results)
    assert (one.brier, one.error) == (pytest.approx((0.25**2 + 0.75**2) / 2), pytest.approx(0.25))
    rows, curve = calibration_views(results, [one])
    assert rows.rows[0][-2:] == ["40", "2"]
    assert (curve.head[2:], curve.rows[0][2:]) == (["0.7–0.8"], ["0.50\nn = 40"])
    assert json.loads(json.dumps(as_records(results, [one])))[0]["bins"][7]["share"] == 0.5
    done = CliRunner().invoke(app, ["leaderboard", str(tmp_path), "--calibration", "--md", "-"])
    assert done.exit_code == 0, done.output
    assert "Calibration · detection" in done.output


@pytest.mark.usefixtures("planted_store")
def test_logs_without_probabilities_are_one_line(tmp_path: Path) -> None:
    task = embedding(store="planted", latents="0:2", test_activating=5, test_nonactivating=5)
    inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path), display="none")
    done = CliRunner().invoke(app, ["leaderboard", str(tmp_path), "--calibration"])
    assert done.exit_code != 0
    assert "no verdict has a probability" in done.output + str(done.exception)


def test_evaluations_of_one_name_are_told_apart_by_what_differs() -> None:
    results = results_of_values({"x": [0.5], "y": [0.5], "z": [0.5]})
    options = [json.dumps({"seed": seed, "window": None}) for seed in (0, 1, 0)]
    entries = results.entries.assign(
        explainer="x", grader="g", prompt="detection/4", options=options, hookpoint=["a", "a", "b"]
    )
    computed = [calibration(entry, [np.array([[0.9, 1], [0.2, 0]])]) for entry in range(3)]
    rows, curves = calibration_views(replace(results, entries=entries), computed)
    names = ["x\nhookpoint a · seed=0", "x\nhookpoint a · seed=1", "x\nhookpoint b · seed=0"]
    assert [row[0] for row in rows.rows] == [row[0] for row in curves.rows] == names
    alone, _ = calibration_views(replace(results, entries=entries), computed[:1])
    assert alone.rows[0][0] == "x"
