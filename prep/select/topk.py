"""Order in groups: which rows have the smallest keys of their cell, and a stable order by a small number.

What a sort moves decides what it costs: on a CPU, numpy sorts bare int64 ten times as fast as torch finds the order of
them, and orders sixteen bits twice as fast. On a GPU torch's own sorts are the fast ones.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def lowest(key: Callable[[Tensor], Tensor], cell: Tensor, size: Tensor, n: int, *, bits: int) -> tuple[Tensor, Tensor]:
    """Which rows have one of the n smallest keys of their cell; of rows with equal keys, the first.

    Only values are sorted: the n-th smallest key of a cell says of every row which side it is on, and only where that
    key occurs again does the order of rows have a say.

    Args:
        key: Gives the keys, int64 in [0, 2^bits), of rows by number; asked for cells of at least n rows alone.
        cell: (row,): integers, below 2^(63 − bits).
        size: int64 (cell,): how many rows each cell has.
        n: How many to find per cell.
        bits: Of a key.

    Returns:
        bool (row,); and int64 (cell,), the n-th smallest key, −1 where a cell has fewer than n rows or n is 0.
    """
    keep, nth_key = torch.full_like(cell, n > 0, dtype=torch.bool), torch.full_like(size, -1)
    full = size >= n
    if n == 0 or not bool(full.any()):
        return keep, nth_key
    rows = full.index_select(0, cell).nonzero().squeeze(1)
    cell = cell.index_select(0, rows)
    keys = cell.to(torch.int64) << bits | key(rows)
    ordered = torch.from_numpy(np.sort(keys.numpy())) if keys.device.type == "cpu" else keys.sort().values
    end = torch.cumsum(size[full], 0)
    nth = end - size[full] + n - 1
    bound = ordered.index_select(0, nth)
    nth_key[full] = bound
    excess = keys - nth_key.index_select(0, cell)
    keep[rows] = excess <= 0
    again = (nth + 1 < end) & (ordered.index_select(0, (nth + 1).clamp(max=len(ordered) - 1)) == bound)
    if bool(again.any()):
        room = torch.zeros_like(size)
        room[full] = nth + 1 - torch.searchsorted(ordered, bound)
        equal = (excess == 0).nonzero().squeeze(1)
        equal = equal[torch.argsort(cell[equal], stable=True)]
        equal_cell = cell[equal]
        number = torch.arange(len(equal_cell), device=equal_cell.device) - torch.searchsorted(equal_cell, equal_cell)
        keep[rows[equal[number >= room[equal_cell]]]] = False
    nth_key[full] &= (1 << bits) - 1
    return keep, nth_key


def stable_order(values: Tensor, below: int) -> Tensor:
    """int64: the order of non-negative integers below `below`, equals as they stand."""
    if values.device.type != "cpu":
        return torch.argsort(values.to(torch.int16 if below <= 1 << 15 else torch.int32), stable=True)
    numbers = values.numpy()
    order = np.argsort(numbers.astype(np.uint16), kind="stable")  # a radix sort, if of sixteen bits
    if below > 1 << 16:
        order = order[np.argsort((numbers >> 16).astype(np.uint16)[order], kind="stable")]
    return torch.from_numpy(order)
