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
_MANTISSA_TOP = 0x7C00
"""Positive float16 bit patterns are in order of value and below this (infinity)."""


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


class _Kept:
    """Windows kept so far, as columns (one row per latent and window), with their entries (one per active token)."""

    def __init__(self, columns: tuple[Tensor, ...], offset: Tensor, act: Tensor) -> None:
        self.cell, self.start, self.peak, self.priority, self.pool_priority, self.length = columns
        self.offset, self.act = offset, act

    def columns(self) -> tuple[Tensor, ...]:
        return self.cell, self.start, self.peak, self.priority, self.pool_priority, self.length

    def __getitem__(self, keep: Tensor) -> "_Kept":
        entries = torch.repeat_interleave(keep, self.length)
        return _Kept(tuple(c[keep] for c in self.columns()), self.offset[entries], self.act[entries])

    @staticmethod
    def cat(parts: "list[_Kept]") -> "_Kept":
        columns = tuple(torch.cat(c) for c in zip(*(part.columns() for part in parts), strict=True))
        return _Kept(columns, torch.cat([p.offset for p in parts]), torch.cat([p.act for p in parts]))


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
        pool: int = 2048,
        seed: int = 0,
        device: str | torch.device = "cpu",
        buffer: int = 2_000_000,
    ) -> None:
        self.n_latents, self.sample, self.top, self.pool, self.buffer = n_latents, sample, top, pool, buffer
        self._seed = _mix(torch.tensor(seed + 1, device=device, dtype=torch.int64))
        zeros = {"dtype": torch.int64, "device": device}
        self.n_tokens, self.n_windows = torch.zeros(n_latents, **zeros), torch.zeros(n_latents, **zeros)
        self.histogram = torch.zeros(n_latents * BINS, **zeros)
        self.max_activation = torch.zeros(n_latents, device=device)
        # Cells that are full keep nothing below these: what `compact` would throw away is not gathered at all.
        self._least_peak = torch.zeros(2 * n_latents, dtype=torch.int16, device=device)
        self._last_priority = torch.full((2 * n_latents,), 1 << PRIORITY_BITS, **zeros)
        self._pool_priority = torch.zeros(0, **zeros)
        self._pool_start = torch.zeros(0, **zeros)
        empty = torch.zeros(0, **zeros)
        columns = (empty, empty, empty.to(torch.int16), empty, empty, empty)
        self._kept = _Kept(columns, empty.to(torch.int16), empty.to(torch.float16))
        self._new: list[_Kept] = []
        self._gathered = 0

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
        device = self.n_tokens.device
        starts, low, high, hashes = (
            torch.from_numpy(a).to(device) for a in (windows.start, windows.low, windows.high, windows.hash)
        )
        test = torch.from_numpy(windows.test).to(device)
        pool_priority = _mix(hashes ^ self._seed) & ((1 << PRIORITY_BITS) - 1)
        self._fold_pool(pool_priority, starts)
        half = act.clamp(max=65504).to(torch.float16)
        fires = half > 0  # what underflows float16 does not fire: counts and contexts agree
        if not bool(fires.all()):
            latent, pos, half, window = latent[fires], pos[fires], half[fires], window[fires]
        if not latent.numel():
            return
        order = torch.argsort(latent, stable=True)
        latent, pos, half, window = latent[order], pos[order], half[order], window[order]
        self._count(latent, half)
        inside = window >= 0
        key = (latent << 33) | pos
        latent_in, window_in, half_in = latent[inside], window[inside], half[inside]
        if not latent_in.numel():
            return
        first = torch.ones_like(latent_in, dtype=torch.bool)
        first[1:] = (latent_in[1:] != latent_in[:-1]) | (window_in[1:] != window_in[:-1])
        group = torch.cumsum(first, 0) - 1
        latent_of, window_of = latent_in[first], window_in[first]
        peak = torch.zeros(latent_of.numel(), dtype=torch.int16, device=device).scatter_reduce_(
            0, group, half_in.view(torch.int16), "amax", include_self=False
        )
        self.n_windows += torch.bincount(latent_of, minlength=self.n_latents)
        cell = 2 * latent_of + test[window_of]
        priority = _mix(_mix(latent_of + self._seed) ^ hashes[window_of]) & ((1 << PRIORITY_BITS) - 1)
        pooled = pool_priority[window_of]
        keep = (peak >= self._least_peak[cell]) | (priority <= self._last_priority[cell])
        keep |= pooled <= self._pool_last()
        cell, window_of, latent_of = cell[keep], window_of[keep], latent_of[keep]
        # The latent's entries from `low` to `high` of the window: the window's own, and its margins where it has any.
        begin = torch.searchsorted(key, (latent_of << 33) | low[window_of])
        length = torch.searchsorted(key, (latent_of << 33) | high[window_of]) - begin
        entry = _ranges(begin, length)
        start = starts[window_of]
        offset = (pos[entry] - torch.repeat_interleave(start, length)).to(torch.int16)
        columns = (cell, start, peak[keep], priority[keep], pooled[keep], length)
        self._new.append(_Kept(columns, offset, half[entry]))
        self._gathered += entry.numel()
        if self._gathered > max(self.buffer, self._kept.act.numel()):
            self.compact()

    def _count(self, latent: Tensor, half: Tensor) -> None:
        value = half.float()
        self.n_tokens += torch.bincount(latent, minlength=self.n_latents)
        bins = ((value.log2() + 8) * 4).floor().clamp(0, BINS - 1).to(torch.int64)
        self.histogram += torch.bincount(latent * BINS + bins, minlength=self.histogram.numel())
        self.max_activation.scatter_reduce_(0, latent, value, "amax")

    def _fold_pool(self, priority: Tensor, start: Tensor) -> None:
        priority, start = torch.cat([self._pool_priority, priority]), torch.cat([self._pool_start, start])
        order = torch.argsort(priority, stable=True)[: self.pool]
        self._pool_priority, self._pool_start = priority[order], start[order]

    def _pool_last(self) -> Tensor | int:
        if self.pool == 0:
            return -1
        return self._pool_priority[-1] if self._pool_priority.numel() == self.pool else 1 << PRIORITY_BITS

    def compact(self) -> None:
        """Sort out what was gathered: per cell the top and the sample stay, and what lies in the pool."""
        if not self._new:
            return
        kept = _Kept.cat([self._kept, *self._new])
        self._new, self._gathered = [], 0
        flags = self._flags(kept, learn=True)
        self._kept = kept[flags > 0]

    def _flags(self, kept: _Kept, learn: bool = False) -> Tensor:
        """Why each row is kept, as bits; 0 where it need not be."""
        flags = torch.zeros(kept.cell.numel(), dtype=torch.uint8, device=kept.cell.device)
        count = torch.bincount(kept.cell, minlength=2 * self.n_latents)
        before = torch.cumsum(count, 0) - count
        row = torch.arange(kept.cell.numel(), device=kept.cell.device)
        sample_key = (kept.cell << PRIORITY_BITS) | kept.priority
        # 15 bits of activation (largest first), then as much of the priority as there is room for.
        descending = (_MANTISSA_TOP - kept.peak.to(torch.int64)) << (PRIORITY_BITS - 15)
        top_key = (kept.cell << PRIORITY_BITS) | descending | (kept.priority >> 15)
        for key, n, flag in ((sample_key, self.sample, SAMPLE), (top_key, self.top, TOP)):
            order = torch.argsort(key, stable=True)
            rank = row - before[kept.cell[order]]
            flags[order[rank < n]] |= flag
            if learn and n:
                last = order[rank == n - 1]
                if flag == SAMPLE:
                    self._last_priority[kept.cell[last]] = kept.priority[last]
                else:
                    self._least_peak[kept.cell[last]] = kept.peak[last]
        if learn:  # with none to keep of a kind, nothing is gathered for it
            if self.sample == 0:
                self._last_priority.fill_(-1)
            if self.top == 0:
                self._least_peak.fill_(_MANTISSA_TOP)
        flags[kept.pool_priority <= self._pool_last()] |= POOL
        return flags

    @torch.no_grad()
    def finish(self) -> Selection:
        """Bring what is kept into the order of the store, on the host."""
        self.compact()
        kept, n = self._kept, self.n_latents
        flags = self._flags(kept)
        latent = kept.cell >> 1
        order = torch.argsort((latent << 33) | kept.start)
        window_indptr = _indptr(torch.bincount(latent, minlength=n))
        position = torch.repeat_interleave(kept.start, kept.length) + kept.offset
        key = (torch.repeat_interleave(latent, kept.length) << 33) | position
        key, inverse = torch.unique(key, return_inverse=True)  # margins of neighbouring windows overlap
        act = torch.zeros(key.numel(), dtype=torch.float16, device=key.device)
        act[inverse] = kept.act
        return Selection(
            window_indptr=window_indptr,
            window=kept.start[order].cpu().numpy().astype(np.uint32),
            flags=flags[order].cpu().numpy(),
            indptr=_indptr(torch.bincount(key >> 33, minlength=n)),
            pos=(key & ((1 << 33) - 1)).cpu().numpy().astype(np.uint32),
            act=act.cpu().numpy(),
            pool=np.sort(self._pool_start.cpu().numpy()).astype(np.uint32),
            n_tokens=self.n_tokens.cpu().numpy(),
            n_windows=self.n_windows.cpu().numpy(),
            max_activation=self.max_activation.cpu().numpy(),
            histogram=self.histogram.view(n, BINS).cpu().numpy(),
        )


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
