"""The windows that importance-sampled contexts are drawn from, and stand for."""

from functools import lru_cache

import numpy as np

from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.latent import Split
from inspect_autointerp.store.pool import Pool
from inspect_autointerp.store.postings import POOL, SAMPLE
from inspect_autointerp.store.store import Store

MOST = 1 << 16
"""Windows of a split that are looked at, at most; of more a random part is. Among so many, what occurs in 0.01 % of
windows occurs six times."""


def population(store: Store, own: LatentWindows, split: Split) -> tuple[Pool, np.ndarray]:
    """Return windows among which a latent's silence is known on each, and on which of them it fires.

    Of a latent that fires in fewer windows of the split than the store samples, the store keeps them all. It is then
    known to be silent on every other window of the split, so the whole split is the population, where the store has
    its text. Of other latents, and in a frozen store, it is the pool's part of the split.

    Args:
        store: The store.
        own: The latent's windows.
        split: The split.

    Returns:
        The windows, and the starts of those on which the latent fires, int64 (window,).
    """
    if store.manifest.frozen or own.which(split, SAMPLE).sum() >= store.settings.sample:
        return store.pool_of(split), own.firing(own.starts[own.which(split, POOL)])
    windows = split_windows(store, split)
    firing = own.firing(own.starts[own.which(split, 0xFF)])
    return windows, firing[np.isin(firing, windows.starts)]


@lru_cache(maxsize=8)
def split_windows(store: Store, split: Split) -> Pool:
    """Return the windows of a split, cut to contexts: all, or a random part of `MOST`; those of the pool in any case.

    Args:
        store: A store that is not frozen: a frozen one lacks the text of most windows.
        split: The split.
    """
    pool, starts = store.pool[store.in_split(store.pool, split)], complete_windows(store, split)
    rest = np.setdiff1d(starts, pool)
    rest = rng_of("population", split).permutation(rest)[: max(0, MOST // store.ratio - len(pool))]
    parts = store.cut(np.union1d(pool, rest)).ravel()
    return Pool(parts, store.texts(parts), lambda starts: store.detokenizer.windows(store.ids(starts)))


def complete_windows(store: Store, split: Split) -> np.ndarray:
    """Return the starts of all windows of a split that lie in one chunk as a whole, int64 (window,), in order."""
    own = store.own_windows()
    if own is not None:
        return own[store.in_split(own, split)]
    width = store.settings.window
    offset, test = store.documents()
    first, end = offset[:-1], offset[1:]
    which = test if split == "test" else ~test
    n = np.where(which, np.maximum(0, (end - first) // width), 0)
    before = np.repeat(np.cumsum(n) - n, n)
    starts: np.ndarray = np.repeat(first, n) + width * (np.arange(int(n.sum())) - before)
    return starts[starts + width <= store.chunk_bounds(starts)[1]]
