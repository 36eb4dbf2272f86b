"""Views of people's ratings: their own numbers by explainer, and how far each score agrees with them."""

from collections.abc import Mapping, Sequence

from inspect_autointerp.leaderboard.analyse.people import PeopleRow
from inspect_autointerp.leaderboard.load.people import People
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.tables import estimate, known, rows_of
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.ratings.correlations import Interval, ScoreAgreement
from inspect_autointerp.ratings.report import paper_value
from inspect_autointerp.text.plural import plural
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.settings_words import without_json

NOTE = (
    "People: their labels of the texts are graded like a grader's; ratings are from 1 to 4. with people: Spearman's"
    " coefficient of a score with the mean rating; corrected: divided by the square root of the raters' reliability."
    " Paper: arXiv 2410.13928, §4.1."
)


def people_views(
    results: Results, people: People, rows: Sequence[PeopleRow], agreements: Mapping[int, ScoreAgreement]
) -> list[View]:
    """Return a row per explainer by people, and a row per score with its agreement; empty views are left out."""
    return [view for view in (_explainers(people, rows), _scores(results, agreements)) if view.rows]


def _explainers(people: People, rows: Sequence[PeopleRow]) -> View:
    n = len(people.raters)
    latents = len({one.latent for one in people.key.explained})
    contexts = sum(row.contexts for row in rows)
    title = (
        f"People, no model · {plural(n, 'rater')} · {plural(latents, 'latent')} ·"
        f" {plural(contexts, 'context')} labelled"
        f" · store {visible(people.key.store)}"
    )
    cells = [
        [
            visible(row.explainer),
            estimate(*row.balanced_accuracy[:3]),
            f"{row.balanced_accuracy.n:,}",
            f"{row.contexts:,}",
            estimate(*row.rating[:3]),
            f"{row.rating.n:,}",
        ]
        for row in rows
    ]
    head = ["explainer", "balanced accuracy of people", "latents labelled", "contexts", "rating, 1 to 4"]
    rule = next((number for number, row in enumerate(rows) if row.floor), None)
    return View(title, [*head, "latents rated"], cells, [row.floor for row in rows], rule)


def _scores(results: Results, agreements: Mapping[int, ScoreAgreement]) -> View:
    entries = {row["series"]: row for row in reversed(rows_of(results.entries).values())}
    rows: list[list[str]] = []
    for series, one in agreements.items():
        if one.observed.n < 2:
            continue
        entry = entries[series]
        paper = paper_value(entry["score"])
        rows.append(
            [
                visible(entry["score"]),
                visible(without_json(entry["grader"])),
                _interval(one.observed),
                _interval(one.corrected),
                f"{one.observed.n:,}",
                "" if paper is None else f"{paper:.2f}",
            ]
        )
    head = ["score", "graded by", "with people", "corrected", "explanations", "paper"]
    return View("Scores against people's ratings", head, rows, text=2)


def _interval(one: Interval) -> str:
    if not known(one.value):
        return "–"
    return f"{one.value:.2f}" + (f"\n[{one.low:.2f}, {one.high:.2f}]" if known(one.low) else "")
