"""People's ratings beside the leaderboard's scores: their own numbers by explainer, and each score's agreement."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.analyse.correlations import correlation, midranks
from inspect_autointerp.leaderboard.load.people import People
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.ratings.correlations import ScoreAgreement, agreement, mean_rating, weights
from inspect_autointerp.ratings.tables import labels_by_rater, ratings_by_rater
from inspect_autointerp.statistics.estimates import Estimate
from inspect_autointerp.statistics.intervals import bootstrap_interval

Texts = Mapping[str, Mapping[str, str]]
"""By log, by latent, the explanation (`load.people.explanation_texts`)."""


@dataclass(frozen=True, kw_only=True)
class PeopleRow:
    """People's verdict on one explainer."""

    explainer: str
    floor: bool
    balanced_accuracy: Estimate
    """Balanced accuracy of people's labels: the mean over raters, then over latents."""
    rating: Estimate
    """Rating on the scale, 1 to 4, likewise."""
    contexts: int
    """Texts that anybody labelled."""


def with_people(results: Results, people: People, texts: Texts) -> pd.DataFrame:
    """Compute how each entry's values rank latents like people's ratings of its explanations.

    Returns:
        A row per entry (index): `people`, `people_low`, `people_high` (Spearman's coefficient over latents, with its
        95 % interval) and `people_n`, the latents that have both.
    """
    ratings = mean_rating(ratings_by_rater(people.key, people.raters))
    by_text = _by_text(people)
    rows: list[tuple[float, ...]] = []
    for entry, row in results.entries.iterrows():
        own: Mapping[str, str] = texts.get(str(row["log"]), {}) if row["store"] == people.key.store else {}
        place = results.rows(int(str(entry)))
        ids = results.latents["id"].loc[results.values["latent"].iloc[place]]
        values = results.values["value"].to_numpy()[place]
        numbers = [by_text.get((latent, own.get(latent, "\0"))) for latent in ids]
        rated = np.array([np.nan if number is None else ratings[number] for number in numbers])
        both = np.array([values, rated], dtype=np.float64)
        both = both[:, ~np.isnan(both).any(axis=0)]
        rows.append((*correlation(*midranks(both)), both.shape[1]))
    columns = ["people", "people_low", "people_high", "people_n"]
    return pd.DataFrame(rows, columns=columns, index=results.entries.index)


def people_rows(results: Results, people: People, texts: Texts) -> list[PeopleRow]:
    """Return a row per explainer of which people judged an explanation, the best by their labels first."""
    labels = mean_rating(labels_by_rater(people.key, people.raters))
    ratings = mean_rating(ratings_by_rater(people.key, people.raters))
    by_text, counts = _by_text(people), _labelled(people)
    explained: dict[str, dict[str, int]] = {}
    floors: dict[str, bool] = {}
    for row in results.entries.to_dict("records"):
        for latent, text in texts.get(str(row["log"]), {}).items():
            if (number := by_text.get((latent, text))) is not None:
                explained.setdefault(row["explainer"], {})[latent] = number
                floors[row["explainer"]] = bool(row["floor"])
    made: list[PeopleRow] = []
    for explainer, numbers in explained.items():
        places = list(numbers.values())
        made.append(
            PeopleRow(
                explainer=explainer,
                floor=floors[explainer],
                balanced_accuracy=_mean(labels[places]),
                rating=_mean(ratings[places]),
                contexts=sum(counts.get(place, 0) for place in places),
            )
        )
    return sorted(made, key=lambda row: (row.floor, -np.nan_to_num(row.balanced_accuracy.mean, nan=-1), row.explainer))


def score_agreement(results: Results, people: People, texts: Texts, seed: int = 0) -> dict[int, ScoreAgreement]:
    """Compute each score's agreement with people's ratings, over all explanations that have both.

    Args:
        results: The entries.
        people: The answers.
        texts: The explanations.
        seed: Of the bootstrap over latents.

    Returns:
        By series of entries, `ratings.correlations.agreement`. Where several explainers gave one explanation, its
        score is their mean.
    """
    by_text = _by_text(people)
    raters = ratings_by_rater(people.key, people.raters)
    weight = weights([one.latent for one in people.key.explained], seed)
    made: dict[int, ScoreAgreement] = {}
    for series, entries in results.entries[results.entries["store"] == people.key.store].groupby("series", sort=False):
        values: dict[int, list[float]] = {}
        for entry, row in entries.iterrows():
            own, place = texts.get(str(row["log"]), {}), results.rows(int(str(entry)))
            ids = results.latents["id"].loc[results.values["latent"].iloc[place]]
            for latent, value in zip(ids, results.values["value"].to_numpy()[place], strict=True):
                number = by_text.get((latent, own.get(latent, "\0")))
                if number is not None and not np.isnan(value):
                    values.setdefault(number, []).append(float(value))
        score = np.full(len(people.key.explained), np.nan)
        for number, several in values.items():
            score[number] = np.mean(several)
        made[int(str(series))] = agreement(score, raters, weight)[0]
    return made


def _by_text(people: People) -> dict[tuple[str, str], int]:
    return {(one.latent, one.text): number for number, one in enumerate(people.key.explained)}


def _labelled(people: People) -> dict[int, int]:
    """Return by explanation how many of its texts anybody labelled."""
    answered = {place for rater in people.raters for place in rater.values}
    counts: dict[int, int] = {}
    for name, item in people.key.items.items():
        if item.task == "detection" and item.check is None:
            n = sum((name, part) in answered for part in range(item.questions))
            counts[item.which[0]] = counts.get(item.which[0], 0) + n
    return counts


def _mean(values: np.ndarray) -> Estimate:
    known: list[float] = values[~np.isnan(values)].tolist()
    return Estimate(float(np.mean(known)) if known else float("nan"), *bootstrap_interval(known), n=len(known))
