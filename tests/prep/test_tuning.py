"""The search for a strength, on functions whose answer is known."""

from collections.abc import Callable
from math import exp, inf, nan, sin, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.prep.engines.strength_search import Search


def run(kl: Callable[[float], float], target: float = 1.0, start: float = 1.0) -> Search:
    search = Search(target, start, start * 1e-4, start * 1e4)
    while not search.done:
        search.tell(kl(search.strength))
    return search


@pytest.mark.parametrize("start", [0.01, 1.0, 100.0])
def test_a_square_is_met_at_the_second_strength(start: float) -> None:
    # KL = s² / 4 is 1 at s = 2; from 0.01 and 100 it is more than a step of 30 away: one strength between.
    search = run(lambda s: s * s / 4, start=start)
    assert search.found
    assert search.nearest is not None
    assert search.nearest[0] == pytest.approx(2.0)
    assert search.n_passes == (2 if start == 1.0 else 3)


def test_a_first_strength_that_is_near_enough_is_the_answer() -> None:
    search = run(lambda _: 1.0999)
    assert (search.found, search.n_passes, search.nearest) == (True, 1, (1.0, 1.0999))


@given(st.floats(0.05, 4.0), st.floats(-6.0, 6.0), st.floats(0.2, 20.0))
def test_what_saturates_is_met_below_its_ceiling_and_not_above(target: float, scale: float, ceiling: float) -> None:
    def kl(s: float) -> float:
        return ceiling * (1 - exp(-min(700.0, (s * exp(scale)) ** 2 / ceiling)))

    search = run(kl, target)
    if target < 0.95 * ceiling:
        assert search.found
        assert search.nearest is not None
        assert abs(search.nearest[1] - target) <= 0.1 * target
        assert search.nearest[1] == kl(search.nearest[0])
    elif target > 1.2 * ceiling:
        assert not search.found
        assert search.reason is not None


@given(st.floats(0.1, 3.0), st.floats(0.0, 6.3), st.floats(1.0, 6.0))
def test_waves_in_it_do_not_keep_it_from_the_answer(target: float, phase: float, waves: float) -> None:
    # Up to a factor of e^1.2 between crest and trough, several to a decade: rises and falls around any target.
    search = run(lambda s: s * s * exp(0.6 * sin(waves * s**0.5 + phase)), target)
    assert search.found


def test_a_strength_at_which_the_model_breaks_is_too_much() -> None:
    search = run(lambda s: s * s if s < 3 else (nan if s < 30 else inf), target=5.0, start=50.0)
    assert search.found
    assert search.nearest is not None
    assert search.nearest[0] == pytest.approx(sqrt(5.0), rel=0.06)


def test_what_has_no_effect_is_given_up_with_the_reason() -> None:
    search = run(lambda _: 0.0)
    assert not search.found
    assert search.reason is not None
    assert search.reason.startswith("no strength was found for a KL of 1; the nearest was 0 at ")
    assert search.n_passes <= 4, "three steps of 30 lead to the end"


def test_what_jumps_over_the_target_is_given_up() -> None:
    search = run(lambda s: 0.1 if s < 7 else 9.0)
    assert not search.found
    assert search.n_passes == 16


def test_what_is_never_finite_is_given_up() -> None:
    search = run(lambda _: nan)
    assert search.reason == "no strength was found for a KL of 1; the nearest was nothing finite"
