"""A store of some latents of another one, and of all that their contexts and negatives need: `autointerp freeze`.

Positions, documents and latents keep their numbers, and the pool stays whole, so every draw is the one that it is in
the store that was frozen. Figures of the population (tokens, windows, how often each latent fires) stay that store's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.neighbour_windows import silent_windows
from inspect_autointerp.contexts.selection import intruding_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Negative, Split
from inspect_autointerp.store.atomic import atomic_folder
from inspect_autointerp.store.frozen_postings import Row, write_postings
from inspect_autointerp.store.hookpoint_store import HookpointStore, hookpoint_folder, negatives_file
from inspect_autointerp.store.manifest import FROZEN_POSTINGS, NOTICE, SPANS, STORE, Frozen, Manifest
from inspect_autointerp.store.store import Store, file_sha256

_SPLITS: tuple[Split, ...] = ("explain", "test")
_NEIGHBOURS: tuple[Negative, ...] = ("neighbours", "cooccurring")
_LISTS = ("histogram", "decile_edges", "promoted", "suppressed", "neighbours", "neighbour_cosines", "decoder_norms")
"""Columns of `latents.parquet` that only held latents keep."""


def freeze(
    store: Store,
    latents: Mapping[str, Sequence[int]],
    target: Path,
    *,
    selection: str,
    licence: str | None = None,
    notice: str | None = None,
    overwrite: bool = False,
) -> Manifest:
    """Write a frozen store.

    Args:
        store: Where it is taken from, opened with its own window; a frozen one, too.
        latents: By hookpoint, which are to be held.
        target: The new store's folder.
        selection: What the user called the latents.
        licence: Of the text.
        notice: What is to be said of the text, in full.
        overwrite: Whether a store at `target` is replaced.

    Returns:
        The new store's manifest.

    Raises:
        UserError: There are no latents, the source does not hold one of them, or it cannot be written.
    """
    if not latents or not all(map(len, latents.values())):
        raise UserError("no latents to freeze; give --latents, for instance sample:100")
    for name, indices in latents.items():
        store.at(name).check_held(indices)
    with atomic_folder(target, kind=STORE, overwrite=overwrite) as folder:
        starts = [store.pool]
        for name, indices in latents.items():
            starts += _write_hookpoint(folder, store.at(name), np.unique(np.array(indices, dtype=np.int64)))
        _write_corpus(folder, store, np.unique(np.concatenate(starts)))
        if notice is not None:
            (folder / NOTICE).write_text(notice, encoding="utf-8")
        source = store.manifest.frozen.source if store.manifest.frozen else store.manifest.digest
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        manifest = replace(
            store.manifest,
            hookpoints={name: entry for name, entry in store.manifest.hookpoints.items() if name in latents},
            files={path.relative_to(folder).as_posix(): file_sha256(path) for path in files},
            frozen=Frozen(source=source, latents=selection, licence=licence),
        )
        manifest.write(folder)
    return manifest


def _write_hookpoint(folder: Path, at: HookpointStore, held: np.ndarray) -> list[np.ndarray]:
    """Write what is held of a hookpoint, and return the starts of the windows whose tokens are needed."""
    from safetensors.numpy import save

    (folder / hookpoint_folder(at.name)).mkdir(parents=True)
    rows = sorted(_rows(at, held), key=lambda row: row.index)
    write_postings(folder / hookpoint_folder(at.name) / FROZEN_POSTINGS, rows)
    _write_latents(folder / hookpoint_folder(at.name) / "latents.parquet", at, held)
    starts = [row.window for row in rows]
    for kind, arrays in _added(at, held):
        path = folder / negatives_file(kind, at.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(arrays))
    return starts


def _rows(at: HookpointStore, held: np.ndarray) -> Iterator[Row]:
    """Yield the postings of the held latents, of those that can intrude, and of the neighbours."""
    store, whole = at.store, np.union1d(held, intruding_latents(at))
    own = {index: LatentWindows(store, at.name, index) for index in whole.tolist()}
    asked: dict[int, list[int]] = {}  # by neighbour the latents that it is one of
    for index in held.tolist():
        for kind in _NEIGHBOURS:
            for other in _neighbours(at, kind, index):
                asked.setdefault(other, []).append(index)
    for index, windows in own.items():
        role = "latent" if index in held else "intruding"
        yield _row(at, windows, np.ones(len(windows.starts), dtype=bool), held, role)
    for index in asked.keys() - own.keys():
        other = LatentWindows(store, at.name, index)
        masks = [silent_windows(store, own[latent], other, split) for latent in asked[index] for split in _SPLITS]
        yield _row(at, other, np.logical_or.reduce(masks), held, "neighbour")


def _row(at: HookpointStore, windows: LatentWindows, mask: np.ndarray, held: np.ndarray, role: str) -> Row:
    postings, index = at.postings, windows.index
    pos, act = postings.activations(index)
    siblings = postings.siblings(index)
    bits = postings.shared(index)[mask] if len(siblings) else np.zeros(int(mask.sum()), dtype=np.uint32)
    wanted = np.flatnonzero(np.isin(siblings, held))
    shared = np.zeros(len(bits), dtype=np.uint32)
    for place, bit in enumerate(wanted.tolist()):
        shared |= (bits >> np.uint32(bit) & 1) << np.uint32(place)
    starts = windows.starts[mask]
    if role == "neighbour":  # where it fires on these windows, and no more
        which = np.searchsorted(starts, pos, side="right") - 1
        inside = which >= 0
        inside[inside] = pos[inside] < starts[which[inside]] + at.store.settings.window
        pos = pos[inside]
    kept_act = None if role == "neighbour" else act
    return Row(index, role, starts, windows.flags[mask], shared, pos, kept_act, siblings[wanted])  # pyright: ignore[reportArgumentType]


def _neighbours(at: HookpointStore, kind: Negative, index: int) -> list[int]:
    try:
        return [other for other in at.neighbours(kind, index).tolist() if other != index]
    except UserError:  # the store has none of the kind
        return []


def _write_latents(path: Path, at: HookpointStore, held: np.ndarray) -> None:
    """Write `latents.parquet` with a row for every latent, and with lists for those held."""
    import pyarrow as pa

    from inspect_autointerp.store import parquet as pq

    table = at.read("latents.parquet", pq.read_table)
    is_held = np.zeros(len(table), dtype=bool)
    is_held[held] = True
    for number, name in enumerate(table.column_names):
        if name in _LISTS:
            column = table[name].combine_chunks()
            rows = pa.array(np.where(is_held, np.arange(len(table)), 0), mask=~is_held)
            kept = column.take(cast(Any, rows))  # of integers, which the stubs take for truth values
            table = table.set_column(number, name, kept)
    pq.write_table(table, path, compression="zstd")


def _added(at: HookpointStore, held: np.ndarray) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield the kinds of negatives that were added to the store, for held latents alone: a row for each."""
    kinds = at.store.manifest.negatives
    if "cooccurring" in kinds:
        yield "cooccurring", at.cooccurring(held)
    if "similar" in kinds:
        windows = [at.similar(index) for index in held.tolist()]
        indptr = np.cumsum([0, *map(len, windows)], dtype=np.int64)
        yield "similar", {"indptr": indptr, "window": np.concatenate(windows).astype(np.uint32)}


