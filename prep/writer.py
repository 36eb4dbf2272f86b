"""The files of a context store."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

from inspect_autointerp.prep.chunks import Chunker
from inspect_autointerp.prep.directions import Directions
from inspect_autointerp.prep.selector import Selection
from inspect_autointerp.prep.siblings import Siblings
from inspect_autointerp.settings import Settings
from inspect_autointerp.store import SAMPLE, file_sha256, hookpoint_folder

_COPY = 1 << 22
"""Tokens copied at a time."""
_BLOCK = 1 << 20
"""Activations to look at at a time."""


CORPUS = ("tokens.npy", "documents.safetensors", "tokenizer.json")


def write_corpus(folder: Path, chunker: Chunker) -> None:
    """Write the corpus, its documents and the tokenizer: from the raw tokens and what the chunker noted."""
    raw = chunker.tokens_file
    assert raw is not None
    tokens = np.lib.format.open_memmap(folder / "tokens.npy", mode="w+", dtype=chunker.dtype, shape=(chunker.n_tokens,))
    source = np.memmap(raw, dtype=chunker.dtype, mode="r", shape=(chunker.n_tokens,))
    for begin in range(0, len(tokens), _COPY):
        tokens[begin : begin + _COPY] = source[begin : begin + _COPY]
    tokens.flush()
    raw.unlink()
    documents = {"offset": np.array(chunker.offset, dtype=np.int64), "test": np.array(chunker.test, dtype=np.uint8)}
    save_file(documents, folder / "documents.safetensors")
    chunker.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))


def write_hookpoint(folder: Path, name: str, selection: Selection, directions: Directions, settings: Settings) -> None:
    """Write one hookpoint's `postings.safetensors` and `latents.parquet`."""
    target = folder / hookpoint_folder(name)
    target.mkdir(parents=True)
    n = len(selection.n_tokens)
    siblings = Siblings.of(directions.neighbours, directions.cosines, n)
    postings = {key: getattr(selection, key) for key in ("window_indptr", "window", "flags", "indptr", "pos", "act")}
    if len(siblings.latent):
        postings |= {"shared": selection.shared, "sibling_indptr": siblings.indptr, "sibling": siblings.latent}
    save_file(postings, target / "postings.safetensors")
    table = {
        "index": np.arange(n, dtype=np.uint32),
        "n_tokens": selection.n_tokens,
        "n_windows": selection.n_windows,
        "max_activation": selection.max_activation,
        "histogram": list(selection.histogram.astype(np.uint32)),
        "rare": (selection.n_windows > 0) & (selection.n_windows < settings.min_active),
        "decile_edges": _decile_edges(selection, settings.window),
        "promoted": list(directions.promoted) if directions.promoted is not None else [None] * n,
        "suppressed": list(directions.suppressed) if directions.suppressed is not None else [None] * n,
        "neighbours": list(directions.neighbours) if directions.neighbours is not None else [None] * n,
        "neighbour_cosines": list(directions.cosines) if directions.cosines is not None else [None] * n,
    }
    types = dict.fromkeys(("promoted", "suppressed", "neighbours"), pa.uint32()) | {"decile_edges": pa.float32()}
    columns = {
        key: pa.array(value, type=pa.list_(types[key])) if key in types else pa.array(value)
        for key, value in table.items()
    }
    pq.write_table(pa.table(columns), target / "latents.parquet", row_group_size=1 << 16, compression="zstd")


def _decile_edges(selection: Selection, window: int) -> list[np.ndarray | None]:
    """Per latent the nine maxima that part its sampled windows into tenths; None where there are fewer than ten."""
    n = len(selection.n_tokens)
    step = max(1, n * _BLOCK // max(1, len(selection.pos)))
    parts = [_sampled_peaks(selection, window, first, min(first + step, n)) for first in range(0, n, step)]
    latent, peak = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((peak, latent))
    peak, count = peak[order].astype(np.float32), np.bincount(latent, minlength=n)
    first = np.cumsum(count) - count
    ranks = np.arange(1, 10) / 10
    return [
        np.quantile(peak[first[i] : first[i] + count[i]], ranks, method="lower") if count[i] >= 10 else None
        for i in range(n)
    ]


def _sampled_peaks(selection: Selection, window: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the sampled windows of a range of latents: whose each is, and its maximum."""
    numbers = np.arange(first, last)
    rows, entries = slice(*selection.window_indptr[[first, last]]), slice(*selection.indptr[[first, last]])
    sampled = (selection.flags[rows] & SAMPLE) > 0
    latent = np.repeat(numbers, np.diff(selection.window_indptr[first : last + 1]))[sampled]
    # Where each window's entries begin and end among all entries, which are in order of latent, then position.
    key = (np.repeat(numbers, np.diff(selection.indptr[first : last + 1])) << 33) | selection.pos[entries]
    start = (latent << 33) | selection.window[rows][sampled]
    bounds = np.searchsorted(key, np.stack([start, start + window], axis=1).ravel())
    if not len(bounds):
        return latent, np.zeros(0, dtype=np.float16)
    return latent, np.maximum.reduceat(np.append(selection.act[entries], np.float16(0)), bounds)[::2]


def hash_files(folder: Path) -> dict[str, str]:
    """sha256 of every file in the folder, by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
