import pandas as pd
import pytest
from benchmarks.synthetic_results import synthetic
from tests.given_results import NAN, results_of_values

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.breakdown import breakdown


def test_deciles_by_hand_and_those_without_a_value_left_out() -> None:
    results = results_of_values(
        {"a": [0.5, 0.7], "b": [0.5, 0.5]}, deciles={"a": {1: [0.25, 0.75], 10: [1.0, NAN]}, "b": {10: [0.5, 0.5]}}
    )
    deciles = breakdown(results, "decile")
    rows = deciles[["entry", "group", "n", "mean"]].to_numpy().tolist()
    assert rows == [[0, 1, 2, 0.5], [0, 10, 1, 1], [1, 10, 2, 0.5]]


def test_bands_of_density_by_hand() -> None:
    results = results_of_values({"a": [0.5, 0.75, 1.0, 0.25]}, shares=[0.2, 0.002, 0.003, NAN])
    rows = breakdown(results, "density")
    assert rows[["group", "n", "mean"]].to_numpy().tolist() == [["0.001–0.01", 2, 0.875], ["0.1–1", 1, 0.5]]


def test_hookpoints_are_those_of_tables() -> None:
    results = synthetic(explainers=3, latents=20, scores=1, hookpoints=2, missing=0)
    rows = breakdown(results, "hookpoint")
    assert rows["group"].tolist() == ["layers.0"] * 3 + ["layers.1"] * 3
    assert rows["mean"].tolist() == pytest.approx(results.estimates["mean"].tolist(), abs=1e-6)
    assert rows["low"].tolist() == pytest.approx(results.estimates["low"].tolist(), abs=1e-6)


def test_classes_of_triage_by_hand() -> None:
    results = results_of_values({"a": [0.5, 0.75, 1.0, 0.25]})
    ids = results.latents["id"].astype(str).tolist()
    classes = pd.DataFrame(
        {"latent": ids[:3], "class": ["output", "input", "output"], "store": results.latents["store"][:3]}
    )
    rows = breakdown(results, "triage", classes)
    assert rows[["group", "n", "mean"]].to_numpy().tolist() == [["input", 1, 0.75], ["output", 2, 0.75]]
    of_models = classes.assign(**{"class": ["second", "shared", "second"]})
    rows = breakdown(results, "triage", of_models)
    assert rows[["group", "n", "mean"]].to_numpy().tolist() == [["shared", 1, 0.75], ["second", 2, 0.75]]
    with pytest.raises(UserError, match=r"the file names no latent of these logs"):
        breakdown(results, "triage", classes.assign(store="another"))
    with pytest.raises(UserError, match=r"give the file that `autointerp triage -o FILE` wrote"):
        breakdown(results, "triage")


def test_another_word_is_one_line() -> None:
    with pytest.raises(UserError, match=r"by layer: give one of decile, hookpoint, density"):
        breakdown(synthetic(3, 5, 1), "layer")
