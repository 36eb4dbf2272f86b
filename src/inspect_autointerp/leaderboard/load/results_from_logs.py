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
    """The results of entries that were compared; those whose samples cannot be read are set apart."""
    frames: dict[str, pd.DataFrame] = {}
    problems: dict[str, str] = {}
    of_log: dict[str, list[Entry]] = {}
    for entry in (entry for table in tables for entry in table.entries):
        of_log.setdefault(entry.path, []).append(entry)
    for path, entries in of_log.items():
        shared = ("explanation", *FACTS, *COSTS, *LENGTHS)
        wanted = re.compile("|".join([*shared, *(_columns_of(entry) for entry in entries)]))
        try:
            logs = list(dict.fromkeys(log for entry in entries for log in entry.logs)) or [path]
            frames[path] = values_of(logs, lambda name, wanted=wanted: bool(wanted.fullmatch(name))).set_index("id")
        except Exception as error:  # a log cut short can fail in any layer: it is listed, not fatal
            problems[path] = f"unreadable samples ({type(error).__name__})"
    listed = [*apart, *((entry, problems[path]) for path in problems for entry in of_log[path])]
    kept = [(table.setting, [entry for entry in table.entries if entry.path in frames]) for table in tables]
    rows = [(setting, entry) for setting, entries in kept for entry in entries]
    latents = _latents(rows, frames)
    return Results(
        entries=_entries(rows, frames),
        values=_values(rows, frames, latents),
        latents=latents,
        estimates=_estimates(rows),
        apart=pd.DataFrame(
            [(entry.name, entry.path, reason) for entry, reason in listed], columns=["explainer", "log", "reason"]
        ),
        shards={entry.path: entry.logs for _, entry in rows if entry.logs},
    )


def _columns_of(entry: Entry) -> str:
    return rf"{re.escape(entry.scorer)}/({re.escape(entry.statistic)}|unscored|\w+_decile_\d+)"


_NO_LATENT = pd.DataFrame(columns=["id", *FACTS, "store"]).astype({"id": "str", **dict.fromkeys(FACTS, "f8")})
Rows = list[tuple[Setting, Entry]]


def _entries(rows: Rows, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    tables: dict[Setting, int] = {}
    series: dict[Setting, int] = {}
    records: list[dict[str, Any]] = []
    for setting, entry in rows:
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
                "identical": share_identical(frames[entry.path]["explanation"].dropna().tolist()),
                "tokens_per_latent": entry.tokens_per_latent,
                "cost_per_latent": entry.cost_per_latent,
                "created": entry.created,
                "log": entry.path,
                "scorer": entry.scorer,
                **_means(frames[entry.path].reindex(list(entry.latents))),
            }
        )
    return (
        pd.DataFrame(records, columns=list(ENTRY_COLUMNS)).astype({"floor": bool, "trained": bool}).rename_axis("entry")
    )


def _means(values: pd.DataFrame) -> dict[str, float]:
    """Return what an explanation cost and how long it is: means over the latents that say it, NaN where none does."""
    named = [*zip(COST_COLUMNS, COSTS, strict=True), *((name, name) for name in LENGTHS)]
    return {column: float(values[name].mean()) if name in values else float("nan") for column, name in named}


def _latents(rows: Rows, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    parts: list[pd.DataFrame] = []
    for store, of_store in groupby(sorted(rows, key=lambda row: row[0].store), key=lambda row: row[0].store):
        entries = [entry for _, entry in of_store]
        ids = pd.Index(list(dict.fromkeys(id for latents in {e.latents for e in entries} for id in latents)))
        facts = pd.DataFrame(np.nan, index=ids, columns=list(FACTS))
        for path in dict.fromkeys(entry.path for entry in entries):
            facts = facts.fillna(frames[path][list(FACTS)])
        parts.append(facts.rename_axis("id").reset_index().assign(store=store))
    every = pd.concat(parts, ignore_index=True) if parts else _NO_LATENT
    every["hookpoint"] = every["id"].str.replace(r"/[^/]*$", "", regex=True).astype("category")
    every["index"] = pd.to_numeric(every["id"].str.extract(r"/(\d+)$")[0]).fillna(-1).astype("int64")
    every["store"] = every["store"].astype("category")
    every["band"] = band(every["firing_share"])
    every = every[["store", "id", "hookpoint", "index", *FACTS, "band"]]
    return every.sort_values(["store", "hookpoint", "index", "id"], ignore_index=True).rename_axis("latent")


def _values(rows: Rows, frames: dict[str, pd.DataFrame], latents: pd.DataFrame) -> pd.DataFrame:
    counts = [len(entry.latents) for _, entry in rows]
    ends = np.cumsum([0, *counts])
    columns = {name: np.full(ends[-1], np.nan, dtype=np.float32) for name in VALUE_COLUMNS}
    places = np.empty(ends[-1], dtype=np.int32)
    of_store = {store: part["id"] for store, part in latents.groupby("store", observed=True)}
    for (setting, entry), start, end in zip(rows, ends[:-1], ends[1:], strict=True):
        ids = of_store[setting.store]
        ids = ids[ids.isin(entry.latents)]
        places[start:end] = ids.index
        values = frames[entry.path].reindex(ids)
        for name, column in _named(entry, values).items():
            columns[name][start:end] = column
        unscored = columns["unscored"][start:end]
        missing = np.isnan(unscored)
        unscored[missing] = np.isnan(columns["value"][start:end][missing])  # no score at all, or one that does not say
    entry = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
    return pd.DataFrame({"entry": entry, "latent": places, **columns}, copy=False)


def _named(entry: Entry, values: pd.DataFrame) -> dict[str, np.ndarray]:
    """A log's columns of an entry, by the names that they have in `Results`."""
    named: dict[str, np.ndarray] = {}
    for column in values:
        if str(column).startswith(f"{entry.scorer}/"):
            statistic = str(column).removeprefix(f"{entry.scorer}/")
            decile = re.search(r"_decile_(\d+)$", statistic)
            name = f"decile_{decile[1]}" if decile else "value" if statistic == entry.statistic else statistic
            if name in VALUE_COLUMNS:
                named[name] = values[column].to_numpy()
    return named


def _estimates(rows: Rows) -> pd.DataFrame:
    records = [
        (number, statistic, *estimate)
        for number, (_, entry) in enumerate(rows)
        for statistic, estimate in entry.scores.items()
    ]
    return pd.DataFrame(records, columns=["entry", "statistic", "mean", "low", "high", "n"])
