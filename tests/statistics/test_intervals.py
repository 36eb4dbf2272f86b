from math import isnan, sqrt
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm

from inspect_autointerp.statistics.intervals import bootstrap_interval, bootstrap_intervals


def test_an_interval_needs_two_latents() -> None:
    assert all(isnan(bound) for bound in bootstrap_interval([0.5]))
    assert bootstrap_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)
    assert bootstrap_interval([0.1] * 7) == (0.1, 0.1)  # whose mean is not 0.1 to the last bit


def test_an_interval_of_a_small_case() -> None:
    # 16 zeros and 4 ones: mean 0.2, sd 0.4, skewness 0.6 / 0.4 = 1.5, a = 1.5 / (6 √20) = 0.0559017,
    # z = √(20 / 19) · 2.0930241 = 2.1473974 (Student's t of 19). Above: w = 2.2032991, 1 − aw = 0.8768318,
    # 0.2 + 0.4 / √20 · w / 0.8768318² = 0.4563220. Below: w = −2.0914957, 1 − aw = 1.1169182: 0.0500456.
    low, high = bootstrap_interval([0.0] * 16 + [1.0] * 4)
    assert low == pytest.approx(0.0500456, abs=1e-6)
    assert high == pytest.approx(0.4563220, abs=1e-6)


def test_an_interval_is_that_of_the_normal_where_there_are_many(rng: np.random.Generator) -> None:
    # The mean of 400 values of standard deviation s has the 95 % interval ± 1.96 s / √400.
    values = rng.normal(0.7, 0.1, 400)
    low, high = bootstrap_interval(values.tolist())
    half = 1.96 * values.std() / sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.03 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.03 * half)


def test_an_interval_is_that_of_resampling_by_bca() -> None:
    # scipy's BCa draws resamples and takes the normal's quantiles; at the level where Student's, widened, are theirs
    # the two are the same but for the drawing.
    values = np.random.default_rng(3).beta(5, 0.5, 60)
    z = sqrt(60 / 59) * 2.0009954
    theirs = bootstrap(
        (values,), np.mean, confidence_level=2 * norm.cdf(z) - 1, n_resamples=40_000, batch=1000, rng=0
    ).confidence_interval
    ours = bootstrap_interval(values.tolist())
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.03 * (theirs.high - theirs.low))
    # The skewness is to the left, and the interval reaches further there.
    assert values.mean() - ours[0] > 1.1 * (ours[1] - values.mean())


SCORES = st.lists(st.floats(-1, 1), min_size=2, max_size=40)


@given(SCORES, st.sampled_from([0.5, 0.95, 0.9999]))
def test_an_interval_lies_in_the_range_and_around_the_mean(values: list[float], level: float) -> None:
    low, high = bootstrap_interval(values, level)
    assert min(values) <= low <= high <= max(values)
    assert low - 1e-9 <= np.mean(values) <= high + 1e-9


@given(SCORES)
def test_an_interval_turns_with_the_sign_and_depends_on_no_order(values: list[float]) -> None:
    low, high = bootstrap_interval(values)
    assert bootstrap_interval([-value for value in values]) == pytest.approx((-high, -low), abs=1e-9)
    assert bootstrap_interval(sorted(values)) == pytest.approx((low, high), abs=1e-9)


def test_many_scores_at_once_are_as_one_by_one_and_nan_is_no_value(rng: np.random.Generator) -> None:
    values = rng.beta(3, 1, (50, 6))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 4] = np.nan
    values[:, 5] = [0.25] + 49 * [np.nan]
    low, high = bootstrap_intervals(values)
    for column in range(4):
        known = values[~np.isnan(values[:, column]), column]
        assert (low[column], high[column]) == pytest.approx(bootstrap_interval(known.tolist()), abs=1e-12)
    assert np.isnan([low[4:], high[4:]]).all()
    assert all(np.isnan(bound).all() for bound in bootstrap_intervals(np.empty((0, 3))))


def test_a_leaderboard_of_many_latents_is_quick(rng: np.random.Generator) -> None:
    values = rng.random((100_000, 16))  # a tenth of 20 explainers × 8 scores: 6 seconds would be a minute in all
    begun = process_time()
    bootstrap_intervals(values)
    assert process_time() - begun < 1.5
