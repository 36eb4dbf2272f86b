"""Views of graders' calibration: a row per evaluation, and the reliability curve of each."""

import json
from collections.abc import Sequence
from typing import Any

from inspect_autointerp.leaderboard.analyse.calibration import BINS, Bin, Calibration
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.tables import Row, estimate, number, rows_of
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.settings_words import SEPARATOR, setting_words, without_json

NOTE = (
    "Calibration: on activating and random contexts with a probability (of intruder, on all texts of a question). The"
    " Brier score is the mean squared difference between probability and truth, 0 at best; always saying the base rate"
    " gets the number in round brackets. The calibration error is the mean distance between probability and share over"
    " ten bins; with few contexts, chance alone makes it larger than 0. Half of the contexts are activating by design,"
    " so probabilities are measured against that rate, not against the natural one."
)


def calibration_views(results: Results, computed: Sequence[Calibration]) -> list[View]:
    """Return two views per score: the numbers of each evaluation, and the reliability curves.

    Args:
        results: The entries, with the names that are to be shown.
        computed: Their calibration.
    """
    views: list[View] = []
    for score in dict.fromkeys(str(results.entries.loc[one.entry, "score"]) for one in computed):
        members = [one for one in computed if results.entries.loc[one.entry, "score"] == score]
        names = _told_apart(results, members)
        head = ["explainer", "grader", "Brier", "calibration error", "contexts", "latents"]
        rows = [
            [*name, f"{estimate(one.brier, one.low, one.high)}\n({number(one.base)})", number(one.error),
             f"{one.contexts:,}", f"{one.latents:,}"]
            for name, one in zip(names, members, strict=True)
        ]  # fmt: skip
        views.append(View(f"Calibration · {visible(score)}", head, rows, text=2))
        used = [i for i in range(BINS) if any(one.bins[i].contexts for one in members)]
        edges = [f"{i / BINS:.1f}–{(i + 1) / BINS:.1f}" for i in used]
        curves = [[*name, *(_cell(one.bins[i]) for i in used)] for name, one in zip(names, members, strict=True)]
        title = f"Share of true labels by probability · {visible(score)}"
        views.append(View(title, ["explainer", "grader", *edges], curves, text=2))
    return views


def as_records(results: Results, computed: Sequence[Calibration]) -> list[dict[str, Any]]:
    """Return the numbers as records for JSON, undefined ones as None."""
    return [
        {
            **{name: str(results.entries.loc[one.entry, name]) for name in ("score", "explainer", "grader", "log")},
            "contexts": one.contexts,
            "latents": one.latents,
            "brier": one.brier,
            "brier_low": _plain(one.low),
            "brier_high": _plain(one.high),
            "brier_of_base_rate": one.base,
            "calibration_error": one.error,
            "bins": [
                {"contexts": bin.contexts, "probability": _plain(bin.probability), "share": _plain(bin.share)}
                for bin in one.bins
            ],
        }
        for one in computed
    ]


def _told_apart(results: Results, members: Sequence[Calibration]) -> list[list[str]]:
    """Return explainer and grader of each evaluation; those that share both also say in which settings they differ."""
    names = [_names(results, one) for one in members]
    entries = rows_of(results.entries)
    alike: dict[tuple[str, ...], list[int]] = {}
    for i, name in enumerate(names):
        alike.setdefault(tuple(name), []).append(i)
    for group in (group for group in alike.values() if len(group) > 1):
        rows = [entries[members[i].entry] for i in group]
        settings = [_settings(row) for row in rows]
        common = set(settings[0]).intersection(*settings[1:])
        differing = [SEPARATOR.join(word for word in words if word not in common) for words in settings]
        for i, row, words in zip(group, rows, differing, strict=True):
            repeated = differing.count(words) > 1  # then only the logs differ
            names[i][0] += (
                f"\n{visible(SEPARATOR.join(filter(None, [words, str(row['created']) if repeated else ''])))}"
            )
    return names


def _settings(row: Row) -> list[str]:
    """Return the settings in which two evaluations of one explainer and grader can differ, as words."""
    words = [f"{name} {row[name]}" for name in ("hookpoint", "store", "suite", "coder")]
    return [*words, *setting_words(json.loads(str(row["options"]) or "{}"))]


def _names(results: Results, one: Calibration) -> list[str]:
    row = results.entries.loc[one.entry]
    grader = visible(without_json(str(row["grader"])))
    return [visible(str(row["explainer"])), f"{grader}\n{visible(str(row['prompt']))}"]


def _cell(bin: Bin) -> str:
    return f"{number(bin.share, 2)}\nn = {bin.contexts:,}" if bin.contexts else "–"


def _plain(value: float) -> float | None:
    return None if value != value else value
