"""The latents that call a latent their neighbour: what selection watches, so that its windows can test their names.

A window that a neighbour fires on is a hard negative for a latent, if the latent itself is silent there. That is known
only while the batch is at hand, so each kept window says which of its latent's siblings fire on it too.
"""

from dataclasses import dataclass

import numpy as np

MOST = 32
"""Siblings per latent, at most: one bit each. A latent that more call a neighbour watches the nearest of them."""


@dataclass(frozen=True)
class Siblings:
    """Per latent those that count it among their neighbours, nearest first: compressed sparse rows."""

    indptr: np.ndarray
    """int64 (latent + 1,)."""
    latent: np.ndarray
    """uint32 (pair,)."""

    @staticmethod
    def none(n_latents: int) -> "Siblings":
        """No latent has any."""
        return Siblings(np.zeros(n_latents + 1, dtype=np.int64), np.zeros(0, dtype=np.uint32))

    @staticmethod
    def of(neighbours: np.ndarray | None, cosines: np.ndarray | None, n_latents: int) -> "Siblings":
        """Turn each latent's neighbours round.

        Args:
            neighbours: (latent, n): latents; None where they are not known.
            cosines: (latent, n): how near they are.
            n_latents: How many latents there are.
        """
        if neighbours is None or cosines is None:
            return Siblings.none(n_latents)
        latent = np.repeat(np.arange(n_latents), neighbours.shape[1])
        neighbour = neighbours.ravel().astype(np.int64)
        order = np.lexsort((latent, -cosines.ravel(), neighbour))
        latent, neighbour = latent[order], neighbour[order]
        count = np.bincount(neighbour, minlength=n_latents)
        rank = np.arange(len(neighbour)) - np.repeat(np.cumsum(count) - count, count)
        kept = rank < MOST
        indptr = np.zeros(n_latents + 1, dtype=np.int64)
        np.cumsum(np.minimum(count, MOST), out=indptr[1:])
        return Siblings(indptr, latent[kept].astype(np.uint32))
