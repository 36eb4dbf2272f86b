"""Coders compared for one explainer: `autointerp leaderboard --by coder`."""

from math import isnan

import pytest
from tests.given_results import results_of_values

from inspect_autointerp.leaderboard.analyse.coders import over_coders
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.show.coders import by_coder

SAE = {"m": [0.8, 0.7, 0.9, 0.8], "shuffled": [0.5, 0.5, 0.6, 0.4]}
NEURONS = {"m": [0.6, 0.5, 0.6, 0.5], "shuffled": [0.5, 0.4, 0.5, 0.6]}
CODERS = {"detection@neurons": "neurons:32", "detection@sae": "sae"}
RESULTS = results_of_values({"detection@neurons": NEURONS, "detection@sae": SAE}, coders=CODERS)


def test_over_coders_ranks_them_and_takes_two_samples() -> None:
    # Means 0.8 and 0.55; variances 0.02 / 3 and 0.01 / 3, so the difference 0.25 has the standard error
    # sqrt((0.02 / 3 + 0.01 / 3) / 4) = 0.05, and Welch's t with 5.4 degrees of freedom is 2.515.
    best, other = over_coders(RESULTS).to_dict("records")
    assert RESULTS.entries["coder"][[best["entry"], other["entry"]]].tolist() == ["sae", "neurons:32"]
    assert isnan(best["below"])
    assert other["below"] == pytest.approx(0.25)
    assert other["below_high"] - other["below"] == pytest.approx(2.515 * 0.05, rel=1e-3)


def test_over_coders_leaves_out_floors_and_what_is_on_one_coder() -> None:
    assert over_coders(results_of_values({"detection": SAE})).empty
    assert set(RESULTS.entries["explainer"][over_coders(RESULTS)["entry"]]) == {"m"}


def test_by_coder_shows_a_row_for_each_with_its_floor() -> None:
    [view] = by_coder(RESULTS, summary(RESULTS))
    constant = "0.0 % unscored · 4 of 4 latents each · store d1"  # the same in both rows, so not columns
    assert view.title == f"By coder · detection · m · graded by g · {constant}"
    assert not {"unscored", "latents", "store"} & set(view.head)
    assert [row[0].removesuffix(" †") for row in view.rows] == ["sae", "neurons:32"]
    head = dict(zip(view.head, view.rows[0], strict=True))
    assert head["balanced accuracy"].startswith("0.800\n[")
    assert head["floor"] == "0.500"
    assert head["over floor"].startswith("+0.300\n[+")
    assert head["below the best"] == "–"
    assert view.rows[1][view.head.index("below the best")].startswith("+0.250\n[+0.124, +0.376]")
