"""Windows that a latent's neighbours fire on and it does not: what tells its explanation from theirs."""

import numpy as np

from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.latent import Split
from inspect_autointerp.store.postings import POOL, SAMPLE
from inspect_autointerp.store.store import Store


def neighbour_starts(
    store: Store, own: LatentWindows, neighbours: np.ndarray, split: Split
) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours' kept windows of a split on which the latent is known to be silent.

    It is known in three ways, none of which asks for another pass: the neighbour's windows say so, where the latent is
    among its siblings; the window is in the pool, where every latent's activations are known; or the latent fires in so
    few windows of the split that all of them were kept.

    Args:
        store: The store.
        own: The latent.
        neighbours: (latent,): other latents of the hookpoint.
        split: Of which split.

    Returns:
        Starts, int64 (context,), a start as often as neighbours fire there; and whose it is, int64 (context,).
    """
    starts: list[np.ndarray] = []
    whose: list[np.ndarray] = []
    for index in neighbours.tolist():
        if index == own.index:
            continue
        other = LatentWindows(store, own.hookpoint, index)
        firing = other.firing(other.starts[silent_windows(store, own, other, split)])
        starts.append(firing)
        whose.append(np.full(len(firing), index))
    if not starts:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(starts), np.concatenate(whose)


def silent_windows(store: Store, own: LatentWindows, other: LatentWindows, split: Split) -> np.ndarray:
    """Return which of another latent's windows of a split can be negatives, as bool (window,); see `neighbour_starts`.

    Args:
        store: The store.
        own: The latent.
        other: Another one of the hookpoint.
        split: Of which split.
    """
    postings = store.at(own.hookpoint).postings
    silent = (other.flags & POOL > 0) & ~np.isin(other.starts, own.starts[own.which(split, POOL)])
    bit = np.flatnonzero(postings.siblings(other.index) == own.index)
    if len(bit):
        silent |= (postings.shared(other.index) >> np.uint32(bit[0])) & 1 == 0
    if own.which(split, SAMPLE).sum() < store.settings.sample:
        silent |= ~np.isin(other.starts, own.starts)
    return silent & other.which(split, SAMPLE | POOL)