def _write_corpus(folder: Path, store: Store, starts: np.ndarray) -> None:
    """Write the tokens of the windows that start there, where they belong, and what else is the whole store's.

    Of a store that centres contexts, also half a window on either side.
    """
    settings, n_tokens = store.settings, store.manifest.n_tokens
    margin = settings.window if settings.center else 0
    needed = np.zeros(n_tokens + 1, dtype=np.int32)
    np.add.at(needed, np.maximum(starts.astype(np.int64) - margin, 0), 1)
    np.add.at(needed, np.minimum(starts.astype(np.int64) + settings.window + margin, n_tokens), -1)
    edge = np.flatnonzero(np.diff(np.cumsum(needed) > 0, prepend=False))
    spans = edge.reshape(-1, 2).astype(np.uint32)
    np.save(folder / SPANS, spans)
    parts = [store.tokens[first:end] for first, end in spans.tolist()]
    np.save(folder / "tokens.npy", np.concatenate(parts))
    np.save(folder / "pool.npy", store.pool.astype(np.uint32))
    (folder / "documents.safetensors").write_bytes(store.read("documents.safetensors", Path.read_bytes))
    tokenizer = json.loads(store.read("tokenizer.json", lambda path: path.read_text(encoding="utf-8")))
    (folder / "tokenizer.json").write_text(
        json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
