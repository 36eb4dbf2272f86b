"""The paper's guidelines (arXiv 2410.13928) as figures of one's own run, for each table's best explainer."""

from typing import Any

import numpy as np
import pandas as pd

from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.leaderboard.analyse.correlations import correlation, correlations, midranks
from inspect_autointerp.leaderboard.results import DECILE_COLUMNS, Results
from inspect_autointerp.leaderboard.show.tables import caption, estimate, rows_of, series_labels
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.statistics.intervals import bootstrap_interval
from inspect_autointerp.text.render import visible

_DECILES = "score the whole distribution: recall in the strongest decile minus recall in the weakest"
_DENSITY = "rare and dense latents: Spearman's correlation of score and firing share"
_SCORES = "use more than one score: Spearman's correlation of two"
_KL = "compare interventions at one KL: the KL reached"


def guidelines(results: Results) -> pd.DataFrame:
    """The figures, of the best explainer that is no floor of each table; those that a run says nothing of are left out.

    Returns:
        A row per figure: `guideline`, `of`, `explainer` (str), `value`, `low`, `high` (float, its 95 % interval).
    """
    rows = [row for table in results.tables for row in _of_table(results, table)]
    names = series_labels(results)
    for pair in rows_of(correlations(results)).values():
        scores = f"{names[pair['first']]} and {names[pair['second']]}"
        numbers = (pair["spearman"], pair["spearman_low"], pair["spearman_high"])
        rows.append((_SCORES, scores, pair["explainer"], *numbers))
    frame = pd.DataFrame(rows, columns=["guideline", "of", "explainer", "value", "low", "high"])
    return frame[frame["value"].notna()].sort_values("guideline", kind="stable", ignore_index=True)


def guidelines_view(results: Results) -> list[View]:
    """The same for reading; nothing where there are none."""
    rows = [
        [
            row["guideline"],
            visible(row["of"]),
            visible(row["explainer"]),
            estimate(row["value"], row["low"], row["high"]),
        ]
        for row in rows_of(guidelines(results)).values()
    ]
    head = ["the paper's guideline, and its figure", "of", "explainer", "value"]
    return [View("Guidelines", head, rows, text=3)] if rows else []


def _of_table(results: Results, table: int) -> list[tuple[Any, ...]]:
    entries = results.of(table)
    explainers = entries[~entries["floor"] & ~entries["trained"]]
    if explainers.empty:
        return []
    best, place = explainers.iloc[0], entries.index.get_loc(explainers.index[0])
    row = {str(key): value for key, value in best.items()}
    table_name, who = caption(row).partition(" · graded")[0], str(best["explainer"])
    strongest, weakest = (results.matrix(table, column)[:, place] for column in (DECILE_COLUMNS[-1], DECILE_COLUMNS[0]))
    figures: list[tuple[Any, ...]] = [(_DECILES, table_name, who, *_mean(strongest - weakest))]
    share = results.latents_of(table)["firing_share"].to_numpy(dtype=float)
    both = np.array([share, results.matrix(table)[:, place]], dtype=float)
    both = both[:, ~np.isnan(both).any(axis=0)]
    if both.shape[1] >= 2:
        figures.append((_DENSITY, table_name, who, *correlation(*midranks(both))))
    own: pd.Series[bool] = results.estimates["entry"] == explainers.index[0]
    estimates = results.estimates[own].set_index("statistic")
    for kind in HARD:
        if (name := f"{best['statistic']}_{kind}") in estimates.index:
            advice = f"random negatives are weak: the score against {kind}, shown beside {best['statistic']}"
            figures.append((advice, table_name, who, *estimates.loc[name, ["mean", "low", "high"]]))
    if "kl" in estimates.index:
        figures.append((_KL, table_name, who, *estimates.loc["kl", ["mean", "low", "high"]]))
    return figures


def _mean(values: np.ndarray) -> tuple[float, float, float]:
    known: list[float] = values[~np.isnan(values)].astype(float).tolist()
    return (float(np.mean(known)) if known else float("nan"), *bootstrap_interval(known))
