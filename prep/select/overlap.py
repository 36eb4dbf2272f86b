"""Counts of tokens and windows on which a latent fires in two subjects, where one coder reads one place in both."""

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.prep.select.groups import Entries, Groups
from inspect_autointerp.prep.select.rows import take, where

COUNTS = ("n_tokens_other", "n_windows_other", "n_tokens_both", "n_windows_both")
"""Names of the counts: in the state of a run, and as columns of `latents.parquet`."""


class Overlap:
    """Counts per latent of where it fires in the other subject and in both, over all of the corpus.

    Sums, so that shards and checkpoints merge. A window counts for both subjects where the latent fires in it in each,
    on whichever tokens.

    Args:
        n_latents: Width of the coder.
        device: Where the counts live.
    """

    def __init__(self, n_latents: int, device: str | torch.device = "cpu") -> None:
        self._counts = {name: torch.zeros(n_latents, dtype=torch.int64, device=device) for name in COUNTS}

    def add(self, entries: Entries, groups: Groups, other: Entries, n_windows: int) -> Tensor:
        """Count one batch.

        Args:
            entries: Activations in the subject, in order of latent, then position.
            groups: Those of a latent in a complete window.
            other: Activations in the other subject, in the same order.
            n_windows: Complete windows of the batch.

        Returns:
            Bool (group,): whether the latent fires in the group's window in the other subject, too.
        """
        complete = where(other.window >= 0)
        windows = (take(other.latent, complete) * n_windows + take(other.window, complete)).unique_consecutive()
        own_windows = groups.latent * n_windows + groups.window
        tokens_shared, windows_shared = _in_sorted(entries.key, other.key), _in_sorted(own_windows, windows)
        self._count("n_tokens_other", other.latent)
        self._count("n_windows_other", windows // max(1, n_windows))
        self._count("n_tokens_both", take(entries.latent, where(tokens_shared)))
        self._count("n_windows_both", take(groups.latent, where(windows_shared)))
        return windows_shared

    def _count(self, name: str, latent: Tensor) -> None:
        self._counts[name].scatter_add_(0, latent, torch.ones_like(latent))

    def state(self) -> dict[str, Tensor]:
        """Return the counts by name, int64 (latent,)."""
        return dict(self._counts)

    def absorb(self, state: dict[str, Tensor]) -> None:
        """Add what another one counted on other documents, or this one before."""
        for name, count in self._counts.items():
            count += state[name].to(count.device)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the counts by name, int64 (latent,), on the host."""
        return {name: count.cpu().numpy() for name, count in self._counts.items()}


def _in_sorted(values: Tensor, ascending: Tensor) -> Tensor:
    """Bool (value,): whether each value occurs in a tensor in ascending order."""
    if not ascending.numel():
        return torch.zeros_like(values, dtype=torch.bool)
    at = torch.searchsorted(ascending, values).clamp_(max=ascending.numel() - 1)
    return take(ascending, at) == values
