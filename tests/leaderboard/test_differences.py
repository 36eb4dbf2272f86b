from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel
from tests.given_results import NAN, results_of_values

from inspect_autointerp.leaderboard.analyse.differences import differences, holm, paired
from inspect_autointerp.statistics.intervals import bootstrap_intervals


def test_a_difference_by_hand() -> None:
    # On the four latents that both have: 0.1, 0.3, 0.1, 0.3: mean 0.2, n 4; with four signs p is 2^−3 at least.
    pairs = differences(results_of_values({"a": [0.6, 0.8, 0.5, 0.9, 0.1], "b": [0.5, 0.5, 0.4, 0.6, NAN]}))
    [row] = pairs.to_dict("records")
    assert (row["first"], row["second"], row["n"], row["verdict"]) == (0, 1, 4, "tied")
    assert row["difference"] == pytest.approx(0.2, abs=1e-7)
    assert row["p"] == row["p_holm"] == 0.125


def test_holm_by_hand() -> None:
    # In order 0.01 · 3, 0.02 · 2, 0.04 · 1; a later one is no smaller than an earlier; the undefined does not count.
    assert holm(np.array([0.04, NAN, 0.01, 0.02]))[[0, 2, 3]].tolist() == [0.04, 0.03, 0.04]
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert holm(np.array([])).tolist() == []


def test_holm_is_statsmodels_own() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(0).random(50) ** 4
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_p_is_that_of_the_paired_t_test_where_differences_are_symmetric(rng: np.random.Generator) -> None:
    half = rng.normal(0.3, 1, 30)
    off = np.concatenate([half, 2 * half.mean() - half])  # skewness 0, so that the interval is symmetric too
    base = rng.random(60)
    p = paired((base + off)[:, None], base[:, None])[4, 0]
    assert p == pytest.approx(float(ttest_rel(base + off, base).pvalue), rel=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=30))
def test_a_verdict_does_not_contradict_the_interval(values: list[float]) -> None:
    off = np.array(values)[:, None]
    _, mean, low, high, p = paired(off, np.zeros_like(off))[:, 0]
    if p < 0.05:
        assert low > -1e-9 if mean > 0 else high < 1e-9
    theirs = ttest_rel(values, np.zeros(len(values))).pvalue if np.ptp(values) > 1e-6 else 0
    assert p >= float(theirs) - 1e-6
    assert [low, high] == [bound[0] for bound in bootstrap_intervals(off)]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_a_pair_turned_round_is_the_same_with_the_sign(a: list[float], b: list[float]) -> None:
    n = min(len(a), len(b))
    first, second = np.array(a[:n])[:, None], np.array(b[:n])[:, None]
    one, other = paired(first, second)[:, 0], paired(second, first)[:, 0]
    assert one[[0, 1, 4]] == pytest.approx(other[[0, 1, 4]] * [1, -1, 1], abs=1e-6)
    assert one[[2, 3]] == pytest.approx(-other[[3, 2]], abs=1e-9)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=20))
def test_an_explainer_differs_from_itself_by_0(values: list[float]) -> None:
    [row] = differences(results_of_values({"a": values, "b": values})).to_dict("records")
    assert (row["difference"], row["low"], row["high"], row["p"], row["verdict"]) == (0, 0, 0, 1, "tied")


@pytest.mark.parametrize(
    ("a", "b", "n"),
    [
        pytest.param([0.5], [0.4], 1, id="one latent"),
        pytest.param([NAN, NAN], [0.4, 0.5], 0, id="nothing but NaN"),
        pytest.param([0.5, NAN], [NAN, 0.5], 0, id="no common latent"),
    ],
)
def test_too_few_latents_are_undefined_and_tied(a: list[float], b: list[float], n: int) -> None:
    [row] = differences(results_of_values({"a": a, "b": b})).to_dict("records")
    assert row["n"] == n
    assert isnan(row["p"])
    assert isnan(row["low"])
    assert isnan(row["difference"]) == (n == 0)
    assert row["verdict"] == "tied"


def test_two_equal_differences_are_no_verdict_and_twenty_are() -> None:
    few = differences(results_of_values({"a": [0.75, 0.5], "b": [0.5, 0.25]}))
    many = differences(results_of_values({"a": [0.75, 0.5] * 10, "b": [0.5, 0.25] * 10}))
    assert few[["p", "verdict"]].iloc[0].tolist() == [0.5, "tied"]
    assert many[["p", "verdict"]].iloc[0].tolist() == [2.0**-19, "higher"]


def test_differences_do_not_depend_on_order_or_memory(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {name: rng.random(40).tolist() for name in "abcd"}
    values["b"][3:9] = [NAN] * 6
    by_name = _by_name(values)
    monkeypatch.setattr("inspect_autointerp.leaderboard.analyse.differences._AT_ONCE", 80)
    assert _by_name({name: values[name] for name in "dbca"}) == pytest.approx(by_name, abs=1e-9)


def _by_name(values: dict[str, list[float]]) -> dict[tuple[str, str], float]:
    results = results_of_values(values)
    names = results.entries["explainer"]
    numbers = {}
    for row in differences(results).to_dict("records"):
        sign = 1 if names[row["first"]] < names[row["second"]] else -1
        pair = tuple(sorted((names[row["first"]], names[row["second"]])))
        numbers[(*pair, "p")] = row["p_holm"]
        numbers[pair] = sign * row["difference"]
    return numbers


def test_verdicts_on_equals_are_wrong_in_no_more_than_one_table_of_twenty(rng: np.random.Generator) -> None:
    # Six explainers of the same true scores, 15 pairs: the chance of any verdict at all is to stay below 5 %.
    tables = 300
    wrong = 0
    pairs = np.triu_indices(6, 1)
    for _ in range(tables):
        ease = rng.beta(8, 2, (40, 1))
        values = rng.binomial(50, ease, (40, 6)) / 50
        wrong += (holm(paired(values[:, pairs[0]], values[:, pairs[1]])[4]) < 0.05).any()
    assert wrong / tables < 0.05 + 2 * (0.05 * 0.95 / tables) ** 0.5


def test_no_table_has_no_differences() -> None:
    results = results_of_values({"a": [0.5]})
    assert len(differences(results)) == 0
    assert isinstance(differences(results), pd.DataFrame)
