"""Which windows of each latent are kept: one pass, in memory that does not grow with the corpus.

Everything kept is a summary that merges: counts and histogram by +, maximum by max, the `top` windows by (activation,
priority), the uniform sample by smallest priority, equals in order of position. A window's priority is a hash of the
seed, the latent, the document's tokens and the window's number in it, so what is kept depends on nothing else: not on
batch size, device or order, nor on how the corpus was shared out. The two splits of a latent are selected apart, each
in its own *cell*: cell = 2 · latent + (1 if test).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.prep.corpus.chunks import Windows
from inspect_autointerp.prep.run.all_or_nothing import AllOrNothing
from inspect_autointerp.prep.select.groups import Entries, Groups, peaks, with_margins
from inspect_autointerp.prep.select.overlap import Overlap
from inspect_autointerp.prep.select.result import Selection, block_of, counts
from inspect_autointerp.prep.select.retained import PRIORITY_BITS, Held
from inspect_autointerp.prep.select.reverse_neighbours import Siblings
from inspect_autointerp.prep.select.rows import COLUMNS, Rows, ranges, take, where
from inspect_autointerp.prep.select.topk import stable_order
from inspect_autointerp.store.postings import OTHER, POOL

BINS = 64
"""Bins of the histogram: quarter octaves from 2⁻⁸ to 2⁸, those beyond in the outermost."""
_PRIORITY = (1 << PRIORITY_BITS) - 1


class Selector(AllOrNothing):
    """Folds batches of sparse activations of one hookpoint into per-latent state of fixed size.

    Args:
        n_latents: Width of the coder.
        sample: Windows to keep per cell, uniformly.
        top: Windows to keep per cell, those of the largest maximum.
        pool: Windows to keep for all latents, uniformly.
        seed: Of the priorities.
        siblings: Per latent those to watch on its windows; none are watched if not given.
        paired: The same coder reads another subject too: count where latents fire in both, and mark such windows.
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
        paired: bool = False,
        device: str | torch.device = "cpu",
        buffer: int = 2_000_000,
    ) -> None:
        siblings = siblings or Siblings.none(n_latents)
        self._sibling = torch.from_numpy(siblings.latent.astype(np.int32)).to(device)
        self._sibling_at = torch.from_numpy(siblings.indptr.astype(np.int32)).to(device)
        self.n_latents, self.pool = n_latents, pool
        self._seed = _mix(torch.tensor(seed + 1, device=device, dtype=torch.int64))
        self._salt = _mix(torch.arange(n_latents, device=device) + self._seed)
        zeros = {"dtype": torch.int64, "device": device}
        self.n_windows = torch.zeros(n_latents, **zeros)
        self.histogram = torch.zeros(n_latents * BINS, **zeros)
        self.max_activation = torch.zeros(n_latents, dtype=torch.float16, device=device)
        self.overlap = Overlap(n_latents, device) if paired else None
        self._bin_of = _bins(device)
        self._pool_priority, self._pool_start = torch.zeros(0, **zeros), torch.zeros(0, **zeros)
        self._held = Held(n_latents, sample=sample, top=top, device=device, buffer=buffer)

    @torch.no_grad()
    def add(
        self,
        latent: Tensor,
        pos: Tensor,
        act: Tensor,
        window: Tensor,
        windows: Windows,
        other: Sequence[Tensor] | None = None,
    ) -> None:
        """Fold in one batch's activations.

        Args:
            latent: int64 (entry,).
            pos: int64 (entry,), positions in the corpus; for each latent in increasing order.
            act: (entry,), > 0, in the coder's units; kept as float16, and capped at its largest value.
            window: int64 (entry,), rows of `windows`, −1 for tokens in no complete window.
            windows: The batch's complete windows.
            other: The first four of the other subject, if the selector is paired.
        """
        with self.change():
            self._add(self._sorted(latent, pos, act, window), windows, None if other is None else self._sorted(*other))

    def _add(self, entries: Entries, windows: Windows, other: Entries | None) -> None:
        starts, hashes = (torch.from_numpy(a).to(self.n_windows.device) for a in (windows.start, windows.hash))
        pool_priority = _mix(hashes ^ self._seed) & _PRIORITY
        self._fold_pool(pool_priority, starts)
        groups = self._counted(entries)
        flags = take(pool_priority <= self._pool_last(), groups.window).to(torch.uint8) * POOL
        if self.overlap is not None and other is not None:
            flags |= self.overlap.add(entries, groups, other, len(windows.start)).to(torch.uint8) * OTHER
        if groups.latent.numel():
            self._hold(entries, with_margins(entries, groups, windows), flags, starts, hashes, windows)

    def _sorted(self, latent: Tensor, pos: Tensor, act: Tensor, window: Tensor) -> Entries:
        """Return the entries in order of latent, as float16, without those that underflow it.

        What underflows does not fire: counts and contexts agree.
        """
        half = act.clamp(max=65504).to(torch.float16)
        order = stable_order(latent, self.n_latents)
        positive = half.view(torch.int16) > 0
        if not bool(positive.all()):
            order = take(order, where(take(positive, order)))
        return Entries(*(take(column, order) for column in (latent, pos, half, window)))

    def _counted(self, entries: Entries) -> Groups:
        """Return the groups in complete windows, once all entries are counted."""
        if not entries.latent.numel():
            empty = entries.latent
            return Groups(empty, empty, empty, empty, entries.act.view(torch.int16))
        bits = entries.act.view(torch.int16)
        bins = entries.latent * BINS + take(self._bin_of, bits.to(torch.int32))
        self.histogram.scatter_add_(0, bins, torch.ones_like(bins))
        first = torch.ones_like(entries.latent, dtype=torch.bool)  # (entry,)
        first[1:] = (entries.latent[1:] != entries.latent[:-1]) | (entries.window[1:] != entries.window[:-1])
        begin = where(first)  # (group,)
        length = torch.diff(begin, append=torch.tensor([entries.latent.numel()], device=begin.device))
        peak = peaks(bits, begin, length)
        groups = Groups(take(entries.latent, begin), take(entries.window, begin), begin, length, peak)
        self.max_activation.scatter_reduce_(0, groups.latent, peak.view(torch.float16), "amax")
        if bool((groups.window < 0).any()):
            groups = groups.where(groups.window >= 0)
        self.n_windows.scatter_add_(0, groups.latent, torch.ones_like(groups.latent))
        return groups

    def _hold(
        self,
        entries: Entries,
        groups: Groups,
        flags: Tensor,
        starts: Tensor,
        hashes: Tensor,
        windows: Windows,
    ) -> None:
        """Hold the groups that could stay, with their entries.

        Args:
            entries: All entries.
            groups: All groups.
            flags: uint8 (group,): `POOL` where its window is in the pool, and `OTHER`.
            starts: int64 (window,): positions in the corpus.
            hashes: int64 (window,): of the windows' texts.
            windows: The batch's complete windows.
        """
        n_windows, test = len(windows.start), torch.from_numpy(windows.test).to(starts.device)
        fires = self._watched(groups.latent, groups.window, n_windows)
        cell = 2 * groups.latent + take(test, groups.window)
        priority = _mix(take(self._salt, groups.latent) ^ take(hashes, groups.window)) & _PRIORITY
        chosen = where(self._held.wanted(cell, groups.peak, priority) | (flags & POOL > 0))
        groups = Groups(*(take(column, chosen) for column in groups))
        cell, priority, flags = (take(column, chosen) for column in (cell, priority, flags))
        length = groups.length.to(torch.int32)
        start, entry = take(starts, groups.window), ranges(groups.begin.to(torch.int32), length)
        offset = (take(entries.pos, entry) - torch.repeat_interleave(start, length)).to(torch.int16)
        shared = self._shared(fires, groups.latent, groups.window, n_windows)
        columns = (
            *(cell.to(torch.int32), start.to(torch.int32), groups.peak, priority),
            *(shared, length.to(torch.int16), flags),  # sample and top are for `Held` to say
        )
        self._held.add(Rows(columns, offset, take(entries.act, entry)))
        if self._held.full:
            self._held.sort_out(self._pool_start)

    def _watched(self, latent: Tensor, window: Tensor, n_windows: int) -> Tensor | None:
        """Bool (latent · window,): whether each fires on each of the batch's windows; None if nobody asks."""
        if not self._sibling.numel():
            return None
        fires = torch.zeros(self.n_latents * n_windows, dtype=torch.bool, device=latent.device)
        fires[latent * n_windows + window] = True
        return fires

    def _shared(self, fires: Tensor | None, latent: Tensor, window: Tensor, n_windows: int) -> Tensor:
        """int32 (row,): as bits, which of each latent's siblings fire on each window too."""
        shared = torch.zeros(latent.numel(), dtype=torch.int32, device=latent.device)
        if fires is not None:
            first = take(self._sibling_at, latent)
            n = take(self._sibling_at, latent + 1) - first
            row = torch.repeat_interleave(n)
            rank = torch.arange(len(row), dtype=torch.int32, device=row.device)
            rank -= take((torch.cumsum(n, 0) - n).to(torch.int32), row)
            sibling = take(self._sibling, rank + take(first, row)).to(torch.int64)
            there = take(fires, sibling * n_windows + take(window, row))
            shared.index_add_(0, row, there.to(torch.int32) << rank)
        return shared

    def _fold_pool(self, priority: Tensor, start: Tensor) -> None:
        priority, start = torch.cat([self._pool_priority, priority]), torch.cat([self._pool_start, start])
        by_start = torch.argsort(start, stable=True)
        order = by_start[torch.argsort(priority[by_start], stable=True)[: self.pool]]
        self._pool_priority, self._pool_start = priority[order], start[order]

    def _pool_last(self) -> Tensor | int:
        if self.pool == 0:
            return -1
        return self._pool_priority[-1] if self._pool_priority.numel() == self.pool else 1 << PRIORITY_BITS

    @property
    def fires(self) -> bool:
        """Return whether any latent fired so far."""
        return bool(self.histogram.any())

    def _sort_out(self) -> None:
        with self.change():
            self._held.sort_out(self._pool_start)

    def state(self) -> dict[str, list[Tensor]]:
        """All that was found so far, by name and in parts: `absorb` takes it joined, in this process or another."""
        self._sort_out()
        state = {"n_windows": self.n_windows, "histogram": self.histogram, "max_activation": self.max_activation}
        state |= {"pool_priority": self._pool_priority, "pool_start": self._pool_start}
        state |= {} if self.overlap is None else self.overlap.state()
        columns = zip(*(rows.everything for rows in self._held.blocks), strict=True)
        return {name: [tensor] for name, tensor in state.items()} | dict(zip(COLUMNS, map(list, columns), strict=False))

    @torch.no_grad()
    def absorb(self, state: dict[str, Tensor]) -> None:
        """Add what another selector of the same arguments found on other documents, or this one before."""
        with self.change():
            self._absorb(state)

    def _absorb(self, state: dict[str, Tensor]) -> None:
        device = self.n_windows.device
        self.n_windows += state["n_windows"].to(device)
        self.histogram += state["histogram"].to(device)
        torch.maximum(self.max_activation, state["max_activation"].to(device), out=self.max_activation)
        self._fold_pool(state["pool_priority"].to(device), state["pool_start"].to(device))
        if self.overlap is not None:
            self.overlap.absorb(state)
        if COLUMNS[0] in state:
            *columns, offset, act = (state[name].to(device) for name in COLUMNS)
            self._held.add(Rows(tuple(columns), offset, act))
        self._held.sort_out(self._pool_start, mixed=True)

    @torch.no_grad()
    def finish(self) -> Selection:
        """Bring what is kept into the order of the store. It stays as it is, and can be finished again."""
        self._sort_out()
        blocks = self._held.in_order()
        n_windows = n_entries = np.zeros(self.n_latents, dtype=np.int64)
        for rows in blocks:
            more_windows, more_entries = counts(rows, self.n_latents)
            n_windows, n_entries = n_windows + more_windows, n_entries + more_entries
        histogram = self.histogram.view(self.n_latents, BINS).cpu().numpy()
        return Selection(
            window_indptr=_indptr(n_windows),
            indptr=_indptr(n_entries),
            blocks=map(block_of, blocks),
            pool=np.sort(self._pool_start.cpu().numpy()).astype(np.uint32),
            n_tokens=histogram.sum(axis=1),
            n_windows=self.n_windows.cpu().numpy(),
            max_activation=self.max_activation.float().cpu().numpy(),
            histogram=histogram,
        )


def _bins(device: str | torch.device) -> Tensor:
    """int16 (2¹⁵,): the histogram's bin of every positive float16, by its bit pattern."""
    values = torch.arange(1 << 15, dtype=torch.int16).view(torch.float16).float()
    bins = ((values.log2() + 8) * 4).floor().clamp(0, BINS - 1).nan_to_num(0)
    return bins.to(torch.int16).to(device)


def _mix(x: Tensor) -> Tensor:
    """splitmix64's finaliser on int64, which wraps: the same on every device."""
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


def _indptr(count: np.ndarray) -> np.ndarray:
    indptr = np.zeros(len(count) + 1, dtype=np.int64)
    np.cumsum(count, out=indptr[1:])
    return indptr
