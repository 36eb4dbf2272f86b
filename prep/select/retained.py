"""The windows that selection holds, and which of them stay: worked through in blocks of latents.

What is held lies in blocks, each of so many consecutive latents, and what is new waits in a room beside them. Only one
block at a time is taken apart and put together again, so that there is never more than a block's worth of copies.
"""

import ctypes
import sys
from itertools import pairwise

import torch
from torch import Tensor

from inspect_autointerp.prep.select.rows import Rows, take, where
from inspect_autointerp.prep.select.topk import lowest, stable_order
from inspect_autointerp.store.postings import OTHER, POOL, SAMPLE, TOP

PRIORITY_BITS = 40
_INFINITY = 0x7C00
"""Bit patterns of positive float16 numbers are in order of value, and below this one."""
_ROWS, _BLOCKS = 1 << 18, 64
"""Rows to sort out at a time, and blocks at most: what waits is cut for every one of them."""


class Held:
    """Windows of latents, sorted out now and then.

    Args:
        n_latents: Width of the coder.
        sample: Windows to keep per cell (see `selector`), those of the smallest priority.
        top: Windows to keep per cell, those of the largest peak.
        device: Where they live.
        buffer: Entries to gather before they are sorted out: so many, or a third of those kept if that is more.
    """

    def __init__(self, n_latents: int, *, sample: int, top: int, device: str | torch.device, buffer: int) -> None:
        self.n_latents, self.sample, self.top, self.buffer = n_latents, sample, top, buffer
        # A full cell keeps nothing below these: what would be thrown away is not gathered at all.
        self._least_peak = torch.full((2 * n_latents,), 0 if top else _INFINITY, dtype=torch.int16, device=device)
        last_priority = 1 << PRIORITY_BITS if sample else -1
        self._last_priority = torch.full((2 * n_latents,), last_priority, dtype=torch.int64, device=device)
        self.blocks: list[Rows] = []
        """Rows kept, in order of latent; complete only after `sort_out`."""
        self._waiting: list[Rows] = []
        self._room: Rows | None = None
        """Memory of the waiting rows: many small allocations would leave holes too small for anything larger."""
        self._n_rows = self._n_entries = 0
        self.full = False
        """True if as much waits as may."""
        self._pool: Tensor | None = None
        """By which the blocks were sorted out."""

    def wanted(self, cell: Tensor, peak: Tensor, priority: Tensor) -> Tensor:
        """Bool (row,): which windows could stay, as far as is known now."""
        return (peak >= take(self._least_peak, cell)) | (priority <= take(self._last_priority, cell))

    def add(self, rows: Rows) -> None:
        """Hold further rows. They are in order of latent, and those of a latent behind what is held of it."""
        if self._room is None:
            n_rows, n_entries = sum(map(len, self.blocks)), sum(block.act.numel() for block in self.blocks)
            self._room = rows.room(max(self.buffer // 4, n_rows // 3), max(self.buffer, n_entries // 3))
        n_rows, n_entries = self._n_rows + len(rows), self._n_entries + rows.act.numel()
        self.full = n_rows > len(self._room) or n_entries > self._room.act.numel()
        if not self.full:
            place = self._room.part(slice(self._n_rows, n_rows), slice(self._n_entries, n_entries))
            rows, self._n_rows, self._n_entries = place.fill(rows), n_rows, n_entries
        self._waiting.append(rows)

    def sort_out(self, pool: Tensor, *, mixed: bool = False) -> None:
        """Keep the top and the sample of each cell, and what lies in the pool.

        Old blocks are freed while new ones are made, so that memory does not double. What an exception in between
        leaves behind is incomplete: a `Selector` marks itself as broken then.

        Args:
            pool: Where the windows start that are kept for all latents.
            mixed: What waits of a latent may lie before what is held of it, as another selector found it.
        """
        if not self._waiting and self._pool is not None and torch.equal(self._pool, pool):
            return
        parts = [*self.blocks, *self._waiting]
        self.blocks, self._waiting, self._room, self._pool = [], [], None, pool
        self._n_rows = self._n_entries = 0
        self.full = False
        cuts = self._cuts(sum(map(len, parts)))
        pieces: list[list[Rows]] = [[] for _ in cuts[1:]]
        while parts:  # none is held as a whole any longer: a block's rows can go when it is done
            for block, piece in zip(pieces, parts.pop(0).cut(cuts), strict=True):
                if len(piece):
                    block.append(piece)
        for number, (first, end) in enumerate(pairwise(cuts)):
            if pieces[number]:
                rows = Rows.cat(pieces[number])
                pieces[number].clear()
                rows = rows[torch.argsort(rows.position, stable=True)] if mixed else rows
                flags = self._flags(rows, first, end, pool)
                order = stable_order((rows.cell >> 1) - first, end - first)
                self.blocks.append(rows.flagged(flags)[take(order, where(take(flags, order)))])
        _hand_back()

    def in_order(self) -> list[Rows]:
        """The blocks, in order of latent, then position."""
        for number, rows in enumerate(self.blocks):
            key = rows.key
            if bool((key[1:] < key[:-1]).any()):
                self.blocks[number] = rows[torch.argsort(key)]
        return self.blocks

    def _cuts(self, n_rows: int) -> list[int]:
        """Return where blocks begin, and where the last one ends. A power of two of them keeps most cuts in place."""
        n_blocks = 1
        while n_blocks < min(_BLOCKS, self.n_latents) and n_blocks * _ROWS < n_rows:
            n_blocks *= 2
        return [self.n_latents * number // n_blocks for number in range(n_blocks + 1)]

    def _flags(self, rows: Rows, first: int, end: int, pool: Tensor) -> Tensor:
        """Why each row stays, as bits, 0 if it does not; what a full cell asks of a newcomer is noted.

        All of them are of the latents from `first` up to `end`.
        """
        cells = slice(2 * first, 2 * end)
        cell, peak, priority = rows.cell - cells.start, rows.peak, rows.priority
        flags = torch.zeros_like(rows.flags)
        candidates = where(rows.flags & POOL)
        flags[candidates] = torch.isin(take(rows.position, candidates), pool).to(torch.uint8) * POOL
        size = torch.bincount(cell, minlength=2 * (end - first))
        sampled, last = lowest(lambda rows: take(priority, rows), cell, size, self.sample, bits=PRIORITY_BITS)
        flags |= sampled.to(torch.uint8) * SAMPLE
        full = last >= 0
        self._last_priority[cells][full] = last[full]

        def by_peak(rows: Tensor) -> Tensor:
            # 15 bits of activation (largest first), then as much of the priority as there is room for.
            descending = _INFINITY - take(peak, rows).to(torch.int64)
            return descending << (PRIORITY_BITS - 15) | take(priority, rows) >> 15

        top, last = lowest(by_peak, cell, size, self.top, bits=PRIORITY_BITS)
        flags |= top.to(torch.uint8) * TOP
        full = last >= 0
        self._least_peak[cells][full] = (_INFINITY - (last[full] >> (PRIORITY_BITS - 15))).to(torch.int16)
        return flags | (rows.flags & OTHER) * (flags > 0)


def _hand_back() -> None:
    """Let the system have the memory between what is held: glibc would keep it, and more of it every time."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)
