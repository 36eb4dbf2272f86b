"""Final result of selection, in the order of a store."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.prep.select.rows import Rows


@dataclass(frozen=True)
class Block:
    """Rows kept for consecutive latents: arrays on the host, in order of latent, then position."""

    window: np.ndarray
    flags: np.ndarray
    shared: np.ndarray
    peak: np.ndarray
    """float16 (window,): the largest activation in each."""
    pos: np.ndarray
    act: np.ndarray


@dataclass(frozen=True)
class Selection:
    """Rows kept for all latents (see `store.Postings`): facts about each latent, and its windows in blocks."""

    window_indptr: np.ndarray
    indptr: np.ndarray
    blocks: Iterator[Block]
    """Blocks of all latents, in order. Each is made once, when it is reached, so that two are never in memory."""
    pool: np.ndarray
    """uint32, sorted: the starts of the windows kept for all latents."""
    n_tokens: np.ndarray
    n_windows: np.ndarray
    max_activation: np.ndarray
    histogram: np.ndarray
    """int64 (latent, BINS)."""


def block_of(rows: Rows) -> Block:
    """Rows in order of latent, then position, as a store has them."""
    key, act = _entries(rows)
    return Block(
        window=_low_half(rows.position),
        flags=rows.flags.cpu().numpy(),
        shared=rows.shared.cpu().numpy().view(np.uint32),
        peak=rows.peak.cpu().numpy().view(np.float16),
        pos=_low_half(key),
        act=act.cpu().numpy(),
    )


def counts(rows: Rows, n_latents: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many windows and activations each latent has in such rows, int64 (latent,)."""
    entries = torch.bincount(_entries(rows)[0] >> 33, minlength=n_latents)
    return torch.bincount(rows.cell >> 1, minlength=n_latents).cpu().numpy(), entries.cpu().numpy()


def _entries(rows: Rows) -> tuple[Tensor, Tensor]:
    """Latent and position of every activation in such rows, as `Rows.key`, and the activation; each once.

    A window's rows hold all activations from a first position to a last. Where those of neighbours overlap, a row has
    again what lies up to the end of the one before it.
    """
    length = rows.length.to(torch.int32)
    key = torch.repeat_interleave(rows.key, length).add_(rows.offset)
    last = key[torch.cumsum(length, 0) - 1]
    before = torch.cat([last.new_full((1,), -1), last])[:-1]
    again = key <= torch.repeat_interleave(before, length)
    return (key[~again], rows.act[~again]) if bool(again.any()) else (key, rows.act)


def _low_half(key: Tensor) -> np.ndarray:
    """The positions in (latent, position) keys, as uint32."""
    return key.cpu().numpy().astype(np.uint32)
