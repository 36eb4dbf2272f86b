"""The cards of a page: per latent one small file of explanations, contexts and verdicts, loaded when it is opened.

Logs are read one after another, and each adds its lines to the cards' files, so memory does not grow with their number.
"""

import json
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai.log import read_eval_log, read_eval_log_sample
from inspect_ai.scorer import Score

from inspect_autointerp.builtin.stores_at_hand import StoresAtHand
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.leaderboard.load.samples import UNREAD
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.page.contexts import LatentTexts
from inspect_autointerp.scorers.generation.statistics import ACTIVE, NEAR_MISS
from inspect_autointerp.scorers.output_choice.statistics import STEERED
from inspect_autointerp.text.render import visible

_WANTED = {"intruder": "intruder", "output_choice": STEERED}
"""By score, the kind of contexts whose label should be 1, where it is not `activating`."""


def chosen_latents(results: Results, most: int) -> list[int]:
    """Which latents get a card: all in use, or as many as allowed, spread evenly over them."""
    used = np.unique(results.values["latent"].to_numpy())
    if len(used) > most:
        used = used[np.linspace(0, len(used) - 1, most).astype(int)]
    return used.tolist()


def write_cards(results: Results, latents: list[int], folder: Path, stores: Sequence[str] = ()) -> None:
    """Write `LATENT.js` for each of these latents: calls of the page's function `card`, one per log.

    Args:
        results: What the page shows.
        latents: Numbers of rows of `results.latents`.
        folder: Where to.
        stores: Folders of stores to read the texts of contexts from.
    """
    folder.mkdir(parents=True)
    at_hand = StoresAtHand(stores)
    by_store = results.latents.loc[latents].groupby("store", observed=True)["id"]
    number = {str(store): {id: int(str(latent)) for latent, id in ids.items()} for store, ids in by_store}
    known: dict[int, dict[Hashable, int]] = {latent: {} for latent in latents}
    for log, entries in results.entries.groupby("log", sort=False):
        scorers = {row["scorer"]: (int(str(entry)), str(row["store"])) for entry, row in entries.iterrows()}
        wanted = {id for _, store in scorers.values() for id in number.get(store, {})}
        lines: dict[int, list[dict[str, Any]]] = {}
        for scorer, id, score in chain.from_iterable(_readable(one, wanted) for one in results.logs_of(str(log))):
            if scorer not in scorers:
                continue
            entry, digest = scorers[scorer]
            latent = number.get(digest, {}).get(id)
            if latent is not None:
                store = at_hand.find(digest)
                texts = LatentTexts(store, id) if store else None
                lines.setdefault(latent, []).append(_record(entry, score, known[latent], texts))
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
    header = read_eval_log(log, header_only=True)
    seen: set[str] = set()
    for reduced in header.reductions or ():
        if reduced.scorer not in seen:  # of several reducers of epochs the first
            seen.add(reduced.scorer)
            yield from ((reduced.scorer, str(score.sample_id), score) for score in reduced.samples)
    if not header.reductions:
        for id in wanted.intersection(map(str, header.eval.dataset.sample_ids or ())):
            with suppress(IndexError):  # it failed
                sample = read_eval_log_sample(log, id, exclude_fields=UNREAD)
                yield from ((scorer, id, score) for scorer, score in (sample.scores or {}).items())


def _record(entry: int, score: Score, known: dict[Hashable, int], texts: LatentTexts | None) -> dict[str, Any]:
    """Return what one entry's score says of a latent.

    Args:
        entry: Its number.
        score: The score.
        known: The latent's contexts that earlier records brought, as their number by what they are; new ones are added.
        texts: The texts of its contexts; None where the store is not at hand.

    Returns:
        - `entry`; `said`, the explanation, or null.
        - `contexts`: those that are new, as [kind, HTML]; they are numbered on through all records of a card.
        - `link`: the latent's page on Neuronpedia, if the store is at hand and knows it.
        - `rows`: [context, mark, words] of each context: the mark is `r`, `w`, `u` or empty.
    """
    contexts: list[tuple[str, str]] = []

    def context(verdict: Verdict) -> int:
        key = (kind_of(verdict), verdict.start, verdict.text, verdict.question)
        if key not in known:
            known[key] = len(known)
            contexts.append((kind_of(verdict), _html(verdict, texts, known[key])))
        return known[key]

    wanted = _WANTED.get(str((score.metadata or {}).get("prompt")).partition("/")[0], "activating")
    try:
        verdicts = recorded_verdicts(score.metadata)
    except UserError:  # a damaged log: its numbers are listed, its verdicts are not
        verdicts = []
    return {
        "entry": entry,
        "said": None if score.answer is None else visible(score.answer),
        "rows": [(context(verdict), mark_of(verdict, wanted), _words(verdict)) for verdict in verdicts],
        "contexts": contexts,
        **({"link": texts.link} if texts and texts.link else {}),
    }


def kind_of(verdict: Verdict) -> str:
    """Return how the page calls a context: `decile 7`, `question 3 · decile 7`, its kind, or `importance ×12`."""
    kind = f"decile {verdict.decile}" if verdict.decile else verdict.kind.replace("_", " ")
    kind = kind if verdict.weight is None else f"{kind} ×{verdict.weight:.3g}"
    return kind if verdict.question is None else f"question {verdict.question + 1} · {kind}"


def mark_of(verdict: Verdict, wanted: str = "activating") -> str:
    """Return whether a verdict is right: `r`, `w`, `u` where it is unscored; empty where it has a value alone.

    Args:
        verdict: The verdict.
        wanted: The kind of contexts whose label should be 1.
    """
    if verdict.reason is not None:
        return "u"
    if verdict.label is not None:
        return "r" if verdict.label == (verdict.kind == wanted) else "w"
    if verdict.kind in (ACTIVE, NEAR_MISS) and verdict.value is not None:
        return "r" if (verdict.value > 0) == (verdict.kind == ACTIVE) else "w"
    return ""


def _words(verdict: Verdict) -> str:
    if verdict.reason is not None:
        return visible(verdict.reason)
    if verdict.probability is not None:
        return f"P={verdict.probability:.2f}"
    if verdict.values is not None and verdict.value is None:
        return f"predicted up to {max(verdict.values, default=0):g}"
    return "" if verdict.value is None else f"{verdict.value:+.3f}"


def _html(verdict: Verdict, texts: LatentTexts | None, number: int) -> str:
    if verdict.text is not None:
        parts = [verdict.text, *(f"{way}: {text}" for way, text in (verdict.continuations or {}).items())]
        return str(escape(" │ ".join(map(visible, parts))))
    if texts is not None and verdict.start is not None:
        with suppress(UserError):
            return texts.html(verdict.start)
    return f"text {number + 1}"


def as_json(content: object) -> str:
    """JSON for a script of its own, not for HTML; what is undefined has to be null."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
