"""What a store keeps of one latent: its windows, and its activations on them."""

import numpy as np

from inspect_autointerp.latent import Split
from inspect_autointerp.store import Store


class Kept:
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
        postings = store.postings(hookpoint)
        self._pos, self._act = postings.activations(index)
        self.starts, self.flags = postings.windows(index)
        self._in_test = store.in_split(self.starts, "test")

    def which(self, split: Split, flags: int) -> np.ndarray:
        """Which windows lie in a split and were kept for one of these reasons, as bool (window,)."""
        return (self._in_test if split == "test" else ~self._in_test) & ((self.flags & flags) > 0)

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

    def placed(self, starts: np.ndarray) -> np.ndarray:
        """Where contexts begin in kept windows: wherever the latent fires on the grid, or around the peaks."""
        if not self._store.settings.center:
            return self.firing(starts)
        width = self._store.window
        peaks = starts + self.on(starts, self._store.settings.window).argmax(axis=1)
        first, end = self._store.chunk_bounds(starts)
        return np.clip(peaks - width // 2, first, np.maximum(first, end - width))
