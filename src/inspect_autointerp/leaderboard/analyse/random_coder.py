"""The floor that a random coder is: what the same explainer scores on latents that mean nothing.

Its latents are others, so the difference is of two independent samples: Welch's interval.
"""

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.load.log_entry import RANDOM_CODER
from inspect_autointerp.leaderboard.results import Results

_SAME = ["explainer", "score", "subject", "grader", "prompt", "options"]
"""The settings that an entry and its random floor have in common."""


def over_random(results: Results) -> pd.DataFrame:
    """Every explainer's entry against the same on a random coder, of the largest such log where there are several.

    Returns:
        A row per entry that has such a floor, with its index: `random_entry` (Int64), `over_random`,
        `over_random_low`, `over_random_high` (float; the interval is NaN with fewer than two latents on a side).
    """
    entries = results.entries
    random = entries["coder"].str.startswith(RANDOM_CODER)
    floors = entries[random].sort_values("n_latents", ascending=False, kind="stable").drop_duplicates(_SAME)
    matched = entries[~entries["floor"]].reset_index().merge(floors.reset_index(), on=_SAME, suffixes=("", "_random"))
    numbers = [
        welch(entry_values(results, entry), entry_values(results, floor))
        for entry, floor in zip(matched["entry"], matched["entry_random"], strict=True)
    ]
    columns = ["over_random", "over_random_low", "over_random_high"]
    comparison = pd.DataFrame(numbers, columns=columns, index=pd.Index(matched["entry"], name="entry"), dtype=float)
    comparison.insert(0, "random_entry", matched["entry_random"].to_numpy())
    return comparison.astype({"random_entry": "Int64"})


def entry_values(results: Results, entry: int) -> np.ndarray:
    """Return an entry's values that are defined, float64 (latent,)."""
    values = results.values["value"].to_numpy()[results.rows(entry)].astype(np.float64)
    return values[~np.isnan(values)]


def welch(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """The difference of two means, and its 95 % interval where the variances can differ; NaN where undefined."""
    from scipy.stats import ttest_ind

    if not (len(first) and len(second)):
        return np.nan, np.nan, np.nan
    difference = float(first.mean() - second.mean())
    if min(len(first), len(second)) < 2:
        return difference, np.nan, np.nan
    if np.ptp(first) == 0 == np.ptp(second):  # scipy would divide by 0
        return difference, difference, difference
    interval = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    return difference, float(interval.low), float(interval.high)
