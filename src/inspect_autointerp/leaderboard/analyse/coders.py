"""One explainer on several coders: a mean for each, beside its own floor, and the difference from the best.

Coders have other latents, so nothing is paired: a difference is of two independent samples, with Welch's interval. The
entries of one comparison have the score, its prompt, options and grader, the subject and the suite in common; stores
may differ, as may how many latents were drawn.
"""

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.analyse.random_coder import entry_values, welch
from inspect_autointerp.leaderboard.load.header import FLOORS
from inspect_autointerp.leaderboard.results import Results

SAME = ["score", "explainer", "subject", "suite", "grader", "prompt", "options"]
"""Fields in which the entries of a comparison agree."""


def over_coders(results: Results) -> pd.DataFrame:
    """Compare the coders that each explainer was evaluated on.

    Returns:
        A row per entry of an explainer with at least two coders or hookpoints, floors such as `shuffled` left out, by
        comparison, the best first: `comparison` (int, from 1), `entry` (int), `below`, `below_low`, `below_high`
        (float: by how much the best entry of the comparison is above this one, with its 95 % interval; NaN for the best
        itself and where undefined).
    """
    entries = results.entries
    explaining = entries[~entries["explainer"].str.split(" ").str[0].isin(FLOORS)]
    rows: list[tuple[float, ...]] = []
    number = 0
    for _, group in explaining.groupby(SAME, sort=False):
        if len(group[["hookpoint", "coder"]].drop_duplicates()) < 2:
            continue
        number += 1
        values = {int(entry): entry_values(results, int(entry)) for entry in group.index}
        means = {entry: float(one.mean()) if len(one) else -np.inf for entry, one in values.items()}
        ordered = sorted(means, key=lambda entry: -means[entry])
        for entry in ordered:
            nothing = np.nan, np.nan, np.nan
            below = nothing if entry == ordered[0] else welch(values[ordered[0]], values[entry])
            rows.append((number, entry, *below))
    columns = ["comparison", "entry", "below", "below_low", "below_high"]
    return pd.DataFrame(rows, columns=columns).astype({"comparison": int, "entry": int})
