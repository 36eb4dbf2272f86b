"""A folder of logs as `Results`."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from inspect_autointerp.inspect_support.explanation import share_identical
from inspect_autointerp.leaderboard.load.comparable import Comparison, compare
from inspect_autointerp.leaderboard.load.log_entry import RANDOM_CODER, Entry, read_entries
from inspect_autointerp.leaderboard.load.merge_shards import merged, values_of
from inspect_autointerp.leaderboard.load.sample_rows import COSTS, FACTS, LENGTHS
from inspect_autointerp.leaderboard.load.setting import Setting
from inspect_autointerp.leaderboard.results import COST_COLUMNS, ENTRY_COLUMNS, VALUE_COLUMNS, Results, band


def read_results(folder: str, *, alone: bool = False) -> Results:
    """Read every log of this project below a folder: its header, one sample, and the summaries of all samples.

    Args:
        folder: Folder or URL of logs.
        alone: Whether an entry that compares with no other has a table of its own, see `compare`.

    Raises:
        UserError: There is no such folder, or none of its logs is of this project.
    """
    return results_of(*compare(merged(read_entries(folder)), alone=alone))


def results_of(tables: Sequence[Comparison], apart: Sequence[tuple[Entry, str]]) -> Results:
    """The results of entries that were compared; those whose samples cannot be read are set apart.

    The values of one log are held at a time, beside those that the results are made of.
    """
    rows = [(table.setting, entry) for table in tables for entry in table.entries]
    latents = _latents(rows)
    values = _Values(rows, latents)
    of_log: dict[str, list[int]] = {}
    for number, (_, entry) in enumerate(rows):
        of_log.setdefault(entry.path, []).append(number)
    problems: dict[str, str] = {}
    for path, numbers in of_log.items():
        try:
            values.add(numbers, _frame([rows[number][1] for number in numbers]))
        except Exception as error:  # a log cut short can fail in any layer: it is listed, not fatal
            problems[path] = f"unreadable samples ({type(error).__name__})"
    if problems:
        kept = [Comparison(t.setting, [entry for entry in t.entries if entry.path not in problems]) for t in tables]
        listed = [(entry, problems[entry.path]) for _, entry in rows if entry.path in problems]
        return results_of([table for table in kept if table.entries], [*apart, *listed])
    return Results(
        entries=_entries(rows, values),
        values=values.frame(),
        latents=_with_facts(latents, values.facts),
        estimates=_estimates(rows),
        apart=pd.DataFrame(
            [(entry.name, entry.path, reason) for entry, reason in apart], columns=["explainer", "log", "reason"]
        ),
        shards={entry.path: entry.logs for _, entry in rows if entry.logs},
    )


def _frame(entries: Sequence[Entry]) -> pd.DataFrame:
    """Read what the entries of a log want of it, by latent."""
    wanted = re.compile("|".join(["explanation", *_SHARED, *(_columns_of(entry) for entry in entries)]))
    logs = list(dict.fromkeys(log for entry in entries for log in entry.logs)) or [entries[0].path]
    return values_of(logs, lambda name: bool(wanted.fullmatch(name))).set_index("id")


def _columns_of(entry: Entry) -> str:
    return rf"{re.escape(entry.scorer)}/({re.escape(entry.statistic)}|unscored|\w+_decile_\d+)"


_SHARED = (*FACTS, *COSTS, *LENGTHS)
Rows = list[tuple[Setting, Entry]]


class _Values:
    """Values of the latents of all logs, which are added one by one."""

    def __init__(self, rows: Rows, latents: pd.DataFrame) -> None:
        counts = [len(entry.latents) for _, entry in rows]
        self.rows = rows
        self.ends = np.cumsum([0, *counts])
        self.columns = {name: np.full(self.ends[-1], np.nan, dtype=np.float32) for name in VALUE_COLUMNS}
        self.places = np.empty(self.ends[-1], dtype=np.int32)
        self.facts = np.full((len(latents), len(FACTS)), np.nan)
        """float64 (latent, fact)"""
        self.identical: dict[str, float] = {}
        """By log, the share of explanations that another latent has, too."""
        self.means: dict[int, dict[str, float]] = {}
        """By entry, what an explanation cost and how long it is: means over the latents that say it."""
        self._of_store = {store: part["id"] for store, part in latents.groupby("store", observed=True)}
        self._of_entry: dict[tuple[str, tuple[str, ...]], pd.Series] = {}

    def add(self, numbers: Sequence[int], frame: pd.DataFrame) -> None:
        """Add a log.

        Args:
            numbers: Its entries.
            frame: Its values by latent.
        """
        path = self.rows[numbers[0]][1].path
        self.identical[path] = share_identical(frame["explanation"].dropna().tolist())
        for key, of_key in groupby(numbers, key=self._key):  # the same for all scores of a log, and for most logs
            ids = self._latents_of(key)
            at = frame.index.get_indexer(pd.Index(ids))
            facts = _taken(frame, list(FACTS), at)
            self.facts[ids.index] = np.where(np.isnan(known := self.facts[ids.index]), facts, known)
            shared = [name for name in (*COSTS, *LENGTHS) if name in frame]
            means = {name: float(pd.Series(_taken(frame, [name], at)[:, 0]).mean()) for name in shared}
            named = [*zip(COST_COLUMNS, COSTS, strict=True), *((name, name) for name in LENGTHS)]
            for number in of_key:
                self.means[number] = {column: means.get(name, float("nan")) for column, name in named}
                self._place(number, frame, ids, at)

    def _place(self, number: int, frame: pd.DataFrame, ids: pd.Series, at: np.ndarray) -> None:
        rows = slice(self.ends[number], self.ends[number + 1])
        self.places[rows] = ids.index
        for name, column in _named(self.rows[number][1], frame).items():
            self.columns[name][rows] = _taken(frame, [column], at)[:, 0]
        unscored = self.columns["unscored"][rows]
        missing = np.isnan(unscored)
        unscored[missing] = np.isnan(self.columns["value"][rows][missing])  # no score at all, or one that does not say

    def frame(self) -> pd.DataFrame:
        """Return `Results.values`."""
        entry = np.repeat(np.arange(len(self.rows), dtype=np.int32), np.diff(self.ends))
        return pd.DataFrame({"entry": entry, "latent": self.places, **self.columns}, copy=False)

    def _key(self, number: int) -> tuple[str, tuple[str, ...]]:
        setting, entry = self.rows[number]
        return setting.store, entry.latents

    def _latents_of(self, key: tuple[str, tuple[str, ...]]) -> pd.Series:
        if key not in self._of_entry:
            store, latents = key
            ids = self._of_store[store]
            self._of_entry[key] = ids[ids.isin(list(latents))]
        return self._of_entry[key]


def _taken(frame: pd.DataFrame, columns: list[str], at: np.ndarray) -> np.ndarray:
    """Return rows of columns, (row, column); NaN where `at` is -1."""
    taken = np.full((len(at), len(columns)), np.nan)
    for i, column in enumerate(columns):
        taken[:, i] = frame[column].to_numpy()[at]
    taken[at < 0] = np.nan
    return taken


def _entries(rows: Rows, values: _Values) -> pd.DataFrame:
    tables: dict[Setting, int] = {}
    series: dict[Setting, int] = {}
    records: list[dict[str, Any]] = []
    for number, (setting, entry) in enumerate(rows):
        table = tables.setdefault(setting, len(tables) + 1)
        shared = replace(setting, hookpoint="", latents="")  # what tables of one series may differ in
        records.append(
            {
                "table": table,
                "series": series.setdefault(shared, len(series) + 1),
                "explainer": entry.name,
                "floor": entry.floor or entry.coder.startswith(RANDOM_CODER),
                "trained": entry.trained,
                "score": setting.score,
                "statistic": entry.statistic,
                "hookpoint": setting.hookpoint,
                "store": setting.store,
                "suite": setting.suite,
                "subject": entry.subject,
                "coder": entry.coder,
                "grader": setting.grader,
                "prompt": setting.prompt,
                "options": setting.options,
                "n_latents": entry.n_latents,
                "identical": values.identical[entry.path],
                "tokens_per_latent": entry.tokens_per_latent,
                "cost_per_latent": entry.cost_per_latent,
                "created": entry.created,
                "log": entry.path,
                "scorer": entry.scorer,
                **values.means[number],
            }
        )
    return (
        pd.DataFrame(records, columns=list(ENTRY_COLUMNS)).astype({"floor": bool, "trained": bool}).rename_axis("entry")
    )


def _latents(rows: Rows) -> pd.DataFrame:
    """The latents of all entries, in the order of `Results.latents`, without their facts."""
    parts: list[tuple[str, str, int, str]] = []
    for store, of_store in groupby(sorted(rows, key=lambda row: row[0].store), key=lambda row: row[0].store):
        sets = dict.fromkeys(entry.latents for _, entry in of_store)
        for id in dict.fromkeys(id for latents in sets for id in latents):
            hookpoint, _, index = id.rpartition("/")
            parts.append((store, hookpoint or id, int(index) if hookpoint and index.isdecimal() else -1, id))
    every = pd.DataFrame(sorted(parts), columns=["store", "hookpoint", "index", "id"]).rename_axis("latent")
    return every.astype({"store": "category", "hookpoint": "category", "index": "int64", "id": "str"})


def _with_facts(latents: pd.DataFrame, facts: np.ndarray) -> pd.DataFrame:
    every = latents.assign(**dict(zip(FACTS, facts.T, strict=True)))
    every["band"] = band(every["firing_share"])
    return every[["store", "id", "hookpoint", "index", *FACTS, "band"]]


def _named(entry: Entry, values: pd.DataFrame) -> dict[str, str]:
    """A log's columns of an entry, by the names that they have in `Results`."""
    named: dict[str, str] = {}
    for column in map(str, values):
        if column.startswith(f"{entry.scorer}/"):
            statistic = column.removeprefix(f"{entry.scorer}/")
            decile = re.search(r"_decile_(\d+)$", statistic)
            name = f"decile_{decile[1]}" if decile else "value" if statistic == entry.statistic else statistic
            if name in VALUE_COLUMNS:
                named[name] = column
    return named


def _estimates(rows: Rows) -> pd.DataFrame:
    records = [
        (number, statistic, *estimate)
        for number, (_, entry) in enumerate(rows)
        for statistic, estimate in entry.scores.items()
    ]
    return pd.DataFrame(records, columns=["entry", "statistic", "mean", "low", "high", "n"])
