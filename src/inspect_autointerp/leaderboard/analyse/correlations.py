"""Correlations between scores over latents, as in tables A1 and A2 of arXiv 2410.13928.

Intervals are Fisher's (of artanh r), with the standard error by the influence function of the coefficient, which holds
for any distribution; scipy's are for normal ones. Spearman's is Pearson's of the ranks, and that the ranks are
themselves estimated is taken into account.
"""

from itertools import combinations
from typing import Any, cast

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.results import Results

NUMBERS = ("n", "spearman", "spearman_low", "spearman_high", "pearson", "pearson_low", "pearson_high")


def correlations(results: Results) -> pd.DataFrame:
    """Every pair of scores of an explainer, over the latents that have both, of all hookpoints of a store.

    Returns:
        A row per store × explainer × pair, floors left out:

        - `store`, `explainer`: str. `first`, `second`: int, `series` of entries.
        - `n`: int, latents with both.
        - `spearman`, `pearson`: float; NaN with fewer than two, and where a score is the same everywhere. Their 95 %
          intervals, `spearman_low` and so on: float; NaN with fewer than four.
    """
    rows: list[tuple[Any, ...]] = []
    shown = results.entries[~results.entries["floor"]]
    for (store, explainer), entries in shown.groupby(["store", "explainer"], sort=False):
        scores = {series: _values(results, group) for series, group in entries.groupby("series")}
        for first, second in combinations(scores, 2):
            both = np.array([scores[first], scores[second]])
            both = both[:, ~np.isnan(both).any(axis=0)]
            numbers = (both.shape[1], *correlation(*midranks(both)), *correlation(*moments(both)))
            rows.append((store, explainer, first, second, *numbers))
    return pd.DataFrame(rows, columns=["store", "explainer", "first", "second", *NUMBERS])


def _values(results: Results, entries: pd.DataFrame) -> np.ndarray:
    """float64 (latent,) over all latents of `results`: a score's values, NaN where it has none."""
    values = np.full(len(results.latents), np.nan)
    for entry in entries.index[::-1]:  # the first table of a latent counts
        rows = results.rows(entry)
        values[results.values["latent"].to_numpy()[rows]] = results.values["value"].to_numpy()[rows]
    return values


def moments(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pearson's covariance matrix of two scores, and the influence of each latent on it.

    Args:
        both: float64 (2, latent).

    Returns:
        (3,): the variances and the covariance; (3, latent).
    """
    off = both - both.mean(axis=1, keepdims=True) if both.size else both
    products = np.stack([off[0] ** 2, off[1] ** 2, off[0] * off[1]])
    mean = products.mean(axis=1) if both.size else np.zeros(3)
    return mean, products - mean[:, None]


def midranks(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of Spearman's.

    With F(x) = P(X < x) + ½ P(X = x) and G likewise, the covariance is E[F G] − ¼. A latent (x, y) changes it by
    F(x) G(y) + E[(1{X > x} + ½ 1{X = x}) G(Y)] + E[F(X) (1{Y > y} + ½ 1{Y = y})], less its mean.
    """
    n = both.shape[1]
    if not n:
        return np.zeros(3), both[[0, 0, 0]]
    orders = [np.unique(row, return_inverse=True, return_counts=True)[1:] for row in both]
    shares = [((np.cumsum(counts) - counts / 2) / n)[place] for place, counts in orders]
    influence = np.stack(
        [shares[i] * shares[j] + _above(orders[i], shares[j]) + _above(orders[j], shares[i]) for i, j in _PAIRS]
    )
    covariance = np.array([(shares[i] * shares[j]).mean() - 0.25 for i, j in _PAIRS])
    return covariance, influence - influence.mean(axis=1, keepdims=True)


_PAIRS = ((0, 0), (1, 1), (0, 1))


def _above(order: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> np.ndarray:
    """E[(1{X > x} + ½ 1{X = x}) v] at each x."""
    place, counts = order
    sums = np.bincount(place, values, len(counts)) / len(values)
    return (sums[::-1].cumsum()[::-1] - sums / 2)[place]


def correlation(covariance: np.ndarray, influence: np.ndarray) -> tuple[float, float, float]:
    """The coefficient and its 95 % interval, from variances, covariance and the latents' influence on these."""
    from scipy.special import stdtrit

    a, b, c = covariance
    n = influence.shape[1]
    scale = np.sqrt(max(a, 0) * max(b, 0))
    if n < 2 or not scale > 1e-12:
        return np.nan, np.nan, np.nan
    r = float(np.clip(c / scale, -1, 1))
    if n < 4:
        return r, np.nan, np.nan
    if 1 - abs(r) < 1e-9:
        return r, r, r
    on_r = influence[2] / scale - r / 2 * (influence[0] / a + influence[1] / b)
    half = cast(float, stdtrit(n - 2, 0.975)) * on_r.std(ddof=1) / np.sqrt(n) / (1 - r * r)
    return r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))
