"""Each entry's mean within groups: by decile of contexts, by density of latents, by hookpoint."""

from typing import Literal, get_args

import numpy as np
import pandas as pd

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.statistics import mean_of
from inspect_autointerp.leaderboard.results import DECILE_COLUMNS, Results
from inspect_autointerp.statistics.intervals import bootstrap_intervals

By = Literal["decile", "hookpoint", "density"]


def checked(by: str) -> str:
    """Return whether there is such a breakdown.

    Raises:
        UserError: There is not.
    """
    if by not in get_args(By):
        raise UserError(f"--by {by}: give one of {', '.join(get_args(By))}, coder, cosine")
    return by


def breakdown(results: Results, by: str) -> pd.DataFrame:
    """The mean over latents of every entry in every group.

    Args:
        results: The entries.
        by: `decile`: of the contexts, by the score's statistic of deciles; scores that have none are left out.
            `density`: of latents, by their `band`. `hookpoint`: of entries; a group holds whole entries.

    Returns:
        A row per entry and group, both in order, groups without a value left out: `entry` (int), `group` (int for
        deciles, else str), `order` (int, of the group), `n` (int, latents with a value), `mean`, `low`, `high` (float,
        its 95 % interval).

    Raises:
        UserError: `by` is something else.
    """
    checked(by)
    parts = [part for table in results.tables for part in _of_table(results, table, by)]
    columns = ["entry", "group", "order", "n", "mean", "low", "high"]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return rows[rows["n"] > 0].sort_values("entry", kind="stable", ignore_index=True)


def _of_table(results: Results, table: int, by: str) -> list[pd.DataFrame]:
    entries = results.of(table)
    if by == "decile":
        return [_means(entries, i, i, results.matrix(table, column)) for i, column in enumerate(DECILE_COLUMNS, 1)]
    if by == "hookpoint":
        hookpoints = list(results.latents["hookpoint"].cat.categories)
        hookpoint = entries["hookpoint"].iloc[0]
        return [_means(entries, hookpoint, hookpoints.index(hookpoint), results.matrix(table))]
    bands = results.latents_of(table)["band"].cat
    codes, values = bands.codes.to_numpy(), results.matrix(table)
    return [_means(entries, name, code, values[codes == code]) for code, name in enumerate(bands.categories)]


def _means(entries: pd.DataFrame, group: object, order: int, values: np.ndarray) -> pd.DataFrame:
    n, mean = mean_of(values)
    low, high = bootstrap_intervals(values.astype(np.float64))
    columns = {"entry": entries.index, "group": group, "order": order, "n": n, "mean": mean, "low": low, "high": high}
    return pd.DataFrame(columns)
