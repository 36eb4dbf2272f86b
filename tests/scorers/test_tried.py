"""Statistics of written texts, by hand, and the report."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.models.activations import Fired
from inspect_autointerp.scorers.generation.report import report_texts
from inspect_autointerp.scorers.generation.statistics import ACTIVE, KEYS, NEAR_MISS, generation_statistics


def statistics(
    active: Sequence[float | None], near: Sequence[float | None], median: float, least: int = 1
) -> dict[str, float]:
    rows = [Verdict(kind=ACTIVE, value=value) for value in active] + [Verdict(kind=NEAR_MISS, value=v) for v in near]
    return generation_statistics(rows, LatentFacts(min_contexts=least, median=median))


def test_by_hand() -> None:
    # Active 0, 2, 4 (and one that does not count), near misses 0, 0, 2, 5, the median 2.
    values = statistics([0.0, 2.0, 4.0, None], [0.0, 0.0, 2.0, 5.0], 2.0, 3)
    # Fires at all: 2 of 3, and 2 of 4 silent: (2/3 + 1/2) / 2 = 7/12. At the median: 2 of 3, and 2 of 4 below it.
    # Ranks: 0 against (0, 0, 2, 5): ½ + ½; 2: 2 + ½; 4: 3; in all 6.5 of 12.
    expected = [7 / 12, 7 / 12, 6.5 / 12, 2 / 3, 0.5, 2 / 3, 0.5, 1 / 8]
    assert list(values) == KEYS
    assert list(values.values()) == pytest.approx(expected)


def test_too_few_of_one_kind_leave_what_needs_it_undefined() -> None:
    values = statistics([1.0, 1.0, None], [0.0, 0.0, 0.0], 2.0, 3)
    assert {key for key in KEYS if isnan(values[key])} == {
        *("tpr", "tpr_median", "balanced_accuracy", "balanced_accuracy_median", "auroc"),
    }
    assert (values["tnr"], values["tnr_median"], values["unscored"]) == (1, 1, pytest.approx(1 / 6))


def test_without_a_median_what_needs_it_is_undefined() -> None:
    values = statistics([1.0], [0.0], float("nan"))
    assert {key for key in KEYS if isnan(values[key])} == {"tpr_median", "tnr_median", "balanced_accuracy_median"}
    assert isnan(statistics([], [], 1.0)["unscored"])


@given(st.lists(st.floats(0, 9), min_size=1), st.floats(0.1, 9))
def test_texts_that_do_not_differ_score_one_half(values: list[float], median: float) -> None:
    numbers = statistics(values, values, median)
    assert [numbers[key] for key in KEYS[:3]] == pytest.approx([0.5, 0.5, 0.5])


def fired(text: str, *activations: float, n_cut: int = 0) -> Fired:
    spans = tuple((i, i + 1) for i in range(len(activations)))
    return Fired(text, spans, np.array(activations, dtype=np.float32), n_cut)


def test_wrong_ones_come_first_and_nothing_acts_on_a_screen() -> None:
    texts = [fired("ok", 3.0, 0.0), fired("no", 0.0, 0.0), fired("co", 9.0, 9.0)]
    texts += [fired("\x1b\n", 0.0, 1.0, n_cut=7), fired("si", 0.0, 0.0)]
    kinds, reasons = [ACTIVE] * 3 + [NEAR_MISS] * 2, [None, None, "repeated", None, None]
    rows = [Verdict(kind=kind, reason=reason) for kind, reason in zip(kinds, reasons, strict=True)]
    shown = report_texts(texts, rows, 2.0, 9.0)
    titles = ["WRONG · written for it", "WRONG · a near miss", "NOT COUNTED: 1 of 5", "RIGHT · fires", "RIGHT · silent"]
    places = [shown.index(title) for title in titles]
    assert places == sorted(places)
    assert "\\x1b" in shown
    assert "⏎" in shown
    assert "cut: 7 tokens" in shown
    assert "active, repeated" in shown
    assert shown.count("▲") == 3, "in the heading, and two texts at 3 and 9"
