"""Correlations over latents between scores of a study's levels: of one explainer, or of two."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inspect_autointerp.experiments.definition import Pair
from inspect_autointerp.experiments.results import Found
from inspect_autointerp.leaderboard.analyse.correlations import correlation, midranks, moments


def level_correlations(results: Mapping[str, Found], pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return the correlations of pairs whose levels are finished and of the same latents.

    Args:
        results: The finished levels.
        pairs: What is correlated.

    Returns:
        A row per pair: `first`, `second` (str, `LEVEL: SCORE`), `n` (int, latents that have both values), `pearson` and
        `spearman` with their 95 % intervals (`pearson_low` and so on, float; NaN where undefined), and `paper` (float,
        NaN if it has no figure).
    """
    rows: list[dict[str, Any]] = []
    for pair in pairs:
        sides = [results[level] for level, _ in (pair.first, pair.second) if level in results]
        if len(sides) < 2 or sides[0].latents_of != sides[1].latents_of:
            continue
        values = [side.values.get(score) for side, (_, score) in zip(sides, (pair.first, pair.second), strict=True)]
        known = [one.dropna() for one in values if one is not None]
        if len(known) < 2:
            continue
        common = known[0].index.intersection(known[1].index)
        both = np.array([one[common].to_numpy(dtype=np.float64) for one in known])
        row: dict[str, Any] = {"first": ": ".join(pair.first), "second": ": ".join(pair.second), "n": len(common)}
        for name, estimate in (("pearson", correlation(*moments(both))), ("spearman", correlation(*midranks(both)))):
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True))
        rows.append(row | {"paper": np.nan if pair.paper is None else pair.paper})
    return pd.DataFrame(rows)
