"""A batch's activations, and the groups that those of one latent in one window form."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.prep.corpus.chunks import Windows
from inspect_autointerp.prep.select.rows import take, where


class Entries(NamedTuple):
    """Activations in order of latent, then position."""

    latent: Tensor
    """int64 (entry,)."""
    pos: Tensor
    """int64 (entry,): positions in the corpus."""
    act: Tensor
    """float16 (entry,), above 0."""
    window: Tensor
    """int64 (entry,): the batch's windows by number; −1 in no complete one."""

    @property
    def key(self) -> Tensor:
        """int64 (entry,): latent and position in one number, ascending."""
        return (self.latent << 33) | self.pos


class Groups(NamedTuple):
    """Entries of one latent in one window, which are neighbours among the entries."""

    latent: Tensor
    """int64 (group,)."""
    window: Tensor
    """int64 (group,)."""
    begin: Tensor
    """int64 (group,): the number of its first entry."""
    length: Tensor
    """int64 (group,): how many entries it has."""
    peak: Tensor
    """int16 (group,): the bits of its largest activation."""

    def where(self, flags: Tensor) -> "Groups":
        """Return the groups for which a flag, bool (group,), is set."""
        chosen = where(flags)
        return Groups(*(take(column, chosen) for column in self))


def peaks(bits: Tensor, begin: Tensor, length: Tensor) -> Tensor:
    """The largest of each group of neighbours, groups following one another."""
    if bits.device.type == "cpu":
        return torch.from_numpy(np.maximum.reduceat(bits.numpy(), begin.numpy()))
    peak = torch.zeros(begin.numel(), dtype=bits.dtype, device=bits.device)
    return peak.scatter_reduce_(0, torch.repeat_interleave(length), bits, "amax", include_self=False)


def with_margins(entries: Entries, groups: Groups, windows: Windows) -> Groups:
    """Return the groups with the latent's entries beside the window too, in a store that keeps them."""
    if windows.low is None or windows.high is None:
        return groups
    device = groups.window.device
    low, high = (take(torch.from_numpy(a).to(device), groups.window) for a in (windows.low, windows.high))
    key, block = entries.key, groups.latent << 33
    begin = torch.searchsorted(key, block | low)
    return groups._replace(begin=begin, length=torch.searchsorted(key, block | high) - begin)
