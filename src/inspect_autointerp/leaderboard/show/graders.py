"""Views of graders: each one's numbers, and how far each two agree."""

from collections.abc import Sequence
from typing import Any

from inspect_autointerp.leaderboard.analyse.graders import AGGREGATE, Comparison, Pair
from inspect_autointerp.leaderboard.load.judgements import PEOPLE
from inspect_autointerp.leaderboard.show.tables import estimate, number, share
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.text.plural import plural
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.settings_words import without_json

NOTE = (
    "Graders: on the contexts that two or more of them judged by the same explanation. Misses and false alarms are by"
    " Dawid and Skene's model, against what the graders have in common, and take three graders; graders that share an"
    " error look right in it. Agreement is Krippendorff's alpha, with the share of equal labels in brackets. Intervals"
    " are over latents."
)


def graders(comparisons: Sequence[Comparison]) -> list[View]:
    """Return two views per group: a row per grader, and the matrix of their agreement."""
    return [view for one in comparisons for view in (_rows(one), _matrix(one))]


def as_records(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return the numbers as records for JSON, undefined ones as None."""
    return [
        {
            "score": one.group.score,
            "store": one.group.store,
            "concepts": one.group.concepts,
            "alpha": _plain(one.alpha._asdict()),
            "graders": [
                _plain(
                    {
                        "grader": row.name,
                        "contexts": row.contexts,
                        "latents": row.latents,
                        "unscored": row.unscored,
                        "balanced_accuracy": _plain(row.balanced_accuracy._asdict()),
                        "misses": _plain(row.misses._asdict()),
                        "false_alarms": _plain(row.false_alarms._asdict()),
                    }
                )
                for row in one.rows
            ],
            "pairs": [
                _plain(
                    {
                        "first": pair.first,
                        "second": pair.second,
                        "contexts": pair.contexts,
                        "alpha": _plain(pair.alpha._asdict()),
                        "same": pair.same,
                    }
                )
                for pair in one.pairs
            ],
        }
        for one in comparisons
    ]


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and value != value else value for key, value in record.items()}


def _rows(one: Comparison) -> View:
    rated = any(row.misses.mean == row.misses.mean for row in one.rows)
    rows: list[list[str]] = []
    for row in one.rows:
        rates = [estimate(*rate[:3]) for rate in (row.misses, row.false_alarms)]
        accuracy = estimate(*row.balanced_accuracy[:3])
        rows.append(
            [
                _name(row.name),
                accuracy,
                *(rates if rated else []),
                share(row.unscored),
                f"{row.contexts:,}",
                f"{row.latents:,}",
            ]
        )
    head = ["grader", "balanced accuracy", *(["misses", "false alarms"] if rated else [])]
    first_people = next((i for i, row in enumerate(one.rows) if row.name.startswith(PEOPLE)), None)
    last = next((i for i, row in enumerate(one.rows) if row.name == AGGREGATE), None)
    rule = first_people if first_people is not None else last
    alpha = estimate(*one.alpha[:3]).replace("\n", " ")
    title = f"{_title(one)} · Krippendorff's alpha {alpha} on {plural(one.alpha.n, 'context')}"
    return View(title, [*head, "unscored", "contexts", "latents"], rows, rule=rule)


def _matrix(one: Comparison) -> View:
    names = [row.name for row in one.rows if row.name != AGGREGATE]
    cells = {frozenset((pair.first, pair.second)): _cell(pair) for pair in one.pairs}
    rows = [
        [
            f"{i} · {_name(name)}",
            *("" if other == name else cells.get(frozenset((name, other)), "–") for other in names),
        ]
        for i, name in enumerate(names, 1)
    ]
    head = ["alpha (same labels)", *(str(i) for i in range(1, len(names) + 1))]
    return View(f"Agreement of {_title(one)[0].lower()}{_title(one)[1:]}", head, rows)


def _cell(pair: Pair) -> str:
    return f"{number(pair.alpha.mean, 2)} ({share(pair.same)})\n{_interval(pair)}"


def _interval(pair: Pair) -> str:
    low, high = pair.alpha.low, pair.alpha.high
    interval = f"[{low:.2f}, {high:.2f}] " if low == low else ""
    return f"{interval}n = {pair.contexts:,}"


def _name(name: str) -> str:
    return visible(without_json(name))


def _title(one: Comparison) -> str:
    threshold = f" · threshold {one.group.threshold}" if one.group.threshold else ""
    concepts = " · concept by concept" if one.group.concepts else ""
    return f"Graders · {visible(one.group.score)}{threshold}{concepts} · store {visible(one.group.store)}"
