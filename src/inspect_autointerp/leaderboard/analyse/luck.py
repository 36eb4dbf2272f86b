"""Gaps of a leaderboard that are smaller than the smallest difference that is not luck."""

import json
from math import nan

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
    values = {}
    for table in results.tables:
        entries = results.of(table)
        first = entries.iloc[0]
        luck = given or (packaged if packaged and packaged.is_of(first["store"], first["grader"]) else None)
        latents = int(numbers.loc[entries.index, "n"].max())
        value = luck.smallest(first["score"], latents, _contexts(first["options"])) if luck else None
        values |= dict.fromkeys(entries.index, nan if value is None else value)
    return pd.Series(values, name=COLUMN, dtype=float).reindex(results.entries.index)


def note(luck: Luck | None) -> str:
    """Return what the sign ≈ below a table means.

    Args:
        luck: The study that the user gave; None for the package's.
    """
    whose = (
        f"{luck.name} (store {luck.store}, graded by {', '.join(luck.graders) or 'the explainer'})"
        if luck
        else "the package's study of this store"
    )
    return (
        "≈: smaller than the smallest difference that is not luck: two equally good explainers would differ by more in"
        " 5 % of repetitions with other latents, documents, test contexts and explanations. Behind a name it is of the"
        " gap to the explainer above, behind a difference of that difference. Its size is in the title of each table."
        f" From {whose}; see docs/stability.md."
    )


def _contexts(options: str) -> int | None:
    """Return how many contexts a score was graded on, of those kinds that the study draws, too."""
    told = json.loads(options) if options else {}
    counts = [count for name in ("activating", "nonactivating") if isinstance(count := told.get(name), int)]
    return sum(counts) if len(counts) == 2 else None
