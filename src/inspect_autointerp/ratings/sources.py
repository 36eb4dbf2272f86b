"""The explanations to rate: from logs, from files of explanations, or the planted store's own."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_autointerp.builtin import planted
from inspect_autointerp.builtin.locate import BUILT_IN, locate
from inspect_autointerp.builtin.planted.latents import LATENTS, SORTS
from inspect_autointerp.builtin.stores_at_hand import StoresAtHand, store_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.logs import log_rows
from inspect_autointerp.formats.read import read_explanations
from inspect_autointerp.formats.records import headlines
from inspect_autointerp.inspect_support.log_samples import read_header, read_samples
from inspect_autointerp.ratings.records import Explained
from inspect_autointerp.store.remote import is_url
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.plural import plural

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

_LOGS = (".eval", ".json")


@dataclass
class Material:
    """Explanations to rate, and their store."""

    store: Store
    explained: list[Explained] = field(default_factory=list[Explained])
    notes: list[str] = field(default_factory=list[str])
    """Lines that say what was left out and why."""
    judged: tuple[int, int, int] | None = None
    """Draw of the contexts that the graders of the logs' detection judged: activating, non-activating, seed. None where
    there is none, or where logs differ."""


def read_material(places: Sequence[str], files: Sequence[str] = (), hookpoint: str | None = None) -> Material:
    """Read explanations and open the store that they are about.

    Args:
        places: At most one store (a folder, a URL, a built-in one's name), logs, and folders of logs.
        files: Files of explanations in any format that `-T explanations=` reads; each is an explainer of its own.
        hookpoint: Of the files; the store's first by default.

    Raises:
        UserError: There is nothing to rate, the store is not at hand, or something is about another store.
    """
    stores, logs = _sorted(places)
    if not stores and not logs:
        raise UserError("nothing to rate was given; give a log, or a store with --explanations FILE")
    if len(stores) > 1:
        raise UserError(f"{stores[1]}: a second store; a sheet is about one store, so make one for each")
    if files and not stores:
        raise UserError("--explanations: name the store that they are about, before the options")
    headers = {log: read_header(log) for log in logs}
    digests = {log: str((header.eval.metadata or {}).get("store")) for log, header in headers.items()}
    if not digests:
        store = Store.open(locate(stores[0]))
    elif stores:
        store = store_of(stores[0], next(iter(digests.values())))
    else:
        store = _at_hand(digests, headers)
    material = Material(store)
    for log, digest in digests.items():
        if digest != store.digest:
            raise UserError(f"{log}: over the store {digest}, and this sheet is about {store.digest}; leave it out")
    rows = [one for log in logs for one in log_explanations(log, headers[log], material.notes)]
    for file in files:
        at = store.at(hookpoint)
        supplied = read_explanations(file, hookpoint=at.name, width=at.width)
        if supplied.problems:
            material.notes.append(
                f"{file}: {plural(len(supplied.problems), 'latent')} without a usable explanation left out"
            )
        name = Path(file).stem
        rows += [
            Explained(
                latent=f"{at.name}/{index}",
                text=one.text,
                explainers=[one.explainer or name],
                scores={score: value for score, value in one.scores.items() if math.isfinite(value)},
            )
            for index, one in sorted(supplied.texts.items())
        ]
    if stores == [planted.CONTEXTS] and not rows:
        at = store.at(None)
        rows = [
            Explained(latent=f"{at.name}/{index}", text=one.claim(sort).text, explainers=[f"planted: {sort}"])
            for index, one in enumerate(LATENTS)
            for sort in SORTS
        ]
    if not rows:
        raise UserError("no explanation to rate; give a log that has some, or --explanations FILE with the store")
    material.explained = merge(rows)
    draws = {_judged(log, header) for log, header in headers.items()} - {None}
    material.judged = draws.pop() if len(draws) == 1 else None
    return material


def _judged(path: str, header: "EvalLog") -> tuple[int, int, int] | None:
    """Return how detection drew its contexts in a log (`Material.judged`); None where it has no such score."""
    for sample in read_samples(path, header):
        for name, score in (sample.scores or {}).items():
            options: dict[str, Any] = (score.metadata or {}).get("options") or {}
            n_activating, n_silent, seed = (options.get(key) for key in ("activating", "nonactivating", "seed"))
            if name.rstrip("0123456789") != "detection":
                continue
            if isinstance(n_activating, int) and isinstance(n_silent, int) and isinstance(seed, int):
                return n_activating, n_silent, seed
        return None
    return None


def log_explanations(path: str, header: "EvalLog | None" = None, notes: list[str] | None = None) -> list[Explained]:
    """Return a log's explanations with their scores' headlines.

    Args:
        path: Of the log.
        header: Its header, where it was read already.
        notes: Where to say what was left out.

    Raises:
        UserError: It cannot be read, or is not of this project.
    """
    log = read_header(path) if header is None else header
    rows: list[Explained] = []
    without = 0
    for row in log_rows(path, log):
        if not isinstance(row.text, str) or not row.text.strip():
            without += 1
            continue
        scores = {name: value for name, value in headlines(row.scores).items() if math.isfinite(value)}
        name = " ".join(filter(None, [row.explainer, row.method])) or "unknown"
        rows.append(Explained(latent=f"{row.hookpoint}/{row.index}", text=row.text, explainers=[name], scores=scores))
    if without and notes is not None:
        notes.append(f"{path}: {plural(without, 'latent')} without an explanation left out")
    return rows


def merge(rows: Sequence[Explained]) -> list[Explained]:
    """Join explanations of a latent with the same text, with the means of scores that several logs give."""
    joined: dict[tuple[str, str], list[Explained]] = {}
    for row in rows:
        joined.setdefault((row.latent, row.text), []).append(row)
    merged: list[Explained] = []
    for same in joined.values():
        names = dict.fromkeys(name for row in same for name in row.scores)
        scores = {}
        for name in names:
            values = [row.scores[name] for row in same if name in row.scores]
            scores[name] = sum(values) / len(values)
        explainers = list(dict.fromkeys(name for row in same for name in row.explainers))
        merged.append(replace(same[0], explainers=explainers, scores=scores))
    return merged


def logs_in(places: Sequence[str]) -> list[str]:
    """Return the paths of logs: those given, and all in the folders given.

    Raises:
        UserError: A folder holds none.
    """
    return [log for place in places for log in ([place] if place.endswith(_LOGS) else _in_folder(place))]


def _sorted(places: Sequence[str]) -> tuple[list[str], list[str]]:
    stores: list[str] = []
    logs: list[str] = []
    for place in places:
        if place.endswith(_LOGS):
            logs.append(place)
        elif place in BUILT_IN or is_url(place) or Path(place, "manifest.json").exists():
            stores.append(place)
        elif Path(place).is_dir():
            logs += _in_folder(place)
        else:
            raise UserError(f"{place}: no such store or log; give a store's folder, or a log that ends in .eval")
    return stores, logs


def _in_folder(place: str) -> Iterator[str]:
    paths = sorted(path for end in _LOGS for path in Path(place).rglob(f"*{end}"))
    if not paths:
        raise UserError(f"{place}: neither a store nor a folder with logs in it")
    return map(str, paths)


def _at_hand(digests: dict[str, str], headers: dict[str, "EvalLog"]) -> Store:
    """Open the store of logs where they name it, or a built-in one."""
    log, digest = next(iter(digests.items()))
    folders = [str(next(read_samples(log, headers[log])).metadata.get("store", ""))]
    store = StoresAtHand(folders).find(digest)
    if store is None:
        raise UserError(f"{log}: its store {digest} is not at hand; name the store before the log")
    return store
