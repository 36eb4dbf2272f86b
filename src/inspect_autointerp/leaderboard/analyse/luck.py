"""Gaps of a leaderboard that are smaller than the smallest difference that is not luck."""

import json
from itertools import combinations
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.load.luck import Luck
from inspect_autointerp.leaderboard.results import Results

COLUMN = "smallest_difference"


def smallest_differences(
    results: Results, numbers: pd.DataFrame, given: Luck | None, packaged: Luck | None
) -> pd.Series:
    """Compute the smallest difference that is not luck, for each entry's table.

    Args:
        results: The entries.
        numbers: Their `summary`.
        given: The study that the user gave; it counts for every table of its scores.
        packaged: The package's; where none was given, it counts for tables over its store by its grader.

    Returns:
        float, by the index of `results.entries`; NaN where no study says it.
    """
    values: dict[Any, float] = {}
    for table in results.tables:
        entries = results.of(table)
        first = entries.iloc[0]
        luck = given or (packaged if packaged and packaged.is_of(first["store"], first["grader"]) else None)
        latents = int(numbers.loc[entries.index, "n"].max())
        spread = _spread(results, table)
        value = luck.smallest(first["score"], latents, _contexts(first["options"]), spread) if luck else None
        values |= dict.fromkeys(entries.index, nan if value is None else value)
    return pd.Series(values, name=COLUMN, dtype=float).reindex(results.entries.index)


def note(luck: Luck | None, marked: bool = True) -> str:
    """Return what is meant by luck in a table's title, and by the sign ≈.

    Args:
        luck: The study that the user gave; None for the package's.
        marked: Whether the sign stands anywhere.
    """
    whose = (
        f"{luck.name} (store {luck.store}, graded by {', '.join(luck.graders) or 'the explainer'})"
        if luck
        else "the package's study of this store"
    )
    from_study = f"From {whose}; see docs/stability.md."
    if not marked:
        return (
            "luck: two equally good explainers would differ by more in 5 % of repetitions with other latents,"
            f" documents, test contexts and explanations. {from_study}"
        )
    return (
        "≈ marks a difference that can be luck: two equally good explainers would differ by more in 5 % of repetitions"
        " with other latents, documents, test contexts and explanations. After a name, it refers to the gap to the"
        " explainer above; after a difference, to that difference. The title of each table says how large luck can be."
        f" {from_study}"
    )


def _spread(results: Results, table: int) -> float:
    """Return the variance over latents of paired differences, the mean over pairs of explainers; 0 without a pair."""
    values = results.matrix(table)[:, ~results.of(table)["floor"].to_numpy(dtype=bool)].astype(np.float64)
    off = (values[:, i] - values[:, j] for i, j in combinations(range(values.shape[1]), 2))
    variances = [np.var(known, ddof=1) for one in off if len(known := one[~np.isnan(one)]) > 1]
    return float(np.mean(variances)) if variances else 0.0


def _contexts(options: str) -> int | None:
    """Return how many contexts a score was graded on, of those kinds that the study draws, too."""
    told: dict[str, Any] = json.loads(options) if options else {}
    counts = [count for name in ("activating", "nonactivating") if isinstance(count := told.get(name), int)]
    return sum(counts) if len(counts) == 2 else None
