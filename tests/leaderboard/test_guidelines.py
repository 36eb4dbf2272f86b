"""The paper's guidelines as figures, on values given by hand."""

from dataclasses import replace

import pandas as pd
import pytest
from tests.given_results import NAN, results_of_values

from inspect_autointerp.leaderboard.show.guidelines import guidelines, guidelines_view


def figures(guideline: pd.DataFrame) -> dict[str, float]:
    return {row["guideline"].partition(":")[0]: row["value"] for _, row in guideline.iterrows()}


def test_figures_by_hand_of_the_best_explainer_and_of_no_floor() -> None:
    values = {"a": [0.9, 0.8, 0.7, 0.6], "b": [0.5] * 4, "shuffled": [1.0, 0.0, 1.0, 0.0]}
    deciles = {"a": {1: [0.5, 0.5, NAN, 0.0], 10: [1.0, 0.75, 1.0, 0.5]}, "b": {1: [0.0] * 4, 10: [1.0] * 4}}
    lines = guidelines(results_of_values(values, shares=[0.1, 0.01, 0.001, 0.0001], deciles=deciles))
    assert set(lines["explainer"]) == {"a"}
    # (0.5 + 0.25 + 0.5) / 3 of the latents that have both; the score falls with the firing share throughout
    assert figures(lines) == {
        "score the whole distribution": pytest.approx(1.25 / 3),
        "rare and dense latents": pytest.approx(1.0),
    }


def test_harder_negatives_the_strength_and_other_scores() -> None:
    results = results_of_values({"detection": {"a": [0.1, 0.2, 0.3]}, "fuzzing": {"a": [0.3, 0.2, 0.1]}})
    estimates = [(0, "balanced_accuracy_neighbours", 0.6, 0.5, 0.7, 3), (1, "kl", 1.02, 0.9, 1.1, 3)]
    lines = guidelines(replace(results, estimates=pd.DataFrame(estimates, columns=results.estimates.columns)))
    assert figures(lines) == {
        "compare interventions at one KL": 1.02,
        "random negatives are weak": 0.6,
        "use more than one score": pytest.approx(-1.0),
    }
    [kl] = lines.loc[lines["value"] == 1.02, "of"]
    assert kl.startswith("fuzzing · layers.1")
    assert guidelines_view(results_of_values({"shuffled": [0.5, 0.6]})) == []
