"""The threshold of one latent, from labels on its explain split."""

from itertools import chain
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.scorers.shared.classification import accuracy_at
from inspect_autointerp.scorers.shared.judge import Label
from inspect_autointerp.scorers.shared.threshold import Threshold, chosen_threshold

_SHARES = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=8)


def chosen(positives: list[float], negatives: list[float]) -> Threshold:
    kinds = ["activating"] * len(positives) + ["random"] * len(negatives)
    return chosen_threshold(kinds, [Label(int(share >= 0.5), share) for share in chain(positives, negatives)])


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        ([0.9, 0.8], [0.6, 0.7], 0.75),
        ([0.2], [0.1], 0.15),
        ([0.9, 0.3], [0.1, 0.6], 0.75),  # as good: 0.2, 0.45 is worse
        ([0.5], [0.5], 1.0),  # nothing tells them apart: the middle of 0 and 1, both of which are best
    ],
)
def test_threshold_lies_between_the_sides(positives: list[float], negatives: list[float], expected: float) -> None:
    assert chosen(positives, negatives).value == pytest.approx(expected)


@given(_SHARES, _SHARES)
def test_no_other_threshold_is_better(positives: list[float], negatives: list[float]) -> None:
    sides = [
        [Verdict(kind=kind, label=0, probability=share) for share in shares]
        for kind, shares in (("activating", positives), ("random", negatives))
    ]
    best = max(accuracy_at(at / 40, *sides) for at in range(41))
    assert accuracy_at(chosen(positives, negatives).value, *sides) == pytest.approx(max(best, 0.5))


def test_threshold_of_one_side_is_undefined() -> None:
    for positives, negatives in (([], [0.5]), ([0.5], []), ([], [])):
        assert isnan(chosen(positives, negatives).value)
    unscored = chosen_threshold(["activating", "random"], [Label(None, None, "too_long"), Label(1, 0.7)])
    assert unscored.metadata == {"threshold": {"value": None, "activating": 0, "random": 1}}
