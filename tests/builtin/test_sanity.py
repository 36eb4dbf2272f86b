"""The missing-label and the extra-label test: units, labels, and which statistic passes."""

from collections import Counter
from io import StringIO
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from inspect_autointerp.builtin.planted.__main__ import JUDGED, MEASURES, SIMULATED, judged, label_tests, reach
from inspect_autointerp.builtin.planted.sanity import (
    LABELS,
    Labels,
    Unit,
    draw_units,
    labelled,
    pass_rate,
    score,
    within_reach,
)

N = 100


def unit(share: float, n: int = N) -> Unit:
    [drawn] = draw_units(1, n, seed=1)
    return drawn._replace(firing_share=share)


def counts(unit: Unit, labels: list[np.ndarray]) -> Counter[str]:
    """Contexts of each kind with a label."""
    return Counter(context.kind for context, marks in zip(unit.contexts, labels, strict=True) if marks.any())


def test_units_are_such_as_tasks_draw() -> None:
    units = draw_units(400, N, seed=0)
    for one in units[:5]:
        assert Counter(context.kind for context in one.contexts) == {"activating": N, "random": N, "neighbours": N}
        assert Counter(context.decile for context in one.contexts[:N]) == dict.fromkeys(range(1, 11), 10)
        peaks = [context.max_activation for context in one.contexts]
        assert peaks[:N] == sorted(peaks[:N])
        assert peaks[0] > 0 == max(peaks[N:])
        assert Counter(context.neighbour for context in one.contexts[-N:]) == dict.fromkeys(range(10), 10)
    shares = np.log10([one.firing_share for one in units])
    assert -4 <= shares.min() < -3.97
    assert np.log10(0.04) < shares.max() <= np.log10(0.05)
    assert abs(np.median(shares) - np.log10(5e-6) / 2) < 0.2, "logarithms are even: the middle is √(10⁻⁴ · 0.05)"


