"""Windows of latents as columns of tensors, with the activations on them: what selection gathers and sorts out."""

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

    def __getitem__(self, keep: Tensor) -> "Rows":
        rows, entries = where(keep), where(torch.repeat_interleave(keep, self.length))
        return Rows(
            tuple(take(column, rows) for column in self.columns), take(self.offset, entries), take(self.act, entries)
        )

    def flagged(self, flags: Tensor) -> "Rows":
        """Those with a flag, and with these flags in place of their own."""
        return Rows((*self.columns[:-1], flags), self.offset, self.act)[flags > 0]

    def in_order_of_position(self) -> "Rows":
        """The same rows, by where their windows start."""
        order = torch.argsort(self.start, stable=True)
        begin = torch.cumsum(self.length, 0) - self.length
        entries = ranges(take(begin, order), take(self.length, order))
        columns = tuple(take(column, order) for column in self.columns)
        return Rows(columns, take(self.offset, entries), take(self.act, entries))

    @staticmethod
    def none(device: torch.device) -> "Rows":
        """No rows."""
        types = (torch.int32, torch.int64, torch.int16, torch.int64, torch.int32, torch.int32, torch.uint8)
        columns = tuple(torch.zeros(0, dtype=dtype, device=device) for dtype in types)
        entries = (torch.zeros(0, dtype=dtype, device=device) for dtype in (torch.int16, torch.float16))
        return Rows(columns, *entries)

    @staticmethod
    def cat(parts: "list[Rows]") -> "Rows":
        """Several one after the other."""
        columns = tuple(torch.cat(c) for c in zip(*(part.columns for part in parts), strict=True))
        return Rows(columns, torch.cat([p.offset for p in parts]), torch.cat([p.act for p in parts]))


def take(column: Tensor, index: Tensor) -> Tensor:
    """`column[index]`, several times as fast on a CPU."""
    return column.index_select(0, index)


def where(mask: Tensor) -> Tensor:
    """Where a mask is true, as int64."""
    return mask.nonzero().squeeze(1)


def ranges(begin: Tensor, length: Tensor) -> Tensor:
    """The integers begin[0] … begin[0]+length[0]−1, begin[1] … and so on, in one tensor of `begin`'s type."""
    before = (torch.cumsum(length, 0) - length).to(begin.dtype)
    numbers = torch.arange(int(length.sum()), dtype=begin.dtype, device=begin.device)
    return torch.repeat_interleave(begin - before, length).add_(numbers)
