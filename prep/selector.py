"""Which windows of each latent are kept: one pass, in memory that does not grow with the corpus.

Everything kept is a summary that merges: counts and histogram by +, maximum by max, the `top` windows by (activation,
priority), the uniform sample by smallest priority. A window's priority is a hash of the seed, the latent, the
document's tokens and the window's number in it, so what is kept depends on nothing else: not on batch size, device or
order. The two splits of a latent are selected apart, each in a *cell* of its own: cell = 2 · latent + (1 if test).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.prep.chunks import Windows
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


class _Rows:
    """Windows as columns, one row per latent and window, and their entries, one per active token."""

    def __init__(self, columns: tuple[Tensor, ...], offset: Tensor, act: Tensor) -> None:
        self.columns, self.offset, self.act = columns, offset, act
        self.cell, self.start, self.peak, self.priority, self.length = columns

    def __len__(self) -> int:
        return self.cell.numel()

    def __getitem__(self, keep: Tensor) -> "_Rows":
        rows, entries = _true(keep), _true(torch.repeat_interleave(keep, self.length))
        return _Rows(
            tuple(_take(column, rows) for column in self.columns), _take(self.offset, entries), _take(self.act, entries)
        )

    @staticmethod
    def cat(parts: "list[_Rows]") -> "_Rows":
        columns = tuple(torch.cat(c) for c in zip(*(part.columns for part in parts), strict=True))
        return _Rows(columns, torch.cat([p.offset for p in parts]), torch.cat([p.act for p in parts]))


class Selector:
    """Folds batches of sparse activations of one hookpoint into per-latent state of fixed size.

    Args:
        n_latents: Width of the coder.
        sample: Windows to keep per cell, uniformly.
        top: Windows to keep per cell, those of the largest maximum.
        pool: Windows to keep for all latents, uniformly.
        seed: Of the priorities.
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
        device: str | torch.device = "cpu",
        buffer: int = 2_000_000,
    ) -> None:
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
        self._kept: list[_Rows] = []
        self._flags_kept = torch.zeros(0, dtype=torch.uint8, device=device)
        self._pooled: list[_Rows] = []
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
            order = _take(order, _true(_take(half, order) > 0))
        latent, pos, half, window = (_take(column, order) for column in (latent, pos, half, window))
        if not latent.numel():
            return
        self._count(latent, half)
        # Entries of one latent in one window are neighbours now: a group.
        first = torch.ones_like(latent, dtype=torch.bool)
        first[1:] = (latent[1:] != latent[:-1]) | (window[1:] != window[:-1])
        begin = _true(first)
        length = torch.diff(begin, append=torch.tensor([latent.numel()], device=device))
        group = torch.repeat_interleave(length)
        peak = torch.zeros(begin.numel(), dtype=torch.int16, device=device)
        peak.scatter_reduce_(0, group, half.view(torch.int16), "amax", include_self=False)
        latent_of, window_of = _take(latent, begin), _take(window, begin)
        if bool((window_of < 0).any()):
            complete = _true(window_of >= 0)
            begin, length, peak = (_take(column, complete) for column in (begin, length, peak))
            latent_of, window_of = _take(latent_of, complete), _take(window_of, complete)
        self.n_windows.scatter_add_(0, latent_of, torch.ones_like(latent_of))
        if windows.low is not None and windows.high is not None:  # the latent's entries beside the window too
            low, high = (_take(torch.from_numpy(a).to(device), window_of) for a in (windows.low, windows.high))
            key, block = (latent << 33) | pos, latent_of << 33
            begin = torch.searchsorted(key, block | low)
            length = torch.searchsorted(key, block | high) - begin
        cell = 2 * latent_of + _take(test, window_of)
        priority = _mix(_take(self._salt, latent_of) ^ _take(hashes, window_of)) & _PRIORITY

        def gather(keep: Tensor) -> _Rows:
            chosen = _true(keep)
            start, n = _take(starts, _take(window_of, chosen)), _take(length, chosen)
            entry = _ranges(_take(begin, chosen), n)
            offset = (_take(pos, entry) - torch.repeat_interleave(start, n)).to(torch.int16)
            columns = (_take(cell, chosen), start, _take(peak, chosen), _take(priority, chosen), n)
            return _Rows(columns, offset, _take(half, entry))

        rows = gather((peak >= _take(self._least_peak, cell)) | (priority <= _take(self._last_priority, cell)))
        self._kept.append(rows)
        self._gathered += rows.act.numel()
        in_pool = pool_priority <= self._pool_last()
        if bool(in_pool.any()):
            self._pooled.append(gather(_take(in_pool, window_of)))
        if self._gathered > max(self.buffer, self._settled):
            self.compact()

    def _count(self, latent: Tensor, half: Tensor) -> None:
        bins = latent * BINS + _take(self._bin_of, half.view(torch.int16).to(torch.int32))
        self.histogram.scatter_add_(0, bins, torch.ones_like(bins))
        record = _true(half > _take(self.max_activation, latent))
        self.max_activation.scatter_reduce_(0, _take(latent, record), _take(half, record), "amax")

    def _fold_pool(self, priority: Tensor, start: Tensor) -> None:
        priority, start = torch.cat([self._pool_priority, priority]), torch.cat([self._pool_start, start])
        order = torch.argsort(priority, stable=True)[: self.pool]
        self._pool_priority, self._pool_start = priority[order], start[order]

    def _pool_last(self) -> Tensor | int:
        if self.pool == 0:
            return -1
        return self._pool_priority[-1] if self._pool_priority.numel() == self.pool else 1 << PRIORITY_BITS

    def compact(self) -> None:
        """Sort out what was gathered: per cell the top and the sample stay; of the pool, what still lies in it."""
        if not self._kept:
            return
        rows = _Rows.cat(self._kept)
        flags = self._flags(rows)
        rows, self._flags_kept = rows[flags > 0], flags[flags > 0]
        self._kept, self._gathered, self._settled = [rows], 0, rows.act.numel()
        self._pooled = [rows[torch.isin(rows.start, self._pool_start)] for rows in self._pooled]

    def _flags(self, rows: _Rows) -> Tensor:
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
            rank = number - _take(before, _take(rows.cell, order))
            flags[order[rank < n]] |= flag
            last = order[rank == n - 1]
            if flag == SAMPLE:
                self._last_priority[rows.cell[last]] = rows.priority[last]
            else:
                self._least_peak[rows.cell[last]] = rows.peak[last]
        return flags

    @torch.no_grad()
    def finish(self) -> Selection:
        """Bring what is kept into the order of the store, on the host."""
        self.compact()
        n, device = self.n_latents, self.n_windows.device
        window, flags, key, act = (torch.zeros(0, dtype=torch.int64, device=device) for _ in range(4))
        if self._kept:
            both = _Rows.cat([*self._kept, *self._pooled])
            n_pooled = sum(len(rows) for rows in self._pooled)
            pool_flag = torch.full((n_pooled,), POOL, dtype=torch.uint8, device=device)
            latent = both.cell >> 1
            # A window may have been kept for its latent and for the pool, and margins of neighbours overlap.
            window, inverse = torch.unique((latent << 33) | both.start, return_inverse=True)
            flags = torch.zeros(len(window), dtype=torch.int64, device=device)
            flags.index_add_(0, inverse, torch.cat([self._flags_kept, pool_flag]).to(torch.int64))
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


def _take(column: Tensor, index: Tensor) -> Tensor:
    """`column[index]`, several times as fast on a CPU."""
    return column.index_select(0, index)


def _true(mask: Tensor) -> Tensor:
    """Where a mask is true, as int64."""
    return mask.nonzero().squeeze(1)


def _mix(x: Tensor) -> Tensor:
    """splitmix64's finaliser on int64, which wraps: the same on every device."""
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


def _ranges(begin: Tensor, length: Tensor) -> Tensor:
    """The integers begin[0] … begin[0]+length[0]−1, begin[1] … and so on, in one tensor."""
    before = torch.cumsum(length, 0) - length
    total = int(length.sum())
    return torch.repeat_interleave(begin - before, length) + torch.arange(total, device=begin.device)


def _indptr(count: Tensor) -> np.ndarray:
    indptr = np.zeros(count.numel() + 1, dtype=np.int64)
    np.cumsum(count.cpu().numpy(), out=indptr[1:])
    return indptr