@pytest.mark.parametrize(
    ("labels", "share", "expected"),
    [
        pytest.param("true", 0.3, {"activating": N}, id="where it fires, and nowhere else"),
        # p = ½: as many labels as silent windows, p / (1 − p) = 1, so every one has a label.
        pytest.param("extra", 0.5, {"activating": N, "random": N, "neighbours": N}, id="everywhere"),
        pytest.param("extra", 0, {"activating": N}, id="too rare to be met"),
        pytest.param("extra_neighbour", 0, {"activating": N, "neighbours": N // 10}, id="one neighbour of ten"),
    ],
)
def test_labels_of_a_known_number(labels: Labels, share: float, expected: dict[str, int]) -> None:
    one = unit(share)
    assert counts(one, labelled(one, labels, np.random.default_rng(0))) == expected


def test_half_the_labels_are_missing_and_as_many_are_added() -> None:
    one = unit(0.2, n=4000)
    rng = np.random.default_rng(0)
    # 4000 at ½: 2000 ± 32. Of the silent 0.2 / 0.8 = ¼: 1000 ± 27.
    missing = counts(one, labelled(one, "missing", rng))
    assert set(missing) == {"activating"}
    assert abs(missing["activating"] - 2000) < 130
    extra = counts(one, labelled(one, "extra", rng))
    assert extra["activating"] == 4000
    assert abs(extra["random"] - 1000) < 110
    assert abs(extra["neighbours"] - 1000) < 110
    # The neighbour's own 400, and ¼ of the other 3600.
    assert abs(counts(one, labelled(one, "extra_neighbour", rng))["neighbours"] - 1300) < 110


@given(st.sampled_from(LABELS), st.floats(0, 0.5), st.floats(0, 1), st.integers(0, 9))
def test_a_label_is_shaped_like_a_true_one(labels: Labels, share: float, error_rate: float, seed: int) -> None:
    one = unit(share, n=20)
    true = [context.activations > 0 for context in one.contexts]
    shapes = {marks.tobytes() for marks in true}
    label = labelled(one, labels, np.random.default_rng(seed), error_rate)
    assert all(marks.tobytes() in shapes for marks in label)
    assert all(marks.tobytes() in {own.tobytes(), bytes(32)} for marks, own in zip(label[:20], true, strict=False))


def test_a_grader_that_always_errs_says_the_reverse() -> None:
    one = unit(0.1)
    label = labelled(one, "true", np.random.default_rng(0), error_rate=1)
    assert counts(one, label) == {"random": N, "neighbours": N}


def test_statistics_of_known_labels() -> None:
    one = unit(0.5)
    rng = np.random.default_rng(0)
    assert judged(one.contexts, labelled(one, "true", rng), 0.5) == dict.fromkeys(JUDGED, 1.0)
    # All is labelled: precision ½ at recall 1, F1 = 2/3.
    extra = judged(one.contexts, labelled(one, "extra", rng), 0.5)
    assert extra == pytest.approx(
        {
            "balanced_accuracy": 0.5, "auroc": 0.5, "tpr": 1, "tnr": 0, "f1": 2 / 3, "auprc": 0.5,
            "balanced_accuracy_neighbours": 0.5, "auroc_neighbours": 0.5,
        }
    )  # fmt: skip
    # One neighbour of ten: TNR 0.9 there, (1 + 0.9) / 2 = 0.95.
    near = judged(one.contexts, labelled(unit(0), "extra_neighbour", rng), 1e-6)
    assert near["balanced_accuracy_neighbours"] == pytest.approx(0.95)
    assert near["auroc_neighbours"] == pytest.approx(0.95)
    assert near["balanced_accuracy"] == near["f1"] == 1


def test_what_does_not_fall_does_not_pass() -> None:
    nan = float("nan")
    assert pass_rate(np.array([0.5, 1.0, nan, 0.5]), np.array([1.0, 1.0, 1.0, nan])) == 0.25


def test_which_statistic_passes() -> None:
    passes = score(draw_units(60, N, seed=0), MEASURES, seed=0)
    passed = {
        labels: {name: pass_rate(values, passes["true"][name]) for name, values in passes[labels].items()}
        for labels in LABELS[1:]
    }
    assert passed["missing"] == {name: float(name != "tnr") for name in (*JUDGED, *SIMULATED)}
    near = {"balanced_accuracy_neighbours", "auroc_neighbours", "correlation_neighbours"}
    assert {name for name, rate in passed["extra_neighbour"].items() if rate > 0.9} == near
    assert not any(rate > 0.9 for rate in passed["extra"].values())
    assert passed["extra"]["tpr"] == passed["extra_neighbour"]["correlation_activating"] == 0
    # None sees a label that is on none of its contexts; all others that look at random ones see the same.
    on_random = ("balanced_accuracy", "auroc", "tnr", "f1", "auprc", "correlation", "correlation_weighted")
    assert len({passed["extra"][name] for name in on_random}) == 1


def test_within_reach_counts_units_labelled_among_random() -> None:
    # p = 0.01: 1 − (98 / 99)¹⁰⁰ = 0.63777.
    assert within_reach(100, (0.01, 0.01)) == pytest.approx(1 - (98 / 99) ** 100)
    rng = np.random.default_rng(0)
    units = draw_units(1000, N, seed=2)
    hit = np.mean([counts(one, labelled(one, "extra", rng))["random"] > 0 for one in units])
    assert abs(hit - within_reach(N)) < 4 * sqrt(0.25 / 1000)
    assert within_reach(1000) < 0.9 < within_reach(5000)  # README


def test_the_tables_show_all() -> None:
    outcome = score(draw_units(20, N, seed=0), MEASURES, seed=0)
    assert list(outcome["missing"]) == [*JUDGED, *SIMULATED]
    out = StringIO()
    console = Console(file=out, width=160)
    console.print(label_tests(outcome), reach())
    text = out.getvalue()
    assert "correlation weighted" in text
    assert "extra neighbour" in text
    assert "100,000 random contexts" in text
