"""Which windows of each latent are kept: one pass, in memory that does not grow with the corpus.

Everything kept is a summary that merges: counts and histogram by +, maximum by max, the `top` windows by (activation,
priority), the uniform sample by smallest priority, equals in order of position. A window's priority is a hash of the
seed, the latent, the document's tokens and the window's number in it, so what is kept depends on nothing else: not on
batch size, device or order, nor on how the corpus was shared out. The two splits of a latent are selected apart, each
in a *cell* of its own: cell = 2 · latent + (1 if test).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.prep.chunks import Windows
from inspect_autointerp.prep.rows import COLUMNS, Rows, ranges, take, where
from inspect_autointerp.prep.siblings import Siblings
from inspect_autointerp.store import POOL, SAMPLE, TOP

PRIORITY_BITS = 40
BINS = 64
"""Bins of the histogram: quarter octaves from 2⁻⁸ to 2⁸, those beyond in the outermost."""
_PRIORITY = (1 << PRIORITY_BITS) - 1
_INFINITY = 0x7C00
"""Bit patterns of positive float16 numbers are in order of value, and below this one."""


@dataclass
class Selection:
    """What a selector kept: arrays on the host, in order of latent, then position (see `store.Postings`)."""

    window_indptr: np.ndarray
    window: np.ndarray
    flags: np.ndarray
    shared: np.ndarray
    indptr: np.ndarray
    pos: np.ndarray
    act: np.ndarray
    pool: np.ndarray
    """uint32, sorted: the starts of the windows kept for all latents."""
    n_tokens: np.ndarray
    n_windows: np.ndarray
    max_activation: np.ndarray
    histogram: np.ndarray
    """int64 (latent, BINS)."""


class Selector:
    """Folds batches of sparse activations of one hookpoint into per-latent state of fixed size.

    Args:
        n_latents: Width of the coder.
        sample: Windows to keep per cell, uniformly.
        top: Windows to keep per cell, those of the largest maximum.
        pool: Windows to keep for all latents, uniformly.
        seed: Of the priorities.
        siblings: Per latent those to watch on its windows; none are watched if not given.
        device: Where the state lives.
        buffer: Entries to gather before they are sorted out.
    """

    def __init__(
        self,
        n_latents: int,
        *,
        sample: int = 128,
        top: int = 32,
        pool: int = 1024,
        seed: int = 0,
        siblings: Siblings | None = None,
        device: str | torch.device = "cpu",
        buffer: int = 2_000_000,
    ) -> None:
        siblings = siblings or Siblings.none(n_latents)
        self._sibling = torch.from_numpy(siblings.latent.astype(np.int64)).to(device)
        self._sibling_at = torch.from_numpy(siblings.indptr).to(device)
        self.n_latents, self.sample, self.top, self.pool, self.buffer = n_latents, sample, top, pool, buffer
        self._seed = _mix(torch.tensor(seed + 1, device=device, dtype=torch.int64))
        self._salt = _mix(torch.arange(n_latents, device=device) + self._seed)
        # Narrow keys sort several times as fast.
        self._key_type = torch.int16 if n_latents < 1 << 15 else torch.int32
        zeros = {"dtype": torch.int64, "device": device}
        self.n_windows = torch.zeros(n_latents, **zeros)
        self.histogram = torch.zeros(n_latents * BINS, **zeros)
        self.max_activation = torch.zeros(n_latents, dtype=torch.float16, device=device)
        self._bin_of = _bins(device)
        # A full cell keeps nothing below these: what `compact` would throw away is not gathered at all.
        self._least_peak = torch.full((2 * n_latents,), 0 if top else _INFINITY, dtype=torch.int16, device=device)
        self._last_priority = torch.full((2 * n_latents,), 1 << PRIORITY_BITS if sample else -1, **zeros)
        self._pool_priority, self._pool_start = torch.zeros(0, **zeros), torch.zeros(0, **zeros)
        self._kept: list[Rows] = []
        self._flags_kept = torch.zeros(0, dtype=torch.uint8, device=device)
        self._pooled: list[Rows] = []
        self._gathered = self._settled = 0

    @torch.no_grad()
    def add(self, latent: Tensor, pos: Tensor, act: Tensor, window: Tensor, windows: Windows) -> None:
        """Fold in one batch's activations.

        Args:
            latent: int64 (entry,).
            pos: int64 (entry,), positions in the corpus; for each latent in increasing order.
            act: (entry,), > 0, in the coder's units; kept as float16, and capped at its largest value.
            window: int64 (entry,), rows of `windows`, −1 for tokens in no complete window.
            windows: The batch's complete windows.
        """
        device = self.n_windows.device
        starts, hashes, test = (torch.from_numpy(a).to(device) for a in (windows.start, windows.hash, windows.test))
        pool_priority = _mix(hashes ^ self._seed) & _PRIORITY
        self._fold_pool(pool_priority, starts)
        half = act.clamp(max=65504).to(torch.float16)
        order = torch.argsort(latent.to(self._key_type), stable=True)
        if not bool((half > 0).all()):  # what underflows float16 does not fire: counts and contexts agree
            order = take(order, where(take(half, order) > 0))
        latent, pos, half, window = (take(column, order) for column in (latent, pos, half, window))
        if not latent.numel():
            return
        self._count(latent, half)
        # Entries of one latent in one window are neighbours now: a group.
        first = torch.ones_like(latent, dtype=torch.bool)
        first[1:] = (latent[1:] != latent[:-1]) | (window[1:] != window[:-1])
        begin = where(first)
        length = torch.diff(begin, append=torch.tensor([latent.numel()], device=device))
        group = torch.repeat_interleave(length)
        peak = torch.zeros(begin.numel(), dtype=torch.int16, device=device)
        peak.scatter_reduce_(0, group, half.view(torch.int16), "amax", include_self=False)
        latent_of, window_of = take(latent, begin), take(window, begin)
        if bool((window_of < 0).any()):
            complete = where(window_of >= 0)
            begin, length, peak = (take(column, complete) for column in (begin, length, peak))
            latent_of, window_of = take(latent_of, complete), take(window_of, complete)
        self.n_windows.scatter_add_(0, latent_of, torch.ones_like(latent_of))
        if windows.low is not None and windows.high is not None:  # the latent's entries beside the window too
            low, high = (take(torch.from_numpy(a).to(device), window_of) for a in (windows.low, windows.high))
            key, block = (latent << 33) | pos, latent_of << 33
            begin = torch.searchsorted(key, block | low)
            length = torch.searchsorted(key, block | high) - begin
        fires = self._watched(latent_of, window_of, len(windows.start))
        cell = 2 * latent_of + take(test, window_of)
        priority = _mix(take(self._salt, latent_of) ^ take(hashes, window_of)) & _PRIORITY

        def gather(keep: Tensor) -> Rows:
            chosen = where(keep)
            start, n = take(starts, take(window_of, chosen)), take(length, chosen)
            entry = ranges(take(begin, chosen), n)
            offset = (take(pos, entry) - torch.repeat_interleave(start, n)).to(torch.int16)
            shared = self._shared(fires, take(latent_of, chosen), take(window_of, chosen), len(windows.start))
            columns = (take(cell, chosen), start, take(peak, chosen), take(priority, chosen), shared, n)
            return Rows(columns, offset, take(half, entry))

        rows = gather((peak >= take(self._least_peak, cell)) | (priority <= take(self._last_priority, cell)))
        self._kept.append(rows)
        self._gathered += rows.act.numel()
        in_pool = pool_priority <= self._pool_last()
        if bool(in_pool.any()):
            self._pooled.append(gather(take(in_pool, window_of)))
        if self._gathered > max(self.buffer, self._settled):
            self.compact()

    def _watched(self, latent: Tensor, window: Tensor, n_windows: int) -> Tensor | None:
        """Bool (latent · window,): whether each fires on each of the batch's windows; None if nobody asks."""
        if not self._sibling.numel():
            return None
        fires = torch.zeros(self.n_latents * n_windows, dtype=torch.bool, device=latent.device)
        fires[latent * n_windows + window] = True
        return fires

    def _shared(self, fires: Tensor | None, latent: Tensor, window: Tensor, n_windows: int) -> Tensor:
        """int32 (row,): as bits, which of each latent's siblings fire on each window too."""
        shared = torch.zeros(latent.numel(), dtype=torch.int64, device=latent.device)
        if fires is not None:
            first = take(self._sibling_at, latent)
            n = take(self._sibling_at, latent + 1) - first
            row, at = torch.repeat_interleave(n), ranges(first, n)
            bit = take(fires, take(self._sibling, at) * n_windows + take(window, row)).to(torch.int64)
            shared.index_add_(0, row, bit << (at - take(first, row)))
        return shared.to(torch.int32)

    def _count(self, latent: Tensor, half: Tensor) -> None:
        bins = latent * BINS + take(self._bin_of, half.view(torch.int16).to(torch.int32))
        self.histogram.scatter_add_(0, bins, torch.ones_like(bins))
        record = where(half > take(self.max_activation, latent))
        self.max_activation.scatter_reduce_(0, take(latent, record), take(half, record), "amax")

    def _fold_pool(self, priority: Tensor, start: Tensor) -> None:
        priority, start = torch.cat([self._pool_priority, priority]), torch.cat([self._pool_start, start])
        by_start = torch.argsort(start, stable=True)
        order = by_start[torch.argsort(priority[by_start], stable=True)[: self.pool]]
        self._pool_priority, self._pool_start = priority[order], start[order]

    def _pool_last(self) -> Tensor | int:
        if self.pool == 0:
            return -1
        return self._pool_priority[-1] if self._pool_priority.numel() == self.pool else 1 << PRIORITY_BITS

    def compact(self) -> None:
        """Sort out what was gathered: per cell the top and the sample stay; of the pool, what still lies in it."""
        if not self._kept:
            return
        rows = Rows.cat(self._kept)
        flags = self._flags(rows)
        rows, self._flags_kept = rows[flags > 0], flags[flags > 0]
        self._kept, self._gathered, self._settled = [rows], 0, rows.act.numel()
        self._pooled = [rows[torch.isin(rows.start, self._pool_start)] for rows in self._pooled]

    def _flags(self, rows: Rows) -> Tensor:
        """Which rows are in their cell's sample or top, as bits; what a full cell asks of a newcomer is noted."""
        flags = torch.zeros(len(rows), dtype=torch.uint8, device=rows.cell.device)
        count = torch.bincount(rows.cell, minlength=2 * self.n_latents)
        before = torch.cumsum(count, 0) - count
        number = torch.arange(len(rows), device=rows.cell.device)
        cell_key = rows.cell << PRIORITY_BITS
        # 15 bits of activation (largest first), then as much of the priority as there is room for.
        descending = (_INFINITY - rows.peak.to(torch.int64)) << (PRIORITY_BITS - 15)
        keys = (
            (cell_key | rows.priority, self.sample, SAMPLE),
            (cell_key | descending | (rows.priority >> 15), self.top, TOP),
        )
        for key, n, flag in keys:
            order = torch.argsort(key, stable=True)
            rank = number - take(before, take(rows.cell, order))
            flags[order[rank < n]] |= flag
            last = order[rank == n - 1]
            if flag == SAMPLE:
                self._last_priority[rows.cell[last]] = rows.priority[last]
            else:
                self._least_peak[rows.cell[last]] = rows.peak[last]
        return flags

    def state(self) -> dict[str, Tensor]:
        """All that was found so far, by name: `absorb` takes it, in this process or another."""
        self.compact()
        state = {"n_windows": self.n_windows, "histogram": self.histogram, "max_activation": self.max_activation}
        state |= {"pool_priority": self._pool_priority, "pool_start": self._pool_start}
        for part, rows in (("kept", self._kept), ("pooled", self._pooled)):
            if rows:
                columns = zip(COLUMNS, Rows.cat(rows).everything, strict=True)
                state |= {f"{part}.{name}": column for name, column in columns}
        return state

    @torch.no_grad()
    def absorb(self, state: dict[str, Tensor]) -> None:
        """Add what another selector of the same arguments found on other documents, or this one before."""
        state = {name: tensor.to(self.n_windows.device) for name, tensor in state.items()}
        self.n_windows += state["n_windows"]
        self.histogram += state["histogram"]
        torch.maximum(self.max_activation, state["max_activation"], out=self.max_activation)
        self._fold_pool(state["pool_priority"], state["pool_start"])
        for part, rows in (("kept", self._kept), ("pooled", self._pooled)):
            if f"{part}.{COLUMNS[0]}" in state:
                *columns, offset, act = (state[f"{part}.{name}"] for name in COLUMNS)
                rows.append(Rows(tuple(columns), offset, act))
        if self._kept:
            self._kept[:] = [Rows.cat(self._kept).in_order_of_position()]
        self.compact()

    @torch.no_grad()
    def finish(self) -> Selection:
        """Bring what is kept into the order of the store, on the host."""
        self.compact()
        n, device = self.n_latents, self.n_windows.device
        window, flags, shared, key, act = (torch.zeros(0, dtype=torch.int64, device=device) for _ in range(5))
        if self._kept:
            both = Rows.cat([*self._kept, *self._pooled])
            n_pooled = sum(len(rows) for rows in self._pooled)
            pool_flag = torch.full((n_pooled,), POOL, dtype=torch.uint8, device=device)
            latent = both.cell >> 1
            # A window may have been kept for its latent and for the pool, and margins of neighbours overlap.
            window, inverse = torch.unique((latent << 33) | both.start, return_inverse=True)
            flags = torch.zeros(len(window), dtype=torch.int64, device=device)
            flags.index_add_(0, inverse, torch.cat([self._flags_kept, pool_flag]).to(torch.int64))
            shared = torch.zeros(len(window), dtype=torch.int32, device=device)
            shared[inverse] = both.shared
            position = torch.repeat_interleave(both.start, both.length) + both.offset
            key, inverse = torch.unique(
                (torch.repeat_interleave(latent, both.length) << 33) | position, return_inverse=True
            )
            act = torch.zeros(len(key), dtype=torch.float16, device=device)
            act[inverse] = both.act
        histogram = self.histogram.view(n, BINS).cpu().numpy()
        return Selection(
            window_indptr=_indptr(torch.bincount(window >> 33, minlength=n)),
            window=_low_half(window),
            flags=flags.cpu().numpy().astype(np.uint8),
            shared=shared.to(torch.int32).cpu().numpy().view(np.uint32),
            indptr=_indptr(torch.bincount(key >> 33, minlength=n)),
            pos=_low_half(key),
            act=act.to(torch.float16).cpu().numpy(),
            pool=np.sort(self._pool_start.cpu().numpy()).astype(np.uint32),
            n_tokens=histogram.sum(axis=1),
            n_windows=self.n_windows.cpu().numpy(),
            max_activation=self.max_activation.float().cpu().numpy(),
            histogram=histogram,
        )


def _bins(device: str | torch.device) -> Tensor:
    """int64 (2¹⁵,): the histogram's bin of every positive float16, by its bit pattern."""
    values = torch.arange(1 << 15, dtype=torch.int16).view(torch.float16).float()
    bins = ((values.log2() + 8) * 4).floor().clamp(0, BINS - 1).nan_to_num(0)
    return bins.to(torch.int64).to(device)


def _low_half(key: Tensor) -> np.ndarray:
    """The positions in (latent, position) keys, as uint32."""
    return (key & ((1 << 33) - 1)).cpu().numpy().astype(np.uint32)


def _mix(x: Tensor) -> Tensor:
    """splitmix64's finaliser on int64, which wraps: the same on every device."""
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


def _indptr(count: Tensor) -> np.ndarray:
    indptr = np.zeros(count.numel() + 1, dtype=np.int64)
    np.cumsum(count.cpu().numpy(), out=indptr[1:])
    return indptr
