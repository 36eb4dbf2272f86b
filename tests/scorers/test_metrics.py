from math import isnan, sqrt
from typing import Any

import numpy as np
import pytest
from inspect_ai.scorer import SampleScore, Score

from inspect_autointerp.scorers.metrics import bootstrap_interval, estimate


def over(*values: float) -> dict[str, float]:
    metric: Any = estimate()
    return metric([SampleScore(score=Score(value=value)) for value in values])


def test_the_mean_of_nothing_is_undefined() -> None:
    assert all(isnan(value) for value in over().values())
    assert over(0.5, 1.0)["mean"] == 0.75


def test_an_interval_needs_two_latents() -> None:
    assert isnan(over(0.5)["low"])
    assert over(0.5, 0.5, 0.5) == {"mean": 0.5, "low": 0.5, "high": 0.5}


def test_an_interval_is_that_of_the_normal_where_there_are_many(rng: np.random.Generator) -> None:
    # The mean of 400 values of standard deviation s has the 95 % interval ± 1.96 s / √400.
    values = rng.normal(0.7, 0.1, 400)
    low, high = bootstrap_interval(values.tolist())
    half = 1.96 * values.std() / sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(5).random(30).tolist()
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_intervals_hold_what_they_promise(rng: np.random.Generator) -> None:
    # 300 draws of 60 skewed values with mean 0.75 (Beta(3, 1)): a 95 % interval misses it in 5 % ± 1.3 % (binomial SE).
    hits = 0
    for _ in range(300):
        low, high = bootstrap_interval(rng.beta(3, 1, 60).tolist())
        hits += low <= 0.75 <= high
    assert 0.90 <= hits / 300 <= 0.99
