"""Checks that an entry agrees with itself, with its suite's definition, and with its logs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from math import nan
from pathlib import Path
from typing import Any

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.load.header import Estimate
from inspect_autointerp.leaderboard.submit.recompute import Recomputed, estimate_of, same
from inspect_autointerp.leaderboard.submit.submission import Row, Submission, log_of, rows_of
from inspect_autointerp.store.store import Store
from inspect_autointerp.suites.sample_latents import drawn_latents
from inspect_autointerp.suites.store_location import suite_folder
from inspect_autointerp.suites.suite import Suite
from inspect_autointerp.text.json_values import is_dict, is_list

_FIXED = {
    "activating": "test_activating",
    "nonactivating": "test_nonactivating",
    **{name: name for name in ("texts_per_call", "confidence", "seed", "window", "min_contexts")},
}
"""Options of scorers, and what suites call them."""


def own_differences(entry: Submission) -> Iterator[str]:
    """Yield where an entry's statistics are not those of its values."""
    logs = {log.sha256 for log in entry.logs}
    seen: set[tuple[str, str]] = set()
    for row in entry.rows:
        where = _where(row)
        if row.log not in logs:
            yield f"{where}: of a log that the entry does not list, {row.log[:16]}"
        if (row.log, row.score) in seen:
            yield f"{where}: there twice"
        seen.add((row.log, row.score))
        for name, statistic in row.statistics.items():
            if len(statistic.values) != len(entry.latents):
                yield f"{where}: {len(statistic.values)} values of {name} for {len(entry.latents)} latents"
                continue
            recomputed = estimate_of([nan if value is None else value for value in statistic.values])
            for part in Estimate._fields:
                stated = getattr(statistic, part)
                if not same(nan if stated is None else stated, getattr(recomputed, part)):
                    value = getattr(recomputed, part)
                    yield f"{where}: {part} of {name} is {stated}, but its values give {value:.6g}"
    if rowless := logs - {row.log for row in entry.rows}:
        yield f"no row of log {', '.join(sorted(log[:16] for log in rowless))}"


def suite_differences(entry: Submission, suite: Suite) -> Iterator[str]:
    """Yield where an entry differs from its suite's definition; latents are checked if the store is at hand."""
    evaluation = suite.evaluation
    stated = entry.suite.get("sha256")
    if stated != suite.definition:
        here = suite.definition[:12]
        yield f"suite {suite.name}: the entry is of definition {str(stated)[:12]}, and it is {here} here"
        return
    for log in entry.logs:
        scores = {row.score for row in entry.rows if row.log == log.sha256}
        if missing := [score for score in evaluation.scores if score not in scores]:
            yield f"{log.name}: without the suite's {', '.join(missing)}"
    for row in entry.rows:
        where, store = _where(row), row.setting.store.partition("/")[0]
        if isinstance(suite.digest, str) and store != suite.digest:
            yield f"{where}: over store {store}, and that of suite {suite.name} is {suite.digest}"
        wanted = {"suite": suite.label, "grader": suite.grader_name, "hookpoint": evaluation.hookpoint}
        for name, value in (wanted | {"score": row.score}).items():
            if (own := getattr(row.setting, name)) != value:
                yield f"{where}: {name} is {own}, the suite's is {value}"
        for option, fixed in _options(row).items():
            if option in _FIXED and fixed != getattr(evaluation, _FIXED[option]):
                yield f"{where}: option {option} is {fixed}, the suite's is {getattr(evaluation, _FIXED[option])}"
    yield from _draw_differences(entry, suite)


def _draw_differences(entry: Submission, suite: Suite) -> Iterator[str]:
    folder = suite_folder(suite)
    if suite.frozen:
        try:
            folder = Path(locate(suite.frozen))
        except UserError:  # out of reach: nothing to draw from
            return
    if not folder.is_dir():
        return
    store = Store.open(str(folder), suite.evaluation.window)
    if any(row.setting.store != store.digest for row in entry.rows):
        return
    hookpoint = suite.evaluation.hookpoint
    if sorted(f"{hookpoint}/{index}" for index in drawn_latents(store, suite.evaluation).latents) != entry.latents:
        yield "its latents are not those that the suite draws from this store"


def log_differences(entry: Submission, log: Recomputed) -> Iterator[str]:
    """Yield where an entry differs from one of its logs, whose numbers were computed again."""
    path = log.path
    listed = next((listed for listed in entry.logs if listed.sha256 == log.sha256), None)
    if listed is None:
        yield f"{path}: its sha256, {log.sha256[:16]}…, is that of no log of the entry"
        return
    if log.suite != entry.suite:
        yield from _unlike(log.suite, entry.suite, f"{path}: suite")
    if list(log.latents) != entry.latents:
        yield f"{path}: other latents than the entry's"
    yield from _unlike(asdict(log_of(log)) | {"name": listed.name}, asdict(listed), path)  # pyright: ignore[reportArgumentType]
    rows = {row.score: row for row in entry.rows if row.log == log.sha256}
    for row in rows_of(log):
        if row.score in rows:
            yield from _unlike(asdict(row), asdict(rows.pop(row.score)), f"{path}: {row.score}")  # pyright: ignore[reportArgumentType]
        else:
            yield f"{path}: {row.score}: in the log, and not in the entry"
    for score in rows:
        yield f"{path}: {score}: in the entry, and not in the log"


def _unlike(log: Any, entry: Any, where: str) -> Iterator[str]:
    """Yield where two nested records differ, number by number."""
    if is_dict(log) and is_dict(entry):
        for key in sorted(log.keys() | entry.keys()):
            yield from _unlike(log.get(key), entry.get(key), f"{where} {key}")
    elif is_list(log) and is_list(entry) and len(log) == len(entry):
        for number, (one, other) in enumerate(zip(log, entry, strict=True)):
            yield from _unlike(one, other, f"{where}[{number}]")
    elif isinstance(log, int | float) and isinstance(entry, int | float) and same(log, entry):
        return
    elif log != entry:
        yield f"{where} is {_short(entry)} in the entry, and {_short(log)} in the log"


def _options(row: Row) -> dict[str, Any]:
    try:
        options = json.loads(row.setting.options)
    except ValueError:
        return {}
    return options if is_dict(options) else {}


def _where(row: Row) -> str:
    return f"{row.score} of {row.explainer}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
