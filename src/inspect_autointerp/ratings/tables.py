"""Answers joined with the key: a row per explanation, per explanation and rater, and per pair of explanations."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inspect_autointerp.ratings.answers import Answers
from inspect_autointerp.ratings.draw import scores_of
from inspect_autointerp.ratings.key import Key
from inspect_autointerp.statistics.intervals import bootstrap_interval

if TYPE_CHECKING:
    import pandas as pd


def ratings_by_rater(key: Key, raters: Sequence[Answers]) -> np.ndarray:
    """Return the mean rating that each rater gave each explanation, 1 to 4.

    Returns:
        float64 (explanation, rater); NaN unless the rater rated every context of it, for a mean over other contexts
        than the next rater's would not compare.
    """
    values = np.full((len(key.explained), len(raters)), np.nan)
    for name, item in key.items.items():
        if item.task == "scale" and item.check is None:
            for j, one in enumerate(raters):
                given = [one.values.get((name, part)) for part in range(item.questions)]
                known = [value for value in given if value is not None]
                if len(known) == item.questions:
                    values[item.which[0], j] = float(np.mean(known))
    return values


def labels_by_rater(key: Key, raters: Sequence[Answers]) -> np.ndarray:
    """Return the balanced accuracy of each rater's labels for each explanation.

    Returns:
        float64 (explanation, rater): the mean of the shares of right labels on activating and on silent texts; NaN
        where the rater left a text out.
    """
    values = np.full((len(key.explained), len(raters)), np.nan)
    for name, item in key.items.items():
        if item.task == "detection" and item.check is None:
            truths = np.array(item.truths, dtype=np.float64)
            for j, one in enumerate(raters):
                given = [one.values.get((name, part)) for part in range(item.questions)]
                if None not in given:
                    right = np.array(given, dtype=np.float64) == truths
                    values[item.which[0], j] = (right[truths == 1].mean() + right[truths == 0].mean()) / 2
    return values


def explanation_table(key: Key, raters: Sequence[Answers]) -> "pd.DataFrame":
    """Return a row per explanation: what people said of it beside its scores.

    Columns: `latent`, `explainer`, `explanation`, `density`, `rating` (mean over raters, 1 to 4), `raters`,
    `balanced_accuracy` (of people as graders, mean over raters), `graders`, then a column per score.
    """
    import pandas as pd

    from inspect_autointerp.ratings.correlations import mean_rating

    scale, labels = ratings_by_rater(key, raters), labels_by_rater(key, raters)
    columns = {
        "latent": [one.latent for one in key.explained],
        "explainer": [" | ".join(one.explainers) for one in key.explained],
        "explanation": [one.text for one in key.explained],
        "density": key.density,
        "rating": mean_rating(scale),
        "raters": (~np.isnan(scale)).sum(axis=1),
        "balanced_accuracy": mean_rating(labels),
        "graders": (~np.isnan(labels)).sum(axis=1),
    }
    scores = {name: [one.scores.get(name, math.nan) for one in key.explained] for name in scores_of(key.explained)}
    return pd.DataFrame(columns | scores)


def grader_table(key: Key, raters: Sequence[Answers]) -> "pd.DataFrame":
    """Return people as graders: a row per explanation and rater, with the columns that a grader's log has.

    Columns: `latent`, `explainer`, `explanation`, `grader` (`person:RATER`), `score`, `balanced_accuracy`.
    """
    import pandas as pd

    labels = labels_by_rater(key, raters)
    rows = [
        (one.latent, " | ".join(one.explainers), one.text, f"person:{rater.rater}", "detection", labels[i, j])
        for i, one in enumerate(key.explained)
        for j, rater in enumerate(raters)
        if not math.isnan(labels[i, j])
    ]
    columns = ["latent", "explainer", "explanation", "grader", "score", "balanced_accuracy"]
    return pd.DataFrame(rows, columns=columns)


def preference_table(key: Key, raters: Sequence[Answers]) -> "pd.DataFrame":
    """Return how often each explainer's explanation was preferred, a tie counting half.

    Columns: `explainer`, `share` with `low` and `high` (95 %, over latents), `latents`, `comparisons`. Where two
    explainers share an explanation, both get its comparisons with others.
    """
    import pandas as pd

    wins: dict[str, dict[str, list[float]]] = {}
    for name, item in key.items.items():
        if item.task != "preference":
            continue
        first, second = (key.explained[number] for number in item.which)
        for one in raters:
            value = one.values.get((name, 0))
            if value is None:
                continue
            share = {0: 0.5, 1: 1.0, 2: 0.0}[value]
            for explained, won in ((first, share), (second, 1 - share)):
                for explainer in explained.explainers:
                    wins.setdefault(explainer, {}).setdefault(explained.latent, []).append(won)
    rows: list[tuple[Any, ...]] = []
    for explainer, by_latent in wins.items():
        means = [float(np.mean(values)) for values in by_latent.values()]
        n = sum(map(len, by_latent.values()))
        rows.append((explainer, float(np.mean(means)), *bootstrap_interval(means), len(means), n))
    table = pd.DataFrame(rows, columns=["explainer", "share", "low", "high", "latents", "comparisons"])
    return table.sort_values("share", ascending=False, ignore_index=True, kind="stable")
