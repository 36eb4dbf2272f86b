"""Results of ratings: agreement of raters, of scores with people, and between scores; for terminals and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from inspect_autointerp.ratings.agreement import alphas
from inspect_autointerp.ratings.answers import Answers
from inspect_autointerp.ratings.correlations import (
    Interval,
    ScoreAgreement,
    agreement,
    plain_interval,
    reliability,
    spearman,
    weights,
)
from inspect_autointerp.ratings.draw import scores_of
from inspect_autointerp.ratings.key import Key
from inspect_autointerp.ratings.tables import explanation_table, preference_table, ratings_by_rater
from inspect_autointerp.text.json_values import is_dict

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

PAPER = {"fuzzing": 0.69, "simulation": 0.60, "detection": 0.59, "surprisal": 0.34, "embedding": 0.32}
"""Spearman's coefficients with people that the paper reports (arXiv 2410.13928, §4.1): 81 explanations, 700 contexts,
four points; it gives neither the number of raters, nor their agreement, nor intervals."""
AS_GRADER = "people.balanced_accuracy"
"""The name by which people's own labels are compared as if they were a score."""


@dataclass(kw_only=True)
class Report:
    """All that is computed from a sheet's answers."""

    n_raters: int
    n_rated: int
    """Explanations that anybody rated on the scale."""
    alphas: dict[str, tuple[float, int]]
    reliability: Interval
    """Reliability of the raters' mean rating."""
    scores: dict[str, ScoreAgreement]
    differences: dict[tuple[str, str], Interval]
    """Between two scores' coefficients with people, on the explanations that have both scores."""
    explanations: "pd.DataFrame"
    preferences: "pd.DataFrame"


def report_of(key: Key, raters: Sequence[Answers], seed: int = 0) -> Report:
    """Compute everything.

    Args:
        key: The sheet's key, with the scores of its explanations.
        raters: Their answers.
        seed: Of the bootstrap.
    """
    table = explanation_table(key, raters)
    scale = ratings_by_rater(key, raters)
    weight = weights([one.latent for one in key.explained], seed)
    columns = {name: table[name].to_numpy(dtype=np.float64) for name in scores_of(key.explained)}
    if table["balanced_accuracy"].notna().any():
        columns[AS_GRADER] = table["balanced_accuracy"].to_numpy(dtype=np.float64)
    people = table["rating"].to_numpy(dtype=np.float64)
    differences: dict[tuple[str, str], Interval] = {}
    for first, second in combinations(columns, 2):
        both = ~np.isnan(columns[first]) & ~np.isnan(columns[second]) & ~np.isnan(people)
        a, b = (np.where(both, columns[name], np.nan) for name in (first, second))
        apart = spearman(a, people, weight) - spearman(b, people, weight)
        differences[first, second] = plain_interval(apart, int(both.sum()))
    n_rated = int((~np.isnan(people)).sum())
    return Report(
        n_raters=len(raters),
        n_rated=n_rated,
        alphas=alphas(key, raters),
        reliability=plain_interval(reliability(scale, weight), n_rated),
        scores={name: agreement(column, scale, weight)[0] for name, column in columns.items()},
        differences=differences,
        explanations=table,
        preferences=preference_table(key, raters),
    )


def paper_value(score: str) -> float | None:
    """Return the paper's coefficient of a score, by the part of its name before the dot."""
    return PAPER.get(score.partition(".")[0])


def as_json(report: Report) -> dict[str, Any]:
    """Return a report's numbers, undefined ones as None."""

    def defined(value: Any) -> Any:
        if is_dict(value):
            return {name: defined(one) for name, one in value.items()}
        return None if isinstance(value, float) and value != value else value

    return defined(
        {
            "raters": report.n_raters,
            "explanations_rated": report.n_rated,
            "krippendorff_alpha": {task: {"alpha": a, "questions": n} for task, (a, n) in report.alphas.items()},
            "reliability_of_mean": asdict(report.reliability),
            "spearman_with_people": {
                name: asdict(one) | {"paper": paper_value(name)} for name, one in report.scores.items()
            },
            "differences": {f"{a} - {b}": asdict(one) for (a, b), one in report.differences.items()},
            "preferences": {row["explainer"]: dict(row) for row in report.preferences.to_dict("records")},
        }
    )


def tables(report: Report) -> "list[Table]":
    """Return the tables for a terminal; those that would be empty are left out."""
    from rich.markup import escape
    from rich.table import Table

    from inspect_autointerp.text.render import visible

    def table(title: str, *heads: str) -> Table:
        made = Table(title=title, title_justify="left")
        for number, head in enumerate(heads):
            made.add_column(head, justify="right" if number else "left", overflow="fold")
        return made

    raters = table("Agreement of raters", "questions", "Krippendorff's alpha", "rated by two or more")
    for task, (alpha, n) in report.alphas.items():
        raters.add_row(task, _number(alpha), str(n))
    scores = table(
        "Spearman's coefficient with people's ratings",
        *("score", "with people", "95 %", "corrected", "95 %", "explanations", "paper"),
    )
    for name, one in sorted(report.scores.items(), key=lambda pair: -np.nan_to_num(pair[1].observed.value, nan=-2)):
        paper = paper_value(name)
        cells = [
            *_cells(one.observed),
            *_cells(one.corrected),
            str(one.observed.n),
            "" if paper is None else f"{paper:.2f}",
        ]
        scores.add_row(_score(name), *cells)
    pairs = table("Differences between coefficients", "score", "than", "difference", "95 %", "explanations")
    for (first, second), one in report.differences.items():
        pairs.add_row(_score(first), _score(second), *_cells(one), str(one.n))
    wins = table("Preferred explanations", "explainer", "share", "95 %", "latents", "comparisons")
    for row in report.preferences.itertuples(index=False):
        name, share, low, high, latents, n = row
        interval = f"{_number(low)} to {_number(high)}"
        wins.add_row(escape(visible(str(name))), _number(share), interval, str(latents), str(n))  # pyright: ignore
    return [one for one in (raters, scores, pairs, wins) if one.row_count]


def _score(name: str) -> str:
    """Return a score's name for a table, without its headline's."""
    from rich.markup import escape

    from inspect_autointerp.text.render import visible

    return "people's labels" if name == AS_GRADER else escape(visible(name.partition(".")[0]))


def _cells(one: Interval) -> list[str]:
    return [_number(one.value), "–" if one.low != one.low else f"{_number(one.low)} to {_number(one.high)}"]


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.2f}"
