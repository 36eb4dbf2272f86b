"""The cards of a page: per latent one small file of explanations, contexts and verdicts, loaded when it is opened.

Logs are read one after another, and each adds its lines to the cards' files, so memory does not grow with their number.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai.log import read_eval_log, read_eval_log_sample
from inspect_ai.scorer import Score

from inspect_autointerp.card.tokens import as_html, read_coloured
from inspect_autointerp.leaderboard.load.samples import UNREAD
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.page.reports import Row, lines_of, read_rows
from inspect_autointerp.text.render import visible


def chosen_latents(results: Results, most: int) -> list[int]:
    """Which latents get a card: all in use, or as many as allowed, spread evenly over them."""
    used = np.unique(results.values["latent"].to_numpy())
    if len(used) > most:
        used = used[np.linspace(0, len(used) - 1, most).astype(int)]
    return used.tolist()


def write_cards(results: Results, latents: list[int], folder: Path) -> None:
    """Write `LATENT.js` for each of these latents: calls of the page's function `card`, one per log.

    Args:
        results: What the page shows.
        latents: Numbers of rows of `results.latents`.
        folder: Where to.
    """
    folder.mkdir(parents=True)
    by_store = results.latents.loc[latents].groupby("store", observed=True)["id"]
    number = {str(store): {id: int(str(latent)) for latent, id in ids.items()} for store, ids in by_store}
    known: dict[int, dict[int, int]] = {latent: {} for latent in latents}
    for log, entries in results.entries.groupby("log", sort=False):
        scorers = {row["scorer"]: (int(str(entry)), str(row["store"])) for entry, row in entries.iterrows()}
        wanted = {id for _, store in scorers.values() for id in number.get(store, {})}
        lines: dict[int, list[dict[str, Any]]] = {}
        for scorer, id, score in chain.from_iterable(_readable(one, wanted) for one in results.logs_of(str(log))):
            if scorer not in scorers:
                continue
            entry, store = scorers[scorer]
            latent = number.get(store, {}).get(id)
            if latent is not None:
                lines.setdefault(latent, []).append(_record(entry, score, known[latent]))
        for latent, records in lines.items():
            with (folder / f"{latent}.js").open("a", encoding="utf-8") as file:
                file.write(f"card({latent}, {as_json(records)});\n")


def _readable(log: str, wanted: set[str]) -> Iterator[tuple[str, str, Score]]:
    """Yield what `_scores` does, up to where the log cannot be read: it was read whole before, but can have changed."""
    with suppress(Exception):
        yield from _scores(log, wanted)


def _scores(log: str, wanted: set[str]) -> Iterator[tuple[str, str, Score]]:
    """Scores of a log with their scorers and latents, those wanted at least.

    The header has them; where it has none, as in a sweep's lean logs, samples are read.
    """
    header, seen = read_eval_log(log, header_only=True), set()
    for reduced in header.reductions or ():
        if reduced.scorer not in seen:  # of several reducers of epochs the first
            seen.add(reduced.scorer)
            yield from ((reduced.scorer, str(score.sample_id), score) for score in reduced.samples)
    if not header.reductions:
        for id in wanted.intersection(map(str, header.eval.dataset.sample_ids or ())):
            with suppress(IndexError):  # it failed
                sample = read_eval_log_sample(log, id, exclude_fields=UNREAD)
                yield from ((scorer, id, score) for scorer, score in (sample.scores or {}).items())


def _record(entry: int, score: Score, known: dict[int, int]) -> dict[str, Any]:
    """What one entry's score says of a latent.

    Args:
        entry: Its number.
        score: The score.
        known: The latent's contexts that earlier records brought, as their number by hash; new ones are added.

    Returns:
        - `entry`; `said`, the explanation, or null.
        - `contexts`: those that are new, as [kind, HTML]; they are numbered on through all records of a card.
        - `rows`: [context, mark, what was said] of each context, or null;
        - `lines`: where there are no rows, the report's lines as HTML.
    """
    contexts: list[tuple[str, str]] = []

    def context(row: Row) -> int:
        key = hash((row.kind, row.text))
        if key not in known:
            known[key] = len(known)
            contexts.append((row.kind, as_html(read_coloured(row.text))))
        return known[key]

    lines = lines_of(score.explanation or "")
    rows = read_rows(lines)
    return {
        "entry": entry,
        "said": None if score.answer is None else visible(score.answer),
        "contexts": contexts,
        "rows": rows and [(context(row), row.mark[:1], visible(row.said)) for row in rows],
        "lines": [] if rows else [as_html(read_coloured(line)) for line in lines],
    }


def as_json(content: object) -> str:
    """JSON for a script of its own, not for HTML; what is undefined has to be null."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
