"""Means over latents with their intervals."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inspect_autointerp.statistics.intervals import bootstrap_intervals

if TYPE_CHECKING:
    import pandas as pd


class Estimate(NamedTuple):
    """A mean over latents, with its 95 % interval; NaN where undefined."""

    mean: float
    low: float
    high: float
    n: int
    """Latents that have a value."""


def estimates_of(values: "pd.DataFrame") -> dict[str, Estimate]:
    """Compute the mean of each column's defined values, with its interval.

    Args:
        values: float (latent, statistic), NaN where undefined.

    Returns:
        The estimates by column.
    """
    matrix = values.to_numpy(dtype=np.float64)
    low, high = bootstrap_intervals(matrix)
    n = (~np.isnan(matrix)).sum(axis=0)
    mean = np.divide(np.nansum(matrix, axis=0), n, out=np.full(len(n), np.nan), where=n > 0)
    return {
        str(name): Estimate(*map(float, parts), n=int(count))
        for name, *parts, count in zip(values, mean, low, high, n, strict=True)
    }
