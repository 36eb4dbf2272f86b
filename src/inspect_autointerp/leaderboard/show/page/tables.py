"""The page's content for JSON: tables, entries, pairs, correlations, and values per latent."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.analyse.breakdown import breakdown
from inspect_autointerp.leaderboard.analyse.correlations import correlations
from inspect_autointerp.leaderboard.analyse.differences import differences
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.tables import columns
from inspect_autointerp.leaderboard.show.view import View, visible_lines
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.settings_words import setting_words, without_json

_TRAINED = " (trained on this score)"
_BINS = 40
_DIGITS = 4
_NUMBERS = (
    "n", "mean", "low", "high", "q25", "median", "q75", "unscored", "rank_low", "rank_high", "over_floor",
    "over_random",
)  # fmt: skip
"""Columns of `statistics.summary` that the page has of an entry."""


def page_content(results: Results, logs: dict[str, str], people: pd.DataFrame | None = None) -> dict[str, Any]:
    """Everything but the values per latent.

    Args:
        results: The entries.
        logs: How each log is called in the Inspect viewer; empty where the page does not include it.
        people: The entries' agreement with people (`analyse.people.with_people`), where people have rated.

    Returns:
        - `tables`: what all entries of a table have in common, their numbers, and the statistics shown of them.
        - `entries`: in order of their numbers.
        - `pairs`: by table, [first, second, n, difference, low, high, p_holm, verdict].
        - `correlations`: [store, explainer, first series, second series, n, spearman, low, high, pearson, low, high].
        - `apart`: [explainer, log, reason].
    """
    pairs = differences(results)
    listed = pairs[["first", "second", "n", "difference", "low", "high", "p_holm", "verdict"]]
    apart = results.apart.assign(log=[_name(log) for log in results.apart["log"]])
    return {
        "tables": [_table(results, number) for number in results.tables],
        "entries": _entries(results, pairs, logs, people),
        "pairs": {number: _rows(listed[pairs["table"] == number]) for number in results.tables},
        "correlations": _rows(correlations(results)),
        "apart": _rows(apart[["explainer", "log", "reason"]]),
    }


def extra_content(groups: Sequence[tuple[Sequence[View], str]]) -> list[dict[str, Any]]:
    """Return further tables: `title`, `head`, `rows` of texts, `text` (columns of text), `faint`, and a `note`."""
    return [
        {
            "title": visible(view.title),
            "head": [visible(name) for name in view.head],
            "rows": [["\n".join(visible_lines(cell)) for cell in row] for row in view.rows],
            "text": view.text,
            "faint": [view.is_faint(number) for number in range(len(view.rows))],
            "note": visible(note) if number == len(views) - 1 else "",
        }
        for views, note in groups
        for number, view in enumerate(views)
    ]


def latents_content(results: Results, with_card: list[int]) -> dict[str, Any]:
    """Columns over all latents: `id`, `hookpoint`, `firing_share`, `max_activation`, and which have a `card`."""
    frame = results.latents
    return {
        "id": [visible(str(id)) for id in frame["id"]],
        "hookpoint": [visible(str(name)) for name in frame["hookpoint"]],
        "firing_share": _plain(frame["firing_share"].to_numpy(dtype=float), digits=8),
        "max_activation": _plain(frame["max_activation"].to_numpy(dtype=float)),
        "card": np.isin(frame.index.to_numpy(), with_card).astype(int).tolist(),
    }


def values_content(results: Results, table: int) -> dict[str, Any]:
    """`latents`: their numbers; `values`: by entry of the table, a list over these latents."""
    values = results.matrix(table)
    return {
        "latents": results.latents_of(table).index.to_numpy().tolist(),
        "values": [_plain(column) for column in values.T],
    }


def _table(results: Results, number: int) -> dict[str, Any]:
    entries = results.of(number)
    first = entries.iloc[0]
    values = results.matrix(number).astype(float)
    common = ("score", "statistic", "hookpoint", "store", "suite", "prompt")
    return {
        "number": number,
        "series": int(first["series"]),
        **{name: visible(str(first[name])) for name in common},
        "grader": visible(without_json(str(first["grader"]))),
        "options": visible(" · ".join(setting_words(json.loads(first["options"]) or {}))),
        "entries": [int(entry) for entry in entries.index],
        "n_latents": len(values),
        "names": _names(results, entries, str(first["statistic"])),
        "bins": _plain(_edges(values)),
    }


def _names(results: Results, entries: pd.DataFrame, headline: str) -> dict[str, str]:
    """The statistics that a table shows, the headline first, and what they are called."""
    of_table = results.estimates[results.estimates["entry"].isin(entries.index)]
    shown = columns(of_table.pivot(index="entry", columns="statistic", values="mean"), headline)
    return {headline: headline.replace("_", " ")} | shown


def _entries(
    results: Results, pairs: pd.DataFrame, logs: dict[str, str], people: pd.DataFrame | None
) -> list[dict[str, Any]]:
    numbers, deciles = summary(results, pairs), _deciles(results)
    above = {int(str(entry)): bool(is_above) for entry, is_above in numbers["above_floor"].dropna().items()}
    statistics = {int(str(entry)): rows for entry, rows in results.estimates.groupby("entry")}
    records: list[dict[str, Any]] = []
    for table in results.tables:
        values = results.matrix(table).astype(float)
        edges = _edges(values)
        for i, (entry, row) in enumerate(results.of(table).iterrows()):
            entry = int(str(entry))
            estimates = statistics.get(entry)
            own = numbers.loc[entry]
            records.append(
                {
                    "explainer": visible(str(row["explainer"]))
                    + (" (trained on this score)" if row["trained"] else ""),
                    "floor": bool(row["floor"]),
                    "table": table,
                    "score": visible(str(row["score"])),
                    "created": visible(str(row["created"])),
                    "log": visible(_name(str(row["log"]))),
                    "view": logs.get(str(row["log"])),
                    "words": _number(row["words"]),
                    "tokens": _number(row["tokens_per_latent"]),
                    "cost": _number(row["cost_per_latent"], digits=8),
                    "explanation_tokens": _number(
                        row["explainer_tokens_per_explanation"] + row["grader_tokens_per_explanation"]
                    ),
                    **{name: _number(own[name]) for name in _NUMBERS},
                    "above_floor": above.get(entry),
                    "people": [
                        None if people is None else _number(people[name][entry])
                        for name in ("people", "people_low", "people_high")
                    ],
                    "deciles": deciles.get(entry, []),
                    "bins": np.histogram(values[:, i], edges)[0].tolist(),
                    "estimates": {} if estimates is None else _estimates(estimates),
                }
            )
    return records


def _edges(values: np.ndarray) -> np.ndarray:
    """Return the edges of bins that hold all values of a table; every bin has a width, even if all values are equal."""
    known = values[~np.isnan(values)]
    return np.histogram_bin_edges(known, _BINS) if len(known) else np.linspace(0, 1, _BINS + 1)


def _estimates(rows: pd.DataFrame) -> dict[str, list[float | None]]:
    """By statistic: mean, low, high; those by decile are `deciles` already."""
    kept = rows[~rows["statistic"].str.contains("_decile_")]
    numbers = zip(kept["mean"], kept["low"], kept["high"], strict=True)
    return {
        visible(str(name)): [_number(number) for number in row]
        for name, row in zip(kept["statistic"], numbers, strict=True)
    }


def _deciles(results: Results) -> dict[int, list[list[Any]]]:
    """By entry, rows of decile, mean, low, high."""
    rows = breakdown(results, "decile")
    return {int(str(entry)): _rows(part[["group", "mean", "low", "high"]]) for entry, part in rows.groupby("entry")}


def _rows(frame: pd.DataFrame) -> list[list[Any]]:
    """The rows of a frame as lists; a number that is undefined is None, and texts do nothing on a screen."""
    columns: list[list[Any]] = [
        _plain(column.to_numpy(dtype=float))
        if pd.api.types.is_float_dtype(column)
        else [visible(value) if isinstance(value, str) else value for value in column.tolist()]
        for _, column in frame.items()
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(values: np.ndarray, digits: int = _DIGITS) -> list[Any]:
    return [None if value != value else value for value in np.round(values.astype(float), digits).tolist()]


def _number(value: Any, digits: int = _DIGITS) -> float | None:
    return None if pd.isna(value) else round(float(value), digits)


def _name(log: str) -> str:
    return log.rsplit("/", 1)[-1]
