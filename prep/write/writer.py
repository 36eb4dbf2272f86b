"""The files of a context store."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from inspect_autointerp.latent import DECILES
from inspect_autointerp.prep.corpus.chunks import Chunker
from inspect_autointerp.prep.select.decoder_directions import Directions
from inspect_autointerp.prep.select.overlap import Overlap
from inspect_autointerp.prep.select.result import Block, Selection
from inspect_autointerp.prep.select.reverse_neighbours import Siblings
from inspect_autointerp.prep.write.tensor_file import TensorFile, save_tensors
from inspect_autointerp.store.hookpoint_store import hookpoint_folder
from inspect_autointerp.store.postings import SAMPLE
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import file_sha256

_COPY = 1 << 20
"""Bytes copied at a time."""
_GROUP = 1 << 16
"""Latents in a row group of the table."""
CORPUS = ("tokens.npy", "documents.safetensors", "tokenizer.json")


def write_corpus(folder: Path, chunker: Chunker) -> None:
    """Write the corpus, its documents and the tokenizer: from the raw tokens and what the chunker noted."""
    raw = chunker.tokens_file
    assert raw is not None
    shape = {"descr": chunker.dtype.str, "fortran_order": False, "shape": (chunker.n_tokens,)}
    with raw.open("rb") as source, (folder / "tokens.npy").open("wb") as target:
        np.lib.format.write_array_header_1_0(target, shape)
        shutil.copyfileobj(source, target, _COPY)
    raw.unlink()
    documents = {"offset": np.array(chunker.offset, dtype=np.int64), "test": np.array(chunker.test, dtype=np.uint8)}
    if chunker.chat:
        documents["windows"] = np.array(chunker.windows, dtype=np.uint32)
    save_tensors(folder / "documents.safetensors", documents)
    tokenizer = chunker.tokenizer.backend_tokenizer.to_str(pretty=True)
    (folder / "tokenizer.json").write_bytes(tokenizer.encode())  # its own `save` raises a plain Exception


def write_hookpoint(
    folder: Path,
    name: str,
    selection: Selection,
    directions: Directions,
    settings: Settings,
    overlap: Overlap | None = None,
) -> None:
    """Write one hookpoint's `postings.safetensors` and `latents.parquet`, a block of latents at a time.

    Args:
        folder: The store's folder.
        name: The hookpoint.
        selection: What is kept of its latents.
        directions: Facts about their directions.
        settings: The store's settings.
        overlap: Counts of both subjects, if the coder reads two.
    """
    target = folder / hookpoint_folder(name)
    target.mkdir(parents=True)
    edges = _write_postings(target / "postings.safetensors", selection, directions)
    counts = {} if overlap is None else overlap.arrays()
    _write_latents(target / "latents.parquet", selection, directions, edges, settings, counts)


def _write_postings(path: Path, selection: Selection, directions: Directions) -> np.ndarray:
    """Write them, and return every latent's decile edges, float32 (latent, 9): see `_decile_edges`."""
    siblings = Siblings.of(directions.neighbours, directions.cosines, len(selection.n_tokens))
    whole = {"window_indptr": selection.window_indptr, "indptr": selection.indptr}
    parts = {"window": np.uint32, "flags": np.uint8, "pos": np.uint32, "act": np.float16}
    if len(siblings.latent):
        whole |= {"sibling_indptr": siblings.indptr, "sibling": siblings.latent}
        parts |= {"shared": np.uint32}
    lengths = {key: selection.indptr[-1] if key in ("pos", "act") else selection.window_indptr[-1] for key in parts}
    columns = {key: (array.dtype, len(array)) for key, array in whole.items()}
    columns |= {key: (np.dtype(dtype), int(lengths[key])) for key, dtype in parts.items()}
    edges = np.full((len(selection.n_tokens), DECILES - 1), np.nan, dtype=np.float32)
    row = 0
    with TensorFile(path, columns) as file:
        for key, array in whole.items():
            file.append(key, array)
        for block in selection.blocks:
            for key in parts:
                file.append(key, getattr(block, key))
            rows = slice(row, row := row + len(block.window))
            first, end = np.searchsorted(selection.window_indptr, [rows.start, rows.stop], side="right") - 1
            count = np.diff(selection.window_indptr[first : end + 1])
            edges[first:end] = _decile_edges(block, count)
    return edges


def _decile_edges(block: Block, count: np.ndarray) -> np.ndarray:
    """Per latent the nine maxima that part its sampled windows into tenths; NaN where there are fewer than ten.

    Args:
        block: What is kept of some latents.
        count: How many windows of each.
    """
    sampled = (block.flags & SAMPLE) > 0
    latent, peak = np.repeat(np.arange(len(count)), count)[sampled], block.peak[sampled].astype(np.float32)
    peak, count = peak[np.lexsort((peak, latent))], np.bincount(latent, minlength=len(count))
    edges = np.full((len(count), DECILES - 1), np.nan, dtype=np.float32)
    enough = count >= DECILES
    first, last = np.cumsum(count) - count, count - 1
    rank = np.floor(last[enough, None] * (np.arange(1, DECILES) / DECILES)).astype(np.int64)
    edges[enough] = peak[first[enough, None] + rank]
    return edges


def _write_latents(
    path: Path,
    selection: Selection,
    directions: Directions,
    edges: np.ndarray,
    settings: Settings,
    counts: Mapping[str, np.ndarray],
) -> None:
    def table(latents: slice) -> pa.Table:
        n_windows = selection.n_windows[latents]
        columns = {
            "index": np.arange(len(edges), dtype=np.uint32)[latents],
            "n_tokens": selection.n_tokens[latents],
            "n_windows": n_windows,
            "max_activation": selection.max_activation[latents],
            "histogram": _lists(selection.histogram[latents].astype(np.uint32)),
            "rare": (n_windows > 0) & (n_windows < settings.min_active),
            "decile_edges": _lists(edges[latents]),
        }
        for name in ("promoted", "suppressed", "neighbours"):
            ids = getattr(directions, name)
            columns[name] = pa.nulls(len(n_windows), pa.list_(pa.uint32())) if ids is None else _lists(ids[latents])
        cosines = directions.cosines
        columns["neighbour_cosines"] = pa.nulls(len(n_windows)) if cosines is None else _lists(cosines[latents])
        if directions.norms is not None:
            columns["decoder_norms"] = _lists(directions.norms[latents])
        columns |= {name: count[latents] for name, count in counts.items()}
        return pa.table(columns)

    with pq.ParquetWriter(path, table(slice(0, 0)).schema, compression="zstd") as writer:
        for begin in range(0, len(edges), _GROUP):
            writer.write_table(table(slice(begin, begin + _GROUP)))


def _lists(rows: np.ndarray) -> "pa.Array[Any]":
    """A list per row, null where its numbers are NaN."""
    null = np.isnan(rows).any(axis=1)
    ends = np.cumsum(np.where(null, 0, rows.shape[1]), dtype=np.int32)
    make = cast(Any, pa.ListArray).from_arrays  # the stubs know no array of numpy
    return make(np.append(np.int32(0), ends), rows[~null].ravel(), mask=cast(Any, pa).array(null))


def hash_files(folder: Path) -> dict[str, str]:
    """sha256 of every file in the folder, by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
