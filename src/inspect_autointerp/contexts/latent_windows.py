"""Windows that a store keeps for one latent, and its activations on them."""

from typing import get_args

import numpy as np

from inspect_autointerp.latent import Split
from inspect_autointerp.store.store import Store


class LatentWindows:
    """One latent's kept windows, cut to the store's `window` where they are asked for.

    Args:
        store: The store.
        hookpoint: Where the latent is read.
        index: Which it is.

    Attributes:
        index: As given.
        starts: int64 (window,): the starts of the windows as the store keeps them, in order.
        flags: uint8 (window,): why each was kept, see `store`.
    """

    def __init__(self, store: Store, hookpoint: str, index: int) -> None:
        self._store, self.hookpoint, self.index = store, hookpoint, index
        postings = store.at(hookpoint).postings
        self._pos, self._act = postings.activations(index)
        self.starts, self.flags = postings.windows(index)
        self._inside = {split: store.in_split(self.starts, split) for split in get_args(Split)}

    def which(self, split: Split, flags: int) -> np.ndarray:
        """Which windows lie in a split and were kept for one of these reasons, as bool (window,)."""
        return self._inside[split] & ((self.flags & flags) > 0)

    def on(self, starts: np.ndarray, width: int) -> np.ndarray:
        """The latent's activations on kept windows of so many tokens, float32 (window, token)."""
        dense = np.zeros((len(starts), width), dtype=np.float32)
        first, end = self._pos.searchsorted(starts), self._pos.searchsorted(starts + width)
        n = end - first
        row = np.arange(len(starts)).repeat(n)
        entry = np.arange(len(row)) + (first - n.cumsum() + n).repeat(n)
        dense[row, self._pos[entry] - starts[row]] = self._act[entry]
        return dense

    def firing(self, starts: np.ndarray) -> np.ndarray:
        """The contexts on the grid, in kept windows on which the latent fires, in which it does."""
        if self._store.ratio == 1:
            return starts
        parts = self._store.cut(starts).ravel()
        return parts[(self.on(parts, self._store.window) > 0).any(axis=1)]

    def placed(self, center: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return where contexts begin in all kept windows: wherever the latent fires on the grid, or around the peaks.

        Args:
            center: Around the peaks, in a store that keeps activations around its windows.

        Returns:
            Starts, int64 (context,), in order of the windows; and the number of the window of each, int64 (context,).
        """
        width, numbers = self._store.window, np.arange(len(self.starts))
        if center:
            peaks = self.starts + self.on(self.starts, self._store.settings.window).argmax(axis=1)
            first, end = self._store.chunk_bounds(self.starts)
            return np.clip(peaks - width // 2, first, np.maximum(first, end - width)), numbers
        if self._store.ratio == 1:
            return self.starts, numbers
        parts = self._store.cut(self.starts).ravel()
        fires = (self.on(parts, width) > 0).any(axis=1)
        return parts[fires], numbers.repeat(self._store.ratio)[fires]
