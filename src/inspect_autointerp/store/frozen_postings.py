"""A frozen store's postings: those of the latents it holds, and of others only what these latents' contexts need."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa

from inspect_autointerp.errors import UserError
from inspect_autointerp.store import parquet as pq

Role = Literal["latent", "intruding", "neighbour"]
"""Why a latent's postings are in a frozen store: it can be evaluated, its contexts can intrude, or they can be
another's negatives. Of the first two all is there, of the last only the windows that are a held latent's negatives, and
where in them it fires, without how strongly."""
_COLUMNS = {
    "gap": pa.uint32(),
    "flags": pa.uint8(),
    "shared": pa.uint32(),
    "n": pa.uint16(),
    "offset": pa.int32(),
    "act": pa.float16(),
    "sibling": pa.uint32(),
}
_LEVEL = 15
"""Compression level of zstd."""


@dataclass(frozen=True)
class Row:
    """One latent's postings, as `Postings` has them."""

    index: int
    role: Role
    window: np.ndarray
    flags: np.ndarray
    shared: np.ndarray
    pos: np.ndarray
    act: np.ndarray | None
    """None where only the positions are known."""
    sibling: np.ndarray


def write_postings(path: Path, rows: Sequence[Row]) -> None:
    """Write them as `postings.parquet`, a row per latent.

    Windows are written as `gap`, how far each begins from the one before (the first from 0), and positions as `n`, how
    many belong to each window (to the last that begins no later), and `offset`, how far each is from the beginning of
    its window: that takes half the room.
    """
    lists: dict[str, list[np.ndarray | None]] = {name: [] for name in _COLUMNS}
    for row in rows:
        whose = np.maximum(np.searchsorted(row.window, row.pos, side="right") - 1, 0)
        lists["gap"].append(np.diff(row.window, prepend=0))
        lists["flags"].append(row.flags)
        lists["shared"].append(row.shared)
        lists["n"].append(np.bincount(whose, minlength=len(row.window)))
        lists["offset"].append(row.pos - row.window[whose] if len(whose) else row.pos)
        lists["act"].append(row.act)
        lists["sibling"].append(row.sibling)
    columns: dict[str, pa.Array[Any]] = {
        "index": pa.array([row.index for row in rows], pa.uint32()),
        "role": pa.array([row.role for row in rows], pa.string()),
    }
    columns |= {name: _list_array(lists[name], kind) for name, kind in _COLUMNS.items()}
    pq.write_table(
        pa.table(columns),
        path,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=["role"],
        column_encoding={f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in ("gap", "act")},
    )


class FrozenPostings:
    """The postings of a frozen store: the interface of `Postings`, for the latents that are there.

    Held in memory: a few megabytes.

    Args:
        path: `postings.parquet`.

    Attributes:
        held: int64 (latent,): the latents that can be evaluated, in order.
        intruding: int64 (latent,): those whose contexts can intrude, in order.

    Raises:
        UserError: The file does not hold what it should.
    """

    def __init__(self, path: Path) -> None:
        table = pq.read_table(path)
        index = table["index"].to_numpy().astype(np.int64)
        self._row = {latent: row for row, latent in enumerate(index.tolist())}
        roles = np.array(table["role"].to_pylist())
        self.held, self.intruding = np.sort(index[roles == "latent"]), np.sort(index[roles != "neighbour"])
        self._columns = {name: _flat(table[name]) for name in _COLUMNS}
        windows, entries = (self._columns[name][0] for name in ("gap", "offset"))
        n = self._columns["n"][1]
        if (
            len(self._row) != len(index)
            or any(not np.array_equal(self._columns[name][0], windows) for name in ("flags", "shared", "n"))
            or n.sum() != len(self._columns["offset"][1])
        ):
            raise UserError(f"{path}: its columns do not fit together; make the store again")
        self._starts = _sums(self._columns["gap"][1].astype(np.int64), windows)
        self._windows = windows
        self._pos = self._starts.repeat(n) + self._columns["offset"][1]
        self._entries = entries
        self._known = np.diff(self._columns["act"][0]) == np.diff(entries)

    def __contains__(self, latent: int) -> bool:
        """Return whether anything of a latent is there."""
        return latent in self._row

    def windows(self, latent: int) -> tuple[np.ndarray, np.ndarray]:
        """The starts (int64) and flags (uint8) of the windows that are there of a latent, in order of position."""
        row = self._at(latent)
        return self._starts[self._windows[row] : self._windows[row + 1]], self._of("flags", latent)

    def activations(self, latent: int) -> tuple[np.ndarray, np.ndarray]:
        """The positions (int64) and activations (float32, > 0) of a latent on these windows, in order.

        Of a latent that is there as a neighbour only, every activation is 1: it is known where it fires, no more.
        """
        row = self._at(latent)
        pos = self._pos[self._entries[row] : self._entries[row + 1]]
        return pos, self._of("act", latent).astype(np.float32) if self._known[row] else np.ones(len(pos), np.float32)

    def siblings(self, latent: int) -> np.ndarray:
        """The held latents that count it among their neighbours, uint32, nearest first."""
        return self._of("sibling", latent)

    def shared(self, latent: int) -> np.ndarray:
        """Per window that is there of a latent, as bits of uint32, which of its siblings fire in it too."""
        return self._of("shared", latent)

    def fetch(self, latents: Sequence[int]) -> None:
        """Do nothing: all is in memory."""

    def _of(self, name: str, latent: int) -> np.ndarray:
        row, (ends, values) = self._at(latent), self._columns[name]
        return values[ends[row] : ends[row + 1]]

    def _at(self, latent: int) -> int:
        if latent not in self._row:
            raise UserError(f"latent {latent}: this frozen store does not hold it")
        return self._row[latent]


def _list_array(rows: Sequence[np.ndarray | None], kind: pa.DataType) -> "pa.Array[Any]":
    """A list per row; of rows that are None, null."""
    ends = np.cumsum([0, *(0 if row is None else len(row) for row in rows)]).astype(np.int32)
    parts = [row for row in rows if row is not None]
    values = np.concatenate(parts) if parts else np.zeros(0)
    null = pa.array([row is None for row in rows])
    make: Any = cast(Any, pa.ListArray).from_arrays  # its stubs know no array of numpy
    return make(ends, pa.array(values.astype(kind.to_pandas_dtype())), mask=null)


def _flat(column: "pa.ChunkedArray[Any]") -> tuple[np.ndarray, np.ndarray]:
    """Return where each row's list begins and the last ends, int64 (row + 1,), and all values; null as an empty one."""
    lists = cast(Any, column.combine_chunks())
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return np.append(0, np.cumsum(lengths)).astype(np.int64), lists.flatten().to_numpy(zero_copy_only=False)


def _sums(gaps: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Cumulative sums of each row's part of the gaps, int64."""
    sums = gaps.cumsum()
    before = np.append(0, sums)[ends[:-1]]
    return sums - before.repeat(np.diff(ends))
