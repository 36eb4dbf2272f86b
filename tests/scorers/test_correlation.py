from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import Context, Kind
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.simulation.statistics import KEYS, correlation_statistics, pearson


def context(*activations: float, decile: int | None = None, kind: Kind = "random") -> Context:
    kind = "activating" if decile else kind
    return Context(kind, 0, "", (), np.array(activations, dtype=np.float32), decile)


def said(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def statistics(
    contexts: list[Context],
    predictions: list,
    firing_share: float,
    hard: tuple[str, ...] = (),
    min_contexts: int = 1,
) -> dict[str, float]:
    rows = [Verdict(kind=context.kind, values=values) for context, values in zip(contexts, predictions, strict=True)]
    facts = LatentFacts(firing_share=firing_share, hard=hard, min_contexts=min_contexts)
    return correlation_statistics(contexts, rows, facts)


BOTH = [context(0, 4, decile=10), context(0, 0)]


def test_a_small_case() -> None:
    # True 0 4 | 0 0, said 0 10 | 5 5. Means 1 and 5. Deviations −1 3 −1 −1 and −5 5 0 0: Σ = 5 + 15 = 20,
    # Σ² = 12 and 50: r = 20 / √600 = 0.8165. Of the activating context alone: two points in a row, r = 1.
    values = statistics(BOTH, [said(0, 10), said(5, 5)], 0.5)
    assert values["correlation"] == pytest.approx(20 / sqrt(600))
    assert values["correlation_activating"] == pytest.approx(1)
    assert values["correlation_decile_10"] == pytest.approx(20 / sqrt(600))
    assert isnan(values["correlation_decile_9"])
    assert values["constant"] == 0
    assert values["unscored"] == 0
    assert list(values) == KEYS


def test_at_the_natural_rate_what_is_said_of_silent_contexts_weighs_more() -> None:
    # p = 1/4: tokens weigh 1, 1 | 3, 3 (over 8). True 0 4 | 0 0: mean 4/8 = 0.5. Said 0 10 | 5 5: mean 40/8 = 5.
    # Σw dx dy = 0.5 · 5 + 3.5 · 5 = 20; Σw dx² = 0.25 + 12.25 + 6 · 0.25 = 14; Σw dy² = 50: r = 20 / √700 = 0.7559.
    values = statistics(BOTH, [said(0, 10), said(5, 5)], 0.25)
    assert values["correlation_weighted"] == pytest.approx(20 / sqrt(700))
    assert values["correlation_weighted"] < values["correlation"]
    # Contexts weigh 1/4 and 3/4: 1 / (1/16 + 9/16) = 1.6.
    assert values["effective_n"] == pytest.approx(1.6)
    # At p = 1/2, with as many of either kind, all weigh alike.
    even = statistics(BOTH, [said(0, 10), said(5, 5)], 0.5)
    assert even["correlation_weighted"] == pytest.approx(even["correlation"])


def test_a_harder_kind_is_set_against_the_activating_contexts_alone() -> None:
    # True 0 4 | 0 0 of the neighbour, said 0 10 | 0 10: deviations −1 3 −1 −1 and −5 5 −5 5: 5 + 15 + 5 − 5 = 20,
    # r = 20 / √(12 · 100) = 0.5774. The random context and the headline know nothing of it.
    contexts = [*BOTH, context(0, 0, kind="neighbours")]
    values = statistics(contexts, [said(0, 10), said(0, 0), said(0, 10)], 0.5, ("neighbours",))
    assert values["correlation_neighbours"] == pytest.approx(20 / sqrt(1200))
    assert values["correlation"] == pytest.approx(1)
    assert list(values) == SCORES["simulation"].statistics(["neighbours"])
    few = statistics(contexts, [said(0, 10), said(0, 0), said(0, 10)], 0.5, ("neighbours",), 2)
    assert isnan(few["correlation_neighbours"])


def test_unscored_contexts_are_left_out_and_counted() -> None:
    contexts = [*BOTH, context(9, 9, decile=1), context(0, 0)]
    values = statistics(contexts, [said(0, 10), said(5, 5), None, None], 0.25)
    assert values["unscored"] == 0.5
    of_scored = statistics(BOTH, [said(0, 10), said(5, 5)], 0.25)
    assert {key: values[key] for key in KEYS if key != "unscored"} == pytest.approx(
        {key: of_scored[key] for key in KEYS if key != "unscored"}, nan_ok=True
    )


def test_constant_predictions_have_no_correlation_and_are_counted() -> None:
    values = statistics(BOTH, [said(3, 3), said(3, 3)], 0.5)
    assert values["constant"] == 1
    assert all(isnan(values[key]) for key in KEYS if key not in ("constant", "unscored", "effective_n"))
    # Constant on the activating contexts alone: only what looks at these alone is undefined.
    values = statistics(BOTH, [said(3, 3), said(0, 0)], 0.5)
    assert values["constant"] == 0
    assert isnan(values["correlation_activating"])
    assert values["correlation"] > 0


@pytest.mark.parametrize(
    ("contexts", "predictions"),
    [
        pytest.param([], [], id="no contexts"),
        pytest.param(BOTH, [None, None], id="nothing scored"),
        pytest.param(BOTH[:1], [said(0, 10)], id="no random contexts"),
        pytest.param(BOTH, [None, said(0, 10)], id="no activating ones scored"),
    ],
)
def test_what_is_undefined_is_nan(contexts: list[Context], predictions: list) -> None:
    values = statistics(contexts, predictions, 0.5)
    assert isnan(values["correlation"])
    assert isnan(values["correlation_weighted"])
    scored = [p for p in predictions if p is not None]
    assert values["constant"] == pytest.approx(0 if scored else nan, nan_ok=True)


NUMBERS = arrays(np.float64, 12, elements=st.floats(0, 100).map(lambda x: round(x, 3)))


@given(NUMBERS, NUMBERS)
def test_it_is_scipys_pearsonr(x: np.ndarray, y: np.ndarray) -> None:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert isnan(pearson(x, y))
    else:
        assert pearson(x, y) == pytest.approx(float(pearsonr(x, y).statistic), abs=1e-9)


@given(NUMBERS, NUMBERS, arrays(np.int64, 12, elements=st.integers(0, 4)))
def test_a_weight_is_a_number_of_repetitions(x: np.ndarray, y: np.ndarray, times: np.ndarray) -> None:
    brute = pearson(x.repeat(times), y.repeat(times))
    assert pearson(x, y, times) == pytest.approx(brute, abs=1e-9, nan_ok=True)


@given(NUMBERS, NUMBERS, st.floats(0.1, 10), st.floats(-10, 10))
def test_scale_and_offset_do_not_matter(x: np.ndarray, y: np.ndarray, scale: float, offset: float) -> None:
    assert pearson(scale * x + offset, y) == pytest.approx(pearson(x, y), abs=1e-6, nan_ok=True)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.randoms(use_true_random=False))
def test_weighted_is_what_a_corpus_at_the_natural_rate_would_give(n: int, m: int, share: int, random) -> None:
    # At p = share/10 an activating context stands for share · m, a random one for (10 − share) · n of a corpus.
    active = [context(0, random.randint(1, 9), random.randint(0, 9), decile=1) for _ in range(n)]
    silent = [context(0, 0, 0) for _ in range(m)]
    predictions = [said(*(random.randint(0, 10) for _ in range(3))) for _ in range(n + m)]
    weighted = statistics([*active, *silent], predictions, share / 10)["correlation_weighted"]
    times = [share * m] * n + [(10 - share) * n] * m
    x = np.concatenate([p for p, k in zip(predictions, times, strict=True) for _ in range(k)])
    y = np.concatenate([c.activations for c, k in zip([*active, *silent], times, strict=True) for _ in range(k)])
    assert weighted == pytest.approx(pearson(x, y), abs=1e-9, nan_ok=True)
