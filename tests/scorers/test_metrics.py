from math import isnan
from typing import Any

from inspect_ai.scorer import SampleScore, Score

from inspect_autointerp.scorers.shared.metrics import estimate


def over(*values: float) -> dict[str, float]:
    metric: Any = estimate()
    return metric([SampleScore(score=Score(value=value)) for value in values])


def test_the_mean_of_nothing_is_undefined() -> None:
    assert all(isnan(value) for value in over().values())
    assert over(0.5, 1.0)["mean"] == 0.75


def test_an_interval_needs_two_latents() -> None:
    assert isnan(over(0.5)["low"])
    assert over(0.5, 0.5, 0.5) == {"mean": 0.5, "low": 0.5, "high": 0.5}
