"""Confidence sequences: by hand, against each other, and their coverage where one stops as soon as one likes."""

from itertools import permutations
from math import log, log1p, sqrt

import numpy as np
import pytest

from inspect_autointerp.statistics.confidence_sequences import (
    balance_bounds,
    balance_interval,
    mean_bounds,
    mean_interval,
)


def test_the_interval_by_hand() -> None:
    # Two of four pairs seen, both right: x = 1, 1. Aim max(1, 4 / 4) = 1; the first bet has σ² = ¼ / 1, so
    # λ = √(2 ln 40 · 1 / 0.25) = 5.43, cut to 0.9 / m: capital grows by 1 + 0.9 (1 − m) / m = 0.1 + 0.9 / m.
    # After it 4 m − 1 of three are left: m₂ = (4 m − 1) / 3. A mean m is out once ½ of the capital reaches 20.
    def capital(m: float) -> float:
        second = (4 * m - 1) / 3
        size = min(sqrt(2 * log(40) * 2 / (0.25 + (1 - 0.75) ** 2)), 0.9 / second)
        return log(0.1 + 0.9 / m) + log1p(size * (1 - second))

    lattice = [k / 8 for k in range(3, 9)]  # below 2 / 8 + … the pairs seen do not fit: 2 of 4 pairs are right
    inside = [m for m in lattice if 4 * m >= 2 and capital(m) < log(40)]
    assert balance_interval(np.ones(2), np.ones(2), 4, 4) == (min(inside), 1.0)


def test_nothing_seen_and_everything_seen() -> None:
    assert balance_interval(np.zeros(0), np.zeros(0), 9, 9) == (0.0, 1.0)
    assert balance_interval(np.ones(9), np.zeros(0), 9, 9) == (0.0, 1.0)  # of one side alone nothing is known
    right = np.array([1, 0, 1, 1])
    assert balance_interval(right, 1 - right, 4, 4) == (0.5, 0.5)
    assert mean_interval(np.zeros(0), 5) == (0.0, 1.0)


def test_sides_of_unequal_size_agree_with_equal_ones() -> None:
    rng = np.random.default_rng(0)
    positives, negatives = rng.random(60) < 0.8, rng.random(61) < 0.9
    equal = balance_interval(positives[:24], negatives[:24], 60, 60)
    unequal = balance_interval(positives[:24], negatives[:24], 60, 61)
    assert unequal == pytest.approx(equal, abs=0.02)


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.7, 0.95), (1.0, 0.9)])
def test_all_intervals_of_a_sequence_hold_the_truth(rates: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    sides = [rng.permuted(np.tile(np.arange(60) < round(60 * rate), (2000, 1)), axis=1) for rate in rates]
    truth = (sides[0][0].mean() + sides[1][0].mean()) / 2
    low, high = balance_bounds(sides[0], sides[1])
    assert ((low <= truth + 1e-9) & (truth - 1e-9 <= high)).all(axis=1).mean() >= 0.94


def test_no_order_of_a_small_set_is_left_out_too_often() -> None:
    # All 720 orders of six numbers, at the level 0.6: at least 0.6 of them never lose the mean. Exact, no simulation.
    orders = np.array(list(permutations([0.0, 0.1, 0.4, 0.9, 1.0, 1.0])))
    low, high = mean_bounds(orders, 6, 0.6)
    truth = orders[0].mean()
    assert ((low <= truth) & (truth <= high)).all(axis=1).mean() >= 0.6


def test_usual_intervals_fail_where_one_looks_after_every_value() -> None:
    """The coverage test above can fail: Student's intervals do."""
    rng = np.random.default_rng(2)
    values = rng.permuted(np.tile(rng.beta(2, 2, 60), (2000, 1)), axis=1)
    n = np.arange(5, 60)
    means = np.cumsum(values, axis=1)[:, 4:-1] / n
    spread = np.sqrt(np.cumsum(values**2, axis=1)[:, 4:-1] / n - means**2)
    half = 2.0 * spread / np.sqrt(n - 1) * np.sqrt(1 - n / 60)
    assert (np.abs(means - values[0].mean()) <= half).all(axis=1).mean() < 0.85
    low, high = mean_bounds(values, 60)
    assert ((low <= values[0].mean()) & (values[0].mean() <= high)).all(axis=1).mean() >= 0.94


def test_a_narrower_level_gives_narrower_intervals() -> None:
    values = np.random.default_rng(3).random(40)
    wide, narrow = mean_interval(values, 100, 0.99), mean_interval(values, 100, 0.8)
    assert wide[0] < narrow[0] < values.mean() < narrow[1] < wide[1]
