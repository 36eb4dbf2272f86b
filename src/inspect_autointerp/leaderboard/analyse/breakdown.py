"""Each entry's mean within groups: by decile of contexts, by density or triage class of latents, by hookpoint."""

from typing import Literal, get_args

import numpy as np
import pandas as pd

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.statistics import mean_of
from inspect_autointerp.leaderboard.results import DECILE_COLUMNS, Results
from inspect_autointerp.statistics.intervals import bootstrap_intervals
from inspect_autointerp.triage.classes import EVERY

By = Literal["decile", "hookpoint", "density"]
TRIAGE = "triage"
"""A breakdown by the classes of `autointerp triage`, which a file holds."""


def checked(by: str) -> str:
    """Return whether there is such a breakdown.

    Raises:
        UserError: There is not.
    """
    if by not in (*get_args(By), TRIAGE):
        raise UserError(f"--by {by}: give one of {', '.join(get_args(By))}, {TRIAGE}, coder, cosine")
    return by


def breakdown(results: Results, by: str, classes: pd.DataFrame | None = None) -> pd.DataFrame:
    """The mean over latents of every entry in every group.

    Args:
        results: The entries.
        by: `decile`: of the contexts, by the score's statistic of deciles; scores that have none are left out.
            `density`: of latents, by their `band`. `hookpoint`: of entries; a group holds whole entries. `triage`: of
            latents, by their class.
        classes: For `triage`, a table of `read_triage`; latents that it does not name are in no group.

    Returns:
        A row per entry and group, both in order, groups without a value left out: `entry` (int), `group` (int for
        deciles, else str), `order` (int, of the group), `n` (int, latents with a value), `mean`, `low`, `high` (float,
        its 95 % interval).

    Raises:
        UserError: `by` is something else, or the table of triage names no latent of these entries.
    """
    checked(by)
    if by == TRIAGE:
        parts = [part for table in results.tables for part in _of_classes(results, table, classes)]
        if not any((part["n"] > 0).any() for part in parts):
            raise UserError("--triage: the file names no latent of these logs; give the file of the same store")
    else:
        parts = [part for table in results.tables for part in _of_table(results, table, by)]
    columns = ["entry", "group", "order", "n", "mean", "low", "high"]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return rows[rows["n"] > 0].sort_values("entry", kind="stable", ignore_index=True)


def _of_table(results: Results, table: int, by: str) -> list[pd.DataFrame]:
    entries = results.of(table)
    if by == "decile":
        return [_means(entries, i, i, results.matrix(table, column)) for i, column in enumerate(DECILE_COLUMNS, 1)]
    groups = results.latents_of(table)["hookpoint" if by == "hookpoint" else "band"].cat
    codes, values = groups.codes.to_numpy(), results.matrix(table)
    return [_means(entries, name, code, values[codes == code]) for code, name in enumerate(groups.categories)]


def _of_classes(results: Results, table: int, classes: pd.DataFrame | None) -> list[pd.DataFrame]:
    if classes is None:
        raise UserError(f"--by {TRIAGE}: give the file that `autointerp triage -o FILE` wrote as --triage FILE")
    latents, entries, values = results.latents_of(table), results.of(table), results.matrix(table)
    known = dict(zip(zip(classes["store"], classes["latent"], strict=True), classes["class"], strict=True))
    ids = zip(latents["store"].astype(str), latents["id"].astype(str), strict=True)
    groups = np.array([known.get(latent, "") for latent in ids])
    return [_means(entries, name, order, values[groups == name]) for order, name in enumerate(EVERY)]


def _means(entries: pd.DataFrame, group: object, order: int, values: np.ndarray) -> pd.DataFrame:
    n, mean = mean_of(values)
    low, high = bootstrap_intervals(values.astype(np.float64))
    columns = {"entry": entries.index, "group": group, "order": order, "n": n, "mean": mean, "low": low, "high": high}
    return pd.DataFrame(columns)
