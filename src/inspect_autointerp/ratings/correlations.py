"""Rank correlations of scores with people, and their bootstrap over latents.

A resample of latents is a whole-number weight of each; Spearman's coefficient is computed with these weights for all
resamples at once, with mid-ranks of ties, so a row of weights gives exactly what the resampled rows would.

Intervals are ±1.96 bootstrap standard deviations of Fisher's z of the coefficient. All explanations of a latent are
drawn together, since they share contexts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from inspect_autointerp.contexts.sampling import rng_of

RESAMPLES = 1000
LEAST = 4
"""Explanations that a coefficient needs for an interval."""
_Z = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value with its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float
    n: int
    """Explanations that have both."""


@dataclass(frozen=True, kw_only=True)
class ScoreAgreement:
    """A score's agreement with people."""

    observed: Interval
    """Spearman's coefficient with the raters' mean."""
    corrected: Interval
    """The same divided by the square root of the mean's reliability: what raters without error would give. It may
    exceed 1."""


def weights(clusters: Sequence[str], seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Draw bootstrap weights: how often each row is in each resample of whole clusters.

    Args:
        clusters: (row,): the latent of each row.
        seed: Of the draw.
        resamples: How many.

    Returns:
        float64 (1 + resamples, row); the first resample is the data as they are, all ones.
    """
    names, place = np.unique(np.array(clusters, dtype=object).astype(str), return_inverse=True)
    n = len(names)
    drawn = rng_of(seed, "ratings", "bootstrap").multinomial(n, np.full(n, 1 / n), size=resamples)
    return np.concatenate([np.ones((1, len(place))), drawn[:, place].astype(np.float64)])


def spearman(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute Spearman's coefficient of two columns in every resample.

    Args:
        first: float (row,), NaN where missing.
        second: float (row,), likewise.
        weight: float (resample, row).

    Returns:
        float64 (resample,); NaN where a column is constant or fewer than two rows have both.
    """
    known = ~(np.isnan(first) | np.isnan(second))
    if known.sum() < 2:
        return np.full(len(weight), np.nan)
    weight = weight[:, known]
    total = weight.sum(axis=1)
    ranks = [_ranks(column[known], weight) for column in (first, second)]
    a, b = (rank - total[:, None] / 2 for rank in ranks)  # the weighted mean of mid-ranks is half of the total
    covariance = (weight * a * b).sum(axis=1)
    scale = np.sqrt((weight * a * a).sum(axis=1) * (weight * b * b).sum(axis=1))
    return np.divide(covariance, scale, out=np.full(len(weight), np.nan), where=scale > 1e-9)


def reliability(raters: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute the reliability of the raters' mean in every resample, by Spearman and Brown.

    The mean coefficient r of pairs of raters is that of one rater; of k it is k r / (1 + (k − 1) r), k being the mean
    number of raters of an explanation.

    Args:
        raters: float (row, rater), NaN where a rater did not rate.
        weight: float (resample, row).

    Returns:
        float64 (resample,); NaN where no two raters rated the same explanations, or they agree less than not at all.
    """
    pairs = [spearman(raters[:, i], raters[:, j], weight) for i, j in combinations(range(raters.shape[1]), 2)]
    if not pairs:
        return np.full(len(weight), np.nan)
    values = np.stack(pairs)
    n = (~np.isnan(values)).sum(axis=0)
    single = np.divide(np.nansum(values, axis=0), n, out=np.full(len(weight), np.nan), where=n > 0)
    rated = (~np.isnan(raters)).sum(axis=1)
    k = float(rated[rated > 0].mean()) if (rated > 0).any() else 0.0
    single = np.where(single > 0, single, np.nan)
    return k * single / (1 + (k - 1) * single)


def agreement(score: np.ndarray, raters: np.ndarray, weight: np.ndarray) -> tuple[ScoreAgreement, np.ndarray]:
    """Compute a score's agreement with people, and its coefficient in every resample.

    Args:
        score: float (row,), NaN where unscored.
        raters: float (row, rater), NaN where a rater did not rate.
        weight: float (resample, row), see `weights`.
    """
    people = mean_rating(raters)
    values = spearman(score, people, weight)
    n = int((~(np.isnan(score) | np.isnan(people))).sum())
    corrected = values / np.sqrt(reliability(raters, weight))
    return ScoreAgreement(observed=fisher_interval(values, n), corrected=plain_interval(corrected, n)), values


def mean_rating(raters: np.ndarray) -> np.ndarray:
    """Return the mean over raters, float64 (row,); NaN where nobody rated."""
    known = ~np.isnan(raters)
    n = known.sum(axis=1)
    return np.divide(np.where(known, raters, 0).sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)


def fisher_interval(values: np.ndarray, n: int) -> Interval:
    """Return a coefficient and its interval on Fisher's scale from its resamples, the first of which is the data."""
    value, drawn = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value) or n < LEAST or len(drawn) < len(values) / 2:
        return Interval(value=value, low=np.nan, high=np.nan, n=n)
    edge = 1 - 1e-9
    half = _Z * float(np.arctanh(np.clip(drawn, -edge, edge)).std(ddof=1))
    middle = np.arctanh(np.clip(value, -edge, edge))
    return Interval(value=value, low=float(np.tanh(middle - half)), high=float(np.tanh(middle + half)), n=n)


def plain_interval(values: np.ndarray, n: int) -> Interval:
    """Return a value ±1.96 standard deviations of its resamples, the first of which is the data."""
    value, drawn = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value) or n < LEAST or len(drawn) < len(values) / 2:
        return Interval(value=value, low=np.nan, high=np.nan, n=n)
    half = _Z * float(drawn.std(ddof=1))
    return Interval(value=value, low=value - half, high=value + half, n=n)


def _ranks(column: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the mid-ranks of a column in every resample, float64 (resample, row)."""
    values, place = np.unique(column, return_inverse=True)
    groups = np.zeros((len(column), len(values)))
    groups[np.arange(len(column)), place] = 1
    counts = weight @ groups
    return (counts.cumsum(axis=1) - counts / 2)[:, place]
