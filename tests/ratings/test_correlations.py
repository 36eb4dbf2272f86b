"""Correlations with people: exact values, planted ones recovered, and sample sizes."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.agreement import krippendorff
from inspect_autointerp.ratings.correlations import agreement, mean_rating, reliability, spearman, weights
from inspect_autointerp.ratings.report import report_of
from inspect_autointerp.ratings.sample_size import explanations_needed, half_width, mean_reliability, raters_needed
from inspect_autointerp.ratings.simulate import simulated_key, simulated_raters, without
from inspect_autointerp.ratings.tables import ratings_by_rater

PLANTED = {"fuzzing": 0.69, "detection": 0.59, "embedding": 0.32, "nothing": 0.0}
NAN = float("nan")
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
OBSERVERS = """1 2 3 3 2 1 4 1 2 . . .
               1 2 3 3 2 2 4 1 2 5 . 3
               . 3 3 3 2 3 4 2 2 5 1 .
               1 2 3 3 2 4 4 1 2 5 1 ."""


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_krippendorffs_own_example(level: str, alpha: float) -> None:
    rows = [line.split() for line in OBSERVERS.splitlines()]
    units = [[float(value) for value in unit if value != "."] for unit in zip(*rows, strict=True)]
    assert krippendorff(units, level) == pytest.approx(alpha, abs=5e-4)  # pyright: ignore[reportArgumentType]


def test_alpha_of_one_rater_or_one_value_is_undefined() -> None:
    assert math.isnan(krippendorff([[1.0], [2.0]], "ordinal"))
    assert math.isnan(krippendorff([[1.0, 1.0], [1.0, 1.0]], "nominal"))


def test_weighted_spearman_is_that_of_resampled_rows(rng: np.random.Generator) -> None:
    first, second = rng.integers(0, 6, 30).astype(float), rng.integers(0, 4, 30).astype(float)
    first[3] = second[7] = NAN
    weight = np.stack([np.ones(30), rng.multinomial(30, np.full(30, 1 / 30)).astype(float)])
    known = ~np.isnan(first) & ~np.isnan(second)
    for row, value in zip(weight, spearman(first, second, weight), strict=True):
        rows = np.repeat(np.arange(30), row.astype(int))
        rows = rows[known[rows]]
        assert value == pytest.approx(spearmanr(first[rows], second[rows]).statistic)


def test_resamples_draw_all_explanations_of_a_latent_together() -> None:
    weight = weights(["a", "a", "b", "c", "b"], seed=1, resamples=50)
    assert np.array_equal(weight[0], np.ones(5))
    assert np.array_equal(weight[:, 0], weight[:, 1])
    assert np.array_equal(weight[:, 2], weight[:, 4])
    assert (weight[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert np.array_equal(weight, weights(["a", "a", "b", "c", "b"], seed=1, resamples=50))
    assert not np.array_equal(weight, weights(["a", "a", "b", "c", "b"], seed=2, resamples=50))


def test_undefined_values_stay_undefined() -> None:
    ones = np.ones((1, 4))
    column = np.array([1.0, 2.0, 3.0, 4.0])
    assert np.isnan(spearman(column, np.ones(4), ones)).all()
    assert np.isnan(spearman(column, np.array([NAN, NAN, NAN, 1.0]), ones)).all()
    assert np.isnan(reliability(column[:, None], ones)).all(), "one rater says nothing of reliability"
    assert np.isnan(reliability(np.stack([column, -column], axis=1), ones)).all()
    assert np.isnan(mean_rating(np.array([[NAN, NAN]]))).all()


@pytest.mark.parametrize("raters", [(0.5, 0.5, 0.5), (0.4, 0.8)])
def test_planted_correlations_are_within_the_intervals(raters: tuple[float, ...]) -> None:
    # Of 60 intervals of 95 % each, 57 hold the truth on average; 51 or fewer would happen once in 100 times.
    held, seen, mended, n = dict.fromkeys(PLANTED, 0), [], [], 60
    for seed in range(n):
        key, quality = simulated_key(80, PLANTED, seed)
        scale = ratings_by_rater(key, simulated_raters(key, quality, raters, seed))
        weight = weights([one.latent for one in key.explained], seed, resamples=200)
        for name, truth in PLANTED.items():
            result, _ = agreement(np.array([one.scores[name] for one in key.explained]), scale, weight)
            held[name] += result.corrected.low <= truth <= result.corrected.high
            if name == "fuzzing":
                seen.append(result.observed.value)
                mended.append(result.corrected.value)
    assert min(held.values()) >= 51
    assert np.mean(seen) < 0.62, "raters who err hide some of the correlation"
    assert np.mean(mended) == pytest.approx(0.69, abs=0.04)


def test_report_orders_scores_as_planted_and_compares_them() -> None:
    key, quality = simulated_key(300, PLANTED, 5)
    raters = [without(one, 0.001, 3) for one in simulated_raters(key, quality, (0.6, 0.6, 0.6), 5)]
    report = report_of(key, raters)
    values = {name: one.observed.value for name, one in report.scores.items()}
    assert sorted(values, key=lambda name: -values[name]) == list(PLANTED)
    apart = report.differences["fuzzing", "embedding"]
    assert apart.value == pytest.approx(values["fuzzing"] - values["embedding"])
    assert apart.low > 0
    assert apart.low < apart.value < apart.high
    assert report.n_rated == 300
    assert report.alphas["scale"][1] >= 1490
    assert 0.3 < report.alphas["scale"][0] < 0.7
    fewer = report.explanations["raters"]
    assert fewer.min() == 2, "an explanation that a rater left half rated has a rater less"


def test_half_width_is_that_of_bonett_and_wright() -> None:
    # By hand, r = 0.8 and n = 40: z = 1.0986, sqrt((1 + 0.32) / 37) = 0.18887, so tanh(0.7284) to tanh(1.4688).
    assert half_width(0.8, 40) == pytest.approx((0.89935 - 0.62224) / 2, abs=2e-4)
    assert half_width(0.6, 3) == 1


@pytest.mark.parametrize("correlation", [0.0, 0.32, 0.6, 0.69, -0.6])
def test_explanations_needed_are_the_fewest(correlation: float) -> None:
    n = explanations_needed(correlation)
    assert half_width(correlation, n) <= 0.1 < half_width(correlation, n - 1)
    assert n == explanations_needed(-correlation)


def test_reliability_by_spearman_and_brown_and_its_inverse() -> None:
    assert mean_reliability(0.5, 3) == pytest.approx(0.75)
    assert raters_needed(0.5, 0.75) == 3
    for wrong in (0, 1.2, -1):
        with pytest.raises(UserError):
            raters_needed(wrong, 0.5)
        with pytest.raises(UserError):
            explanations_needed(1.0 if wrong == 0 else wrong * 2)
