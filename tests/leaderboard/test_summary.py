import numpy as np
import pandas as pd
import pytest
from benchmarks.synthetic_results import synthetic
from scipy.stats import ttest_ind
from tests.given_results import NAN, results_of_values

from inspect_autointerp.leaderboard.analyse.random_coder import welch
from inspect_autointerp.leaderboard.analyse.statistics import quartiles, summary
from inspect_autointerp.leaderboard.results import band
from inspect_autointerp.statistics.intervals import bootstrap_interval


def test_a_mean_and_quartiles_by_hand() -> None:
    # Of 0.2, 0.4, 0.6, 1.0 the mean is 0.55; quartiles at places 0.75, 1.5, 2.25: 0.35, 0.5, 0.7.
    row = summary(results_of_values({"a": [0.4, NAN, 1.0, 0.2, 0.6]})).iloc[0]
    assert row[["n", "mean", "q25", "median", "q75"]].tolist() == pytest.approx([4, 0.55, 0.35, 0.5, 0.7], abs=1e-6)
    assert row[["low", "high"]].tolist() == pytest.approx(bootstrap_interval([0.2, 0.4, 0.6, 1.0]), abs=1e-6)


def test_quartiles_are_those_of_numpy(rng: np.random.Generator) -> None:
    values = rng.random((101, 7))
    values[rng.random(values.shape) < 0.3] = NAN
    values[:, 6] = NAN
    assert quartiles(values)[:, :6] == pytest.approx(np.nanquantile(values[:, :6], [0.25, 0.5, 0.75], axis=0))
    assert np.isnan(quartiles(values)[:, 6]).all()
    assert quartiles(np.empty((0, 2))).shape == (3, 2)


def test_equals_share_a_rank_and_the_worse_one_does_not() -> None:
    values = {"a": [0.9, 0.8] * 20, "b": [0.8, 0.9] * 20, "c": [0.6, 0.7] * 20, "empty": [0.5, 0.5] * 20}
    rows = summary(results_of_values(values))
    assert rows["rank_low"].tolist()[:3] == [1, 1, 3]
    assert rows["rank_high"].tolist()[:3] == [2, 2, 3]
    assert rows["rank_low"].isna().tolist() == [False, False, False, True]


def test_no_mean_no_rank_and_no_place_taken() -> None:
    rows = summary(results_of_values({"a": [0.9, 0.8], "b": [NAN, NAN]}))
    assert rows["rank_high"].tolist() == [1, pd.NA]
    assert np.isnan(rows["mean"][1])


def test_rank_intervals_hold_the_true_ranks_where_explainers_are_equals(rng: np.random.Generator) -> None:
    # Explainers 0 and 1 are the best and equals, 2 to 5 are equals too: true places 1 to 2 and 3 to 6. In 95 % of
    # tables all intervals at once are to reach over all places that are truly theirs.
    tables, held = 60, 0
    for _ in range(tables):
        ease = rng.beta(8, 2, (60, 1))
        rate = np.concatenate([np.tile(ease, 2), np.tile(ease - 0.03, 4)], axis=1).clip(0, 1)
        values = rng.binomial(50, rate) / 50
        rows = summary(results_of_values({str(i): values[:, i].tolist() for i in range(6)}))
        low, high = rows["rank_low"].to_numpy(int), rows["rank_high"].to_numpy(int)
        held += (low[:2] == 1).all() and (high[:2] >= 2).all() and (low[2:] <= 3).all() and (high[2:] == 6).all()
    assert held / tables > 0.95 - 2 * (0.05 * 0.95 / tables) ** 0.5


def test_the_hardest_floor_is_the_one_that_counts() -> None:
    values = {"a": [0.70, 0.72] * 10, "b": [0.6, 0.5] * 10, "empty": [0.5] * 20, "shuffled": [0.55, 0.57] * 10}
    rows = summary(results_of_values(values))
    assert rows["floor_entry"].tolist() == [3, 3, pd.NA, pd.NA]
    assert rows["over_floor"].tolist()[:2] == pytest.approx([0.15, -0.01], abs=1e-6)
    assert rows["above_floor"].tolist() == [True, False, pd.NA, pd.NA]


def test_one_latent_is_above_no_floor_and_without_a_floor_nothing_is_said() -> None:
    assert summary(results_of_values({"a": [0.9], "empty": [0.5]}))["above_floor"].tolist() == [False, pd.NA]
    assert summary(results_of_values({"a": [0.9, 0.8]}))["above_floor"].tolist() == [pd.NA]


def test_what_scores_as_much_on_a_random_coder_is_not_above_its_floors() -> None:
    scores = {"detection": {"a": [0.9, 0.8] * 5, "empty": [0.5] * 10}, "detection@random": {"a": [0.9, 0.7] * 5}}
    rows = summary(results_of_values(scores, coders={"detection@random": "random:64x4"}))
    assert rows["random_entry"].tolist() == [2, pd.NA, pd.NA]
    assert rows["over_random"][0] == pytest.approx(0.05, abs=1e-6)
    assert rows["over_floor_low"][0] > 0
    assert rows["above_floor"].tolist() == [False, pd.NA, pd.NA]
    assert pd.isna(rows["rank_low"][2])


def test_the_interval_against_a_random_coder_is_welch_s(rng: np.random.Generator) -> None:
    first, second = rng.normal(0.7, 0.1, 30), rng.normal(0.5, 0.3, 12)
    theirs = ttest_ind(first, second, equal_var=False).confidence_interval()
    assert welch(first, second)[1:] == pytest.approx((theirs.low, theirs.high))
    assert np.isnan(welch(first, second[:0])).all()
    assert np.isnan(welch(first, second[:1])[1:]).all()


def test_bands_are_powers_of_ten_of_the_firing_share() -> None:
    bands = band(pd.Series([1.0, 0.1, 0.0999, 0.001, 2e-5, NAN, 0.0]))
    assert bands.tolist()[:5] == ["0.1–1", "0.1–1", "0.01–0.1", "0.001–0.01", "1e-5–1e-4"]
    assert bands.isna().tolist() == [False] * 5 + [True] * 2
    assert bands.min() == "1e-5–1e-4"


def test_a_table_is_a_matrix_of_its_own_latents() -> None:
    results = synthetic(explainers=3, latents=10, scores=2, hookpoints=2)
    assert results.tables == [1, 2, 3, 4]
    assert results.matrix(3).shape == (10, 3)
    assert results.latents_of(3)["hookpoint"].unique().tolist() == ["layers.1"]
    rows = results.values[results.values["entry"] == 7]
    assert results.of(3).index.tolist() == [6, 7, 8]
    assert np.array_equal(results.matrix(3)[:, 1], rows["value"].to_numpy(), equal_nan=True)
