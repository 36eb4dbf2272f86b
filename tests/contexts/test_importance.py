"""Importance sampling: weights that make up for unequal probabilities, whatever the predictor says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.contexts.importance import UNIFORM, importance_draw, inclusion

SCORES = st.lists(st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0, float("nan")]) | st.floats(-1, 1), max_size=300)


@given(SCORES, st.integers(0, 60), st.integers(0, 9), st.sampled_from([0.1, UNIFORM, 1.0]))
def test_weights_add_up_to_the_population(scores: list[float], n: int, seed: int, uniform: float) -> None:
    draw = importance_draw(np.array(scores), n, np.random.default_rng(seed), uniform)
    drawn = min(n, len(scores))
    assert len(draw.rows) == len(draw.weights) == drawn
    assert (np.diff(draw.rows) > 0).all(), "no window twice"
    assert set(draw.rows.tolist()) <= set(range(len(scores)))
    if drawn:
        assert sum(draw.weights) == pytest.approx(len(scores))
        assert min(draw.weights) >= 1


@given(SCORES.filter(lambda scores: len(scores) > 60), st.integers(1, 60), st.sampled_from([0.1, UNIFORM, 1.0]))
def test_no_window_is_out_of_reach(scores: list[float], n: int, uniform: float) -> None:
    probability = inclusion(np.array(scores), n, uniform)
    assert probability.sum() == pytest.approx(n)
    assert probability.max() <= 1 + 1e-9
    assert probability.min() >= min(1, uniform * n / len(scores)) - 1e-9


@pytest.mark.parametrize("predictor", ["good", "useless", "wrong"])
def test_estimate_is_unbiased_whatever_the_predictor(predictor: str) -> None:
    rng = np.random.default_rng(0)
    judged = rng.random(400) < 0.05  # judged active: the exhaustive count is of all 400
    scores = {"good": judged + rng.random(400), "useless": rng.random(400), "wrong": rng.random(400) - judged}[
        predictor
    ]
    draws = (importance_draw(scores, 40, np.random.default_rng(seed)) for seed in range(3000))
    totals = np.array([np.array(draw.weights) @ judged[draw.rows] for draw in draws])
    assert abs(totals.mean() - judged.sum()) < 4 * totals.std() / 3000**0.5
    spread = {"good": 4, "useless": 18, "wrong": 22}[predictor]
    assert totals.std() < spread, "at random, √(400² · 0.05 · 0.95 / 40 · 0.9) = 13"


def test_every_window_counts_once_in_the_mean() -> None:
    scores = np.repeat([3.0, 2.0, 1.0, 0.0], [2, 10, 50, 238])
    mean = np.zeros(300)
    for seed in range(4000):
        draw = importance_draw(scores, 30, np.random.default_rng(seed))
        mean[draw.rows] += np.array(draw.weights) / 4000
    assert mean.mean() == pytest.approx(1)
    # A window of the last stratum, drawn with probability about 1/15, weighs about 15: 4000 draws give 1 ± 0.06.
    assert abs(mean - 1).max() < 0.3


@pytest.mark.parametrize("label", [0, 1])
def test_same_labels_get_what_they_get_on_all_windows(label: int) -> None:
    draw = importance_draw(np.random.default_rng(1).random(500), 40, np.random.default_rng(2))
    assert np.average(np.full(40, label), weights=draw.weights) == label


def test_windows_that_look_active_are_certain() -> None:
    scores = np.zeros(10_000)
    scores[[7, 70, 700]] = 0.3, 0.2, 0.1
    draw = importance_draw(scores, 100, np.random.default_rng(0))
    weights = dict(zip(draw.rows.tolist(), draw.weights, strict=True))
    assert [weights[row] for row in (7, 70, 700)] == [1, 1, 1]
    assert max(draw.weights) < 2 * 10_000 / 100 * 1.1


def test_without_a_prediction_the_draw_is_uniform() -> None:
    draw = importance_draw(np.zeros(1000), 100, np.random.default_rng(0))
    assert draw.weights == pytest.approx([10] * 100)


def test_like_predictions_draw_many_windows_in_common() -> None:
    scores = np.random.default_rng(0).random(2000)
    near = scores + 0.01 * np.random.default_rng(1).random(2000)
    one, same, like = (
        set(importance_draw(given, 100, np.random.default_rng(5)).rows.tolist()) for given in (scores, scores, near)
    )
    other = set(importance_draw(scores, 100, np.random.default_rng(6)).rows.tolist())
    assert one == same
    assert len(one & like) > 60 > 30 > len(one & other)


def test_share_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"uniform must be in \(0, 1\], got 0"):
        importance_draw(np.zeros(3), 1, np.random.default_rng(0), 0)
