"""Windows of latents as columns of tensors, with the activations on them: what selection gathers and sorts out."""

from itertools import pairwise

import torch
from torch import Tensor

COLUMNS = ("cell", "start", "peak", "priority", "shared", "length", "flags", "offset", "act")


class Rows:
    """Windows as columns, one row per latent and window, and their entries, one per active token."""

    def __init__(self, columns: tuple[Tensor, ...], offset: Tensor, act: Tensor) -> None:
        self.columns, self.offset, self.act = columns, offset, act
        self.cell, self.start, self.peak, self.priority, self.shared, self.length, self.flags = columns

    def __len__(self) -> int:
        return self.cell.numel()

    @property
    def everything(self) -> tuple[Tensor, ...]:
        """Columns and entries, in the order of `COLUMNS`."""
        return *self.columns, self.offset, self.act

    @property
    def position(self) -> Tensor:
        """int64 (row,): where each window starts. The column has its 32 bits, which torch can only sort with a sign."""
        return self.start.to(torch.int64) & 0xFFFFFFFF

    @property
    def key(self) -> Tensor:
        """int64 (row,): the latent and the position, in one number that is in order of both."""
        return self.cell.to(torch.int64) >> 1 << 33 | self.position

    def __getitem__(self, rows: Tensor) -> "Rows":
        """The rows of these numbers, in this order."""
        begin = (torch.cumsum(self.length, 0) - self.length).to(torch.int32)
        columns = tuple(take(column, rows) for column in self.columns)
        entries = ranges(take(begin, rows), take(self.length, rows).to(torch.int32))
        return Rows(columns, take(self.offset, entries), take(self.act, entries))

    def flagged(self, flags: Tensor) -> "Rows":
        """The same with these flags in place of their own."""
        return Rows((*self.columns[:-1], flags), self.offset, self.act)

    def cut(self, latents: list[int]) -> "list[Rows]":
        """Those from each of these latents up to the next, where rows are in order of latent: views, no copies."""
        cells = 2 * torch.tensor(latents, dtype=self.cell.dtype, device=self.cell.device)
        at = torch.searchsorted(self.cell, cells)  # the two cells of a latent may be mixed
        begin = torch.cat([at.new_zeros(1), torch.cumsum(self.length, 0)])
        bounds = pairwise(zip(at.tolist(), take(begin, at).tolist(), strict=True))
        return [self.part(slice(a, b), slice(c, d)) for (a, c), (b, d) in bounds]

    def part(self, rows: slice, entries: slice) -> "Rows":
        """A view of some rows, whose entries are these."""
        return Rows(tuple(column[rows] for column in self.columns), self.offset[entries], self.act[entries])

    def room(self, n_rows: int, n_entries: int) -> "Rows":
        """Columns of the same types for so many rows and entries, of no particular content."""
        columns = tuple(column.new_empty(n_rows) for column in self.columns)
        return Rows(columns, self.offset.new_empty(n_entries), self.act.new_empty(n_entries))

    def fill(self, rows: "Rows") -> "Rows":
        """Take over the content of others of the same size."""
        for mine, its in zip(self.everything, rows.everything, strict=True):
            mine.copy_(its)
        return self

    @staticmethod
    def cat(parts: "list[Rows]") -> "Rows":
        """Several one after the other."""
        columns = tuple(torch.cat(c) for c in zip(*(part.columns for part in parts), strict=True))
        return Rows(columns, torch.cat([p.offset for p in parts]), torch.cat([p.act for p in parts]))


def take(column: Tensor, index: Tensor) -> Tensor:
    """`column[index]`, several times as fast on a CPU."""
    return column.index_select(0, index)


def where(mask: Tensor) -> Tensor:
    """Return the positions where a mask is true, as int64."""
    return mask.nonzero().squeeze(1)


def ranges(begin: Tensor, length: Tensor) -> Tensor:
    """The integers begin[0] … begin[0]+length[0]−1, begin[1] … and so on, in one tensor of `begin`'s type."""
    before = (torch.cumsum(length, 0) - length).to(begin.dtype)
    numbers = torch.arange(int(length.sum()), dtype=begin.dtype, device=begin.device)
    return torch.repeat_interleave(begin - before, length).add_(numbers)
