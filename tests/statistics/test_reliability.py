from math import isnan

import pytest

from inspect_autointerp.statistics.reliability import difference_variance, reliability, smallest_difference
from inspect_autointerp.statistics.variance_components import RESIDUAL

PARTS = {"latent": 4.0, "latent × draw": 2.0, RESIDUAL: 2.0}


def test_reliability_of_a_score_and_of_a_mean() -> None:
    assert reliability(PARTS) == pytest.approx(4 / 8)
    # A mean over 2 halves × 4 draws: latent × draw is nested in the half, so it is over 8 of them.
    assert reliability(PARTS, {"half": 2, "draw": 4}) == pytest.approx(4 / (4 + 2 / 8 + 2 / 8))
    assert reliability(PARTS | {"grader": 8.0}) == pytest.approx(4 / 16)
    assert isnan(reliability({}))


def test_smallest_difference_of_a_small_case() -> None:
    # V = (4 + 2 + 2) / 100 = 0.08, and 1.959964 · √0.08 = 0.554362
    assert smallest_difference(PARTS, 100) == pytest.approx(0.554362, abs=1e-6)
    # twice the contexts halve what comes of their draw: V = (4 + 1 + 1) / 100
    assert difference_variance(PARTS, 100, 2) == pytest.approx(0.06)
    # explainers whose differences vary by 32 over latents, more than by 8: √4 times as much
    assert smallest_difference(PARTS, 100, spread=32) == pytest.approx(2 * 0.554362, abs=1e-5)
    assert smallest_difference(PARTS, 100, spread=3) == pytest.approx(0.554362, abs=1e-6)


def test_shared_sources_do_not_fall_with_latents() -> None:
    parts = PARTS | {"half": 0.5}
    assert difference_variance(parts, 100) == pytest.approx(0.58)
    assert difference_variance(parts, 10**9) == pytest.approx(0.5)
    assert difference_variance(parts, 100, shared=False) == pytest.approx(0.08)
