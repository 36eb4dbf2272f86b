"""Paired differences between the entries of a table: over the latents that both have a value for.

The interval is that of the mean of the differences (`intervals`). The p-value is the larger of two: of the paired t
test, and the one at which that interval would reach 0, so that a verdict never contradicts the interval; nor is it
below 2^(1 − n), the least that n signs can give, or a handful of equal differences would be certain.

Verdicts are by Holm's correction over all pairs of a table: the chance that even one is wrong stays at 5 %, however the
pairs depend on each other, and pairs that share an entry do. Benjamini and Hochberg's keeps the share of wrong ones
among those named instead; but a reader takes one verdict out of a table, and ranks are counted from all of them.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.statistics.intervals import bootstrap_intervals

ALPHA = 0.05
_AT_ONCE = 2_000_000
"""Differences held at once: 16 MB, and a few times that while their intervals are computed."""


def differences(results: Results) -> pd.DataFrame:
    """Every pair of entries of a table.

    Returns:
        A row per pair, in the order of entries:

        - `table`: int. `first`, `second`: int, entries.
        - `n`: int, latents that both have a value for.
        - `difference`: float, the mean of first − second; NaN without such a latent.
        - `low`, `high`: float, its 95 % interval; NaN with fewer than two.
        - `p`: float, and `p_holm`: corrected over the pairs of the table; NaN with fewer than two.
        - `verdict`: `higher` or `lower`, which the first is than the second, or `tied`.
    """
    parts = [_of_table(results, table) for table in results.tables]
    return pd.concat(parts, ignore_index=True) if parts else _frame(0, np.empty((0, 2), dtype=int), np.empty((5, 0)))


def _of_table(results: Results, table: int) -> pd.DataFrame:
    values = results.matrix(table)
    entries = results.of(table).index.to_numpy()
    pairs = np.array(list(combinations(range(len(entries)), 2)), dtype=int).reshape(-1, 2)
    step = max(1, _AT_ONCE // max(1, len(values)))
    parts = [paired(values[:, at[:, 0]], values[:, at[:, 1]]) for at in np.split(pairs, range(step, len(pairs), step))]
    return _frame(table, entries[pairs], np.concatenate(parts, axis=1))


def _frame(table: int, pairs: np.ndarray, numbers: np.ndarray) -> pd.DataFrame:
    n, mean, low, high, p = numbers
    corrected = holm(p)
    verdict = np.select(
        [(corrected < ALPHA) & (mean > 0), (corrected < ALPHA) & (mean < 0)], ["higher", "lower"], "tied"
    )
    return pd.DataFrame(
        {
            "table": table,
            "first": pairs[:, 0],
            "second": pairs[:, 1],
            "n": n.astype(int),
            "difference": mean,
            "low": low,
            "high": high,
            "p": p,
            "p_holm": corrected,
            "verdict": verdict,
        }
    )


def paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The differences of columns.

    Args:
        first: float (latent, pair).
        second: float (latent, pair).

    Returns:
        float64 (5, pair): n, mean, low, high, p.
    """
    off = first.astype(np.float64) - second
    low, high = bootstrap_intervals(off)
    known = ~np.isnan(off)
    n = known.sum(axis=0)
    off[~known] = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = off.sum(axis=0) / n
        off -= mean
        off[~known] = 0
        squared = off * off
        sd = np.sqrt(squared.sum(axis=0) / n)
        sd[sd < 1e-9 * np.abs(mean)] = 0  # equal but for rounding
        skewness = np.where(sd > 0, (squared * off).sum(axis=0) / n / sd**3, 0)
    return np.stack([n, mean, low, high, _p_values(n, mean, sd, skewness)])


def _p_values(n: np.ndarray, mean: np.ndarray, sd: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    from scipy.special import stdtr

    with np.errstate(invalid="ignore", divide="ignore"):
        m = np.where(mean == 0, 0, mean / (sd / np.sqrt(n)))
        a = skewness / (6 * np.sqrt(n))
        # The bound mean + sd / √n · w / (1 − aw)² is 0 at this w; where it is at none, the interval never reaches 0.
        root = 1 - 4 * a * m
        w = np.where(root >= 0, -2 * m / (1 - 2 * a * m + np.sqrt(np.maximum(root, 0))), -np.sign(m) * np.inf)
        reach = np.maximum(np.where(m >= 0, a - w, w - a), 0)
        z = np.fmin(np.abs(m), np.where(np.isnan(w), np.inf, reach))
        p = 2 * stdtr(n - 1.0, -z * np.sqrt((n - 1) / n))
    return np.where(n >= 2, np.maximum(p, 2.0 ** (1 - np.minimum(n, 1000))), np.nan)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's corrected p-values (Scandinavian Journal of Statistics 6, 1979); NaN stays and does not count."""
    known = ~np.isnan(p)
    order = np.argsort(p[known])
    steps = p[known][order] * np.arange(int(known.sum()), 0, -1)
    corrected = np.full(p.shape, np.nan)
    inner = np.empty(len(order))
    inner[order] = np.minimum(np.maximum.accumulate(steps), 1)
    corrected[known] = inner
    return corrected
