"""Neutral beginnings of texts, the same for every latent, which the subject goes on from when it is steered."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.latent import Split
from inspect_autointerp.store.store import Store


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first tokens of a window of the corpus."""

    start: int
    """Position of its first token in the store's corpus."""
    ids: tuple[int, ...]
    """Token ids, without BOS."""


@lru_cache(maxsize=16)
def beginnings(store: Store, split: Split, n: int, seed: int) -> tuple[Beginning, ...]:
    """Draw beginnings of windows of the store's pool, each a quarter to three quarters of a window long.

    They do not depend on a latent. So all latents are steered after the same beginnings, and a beginning says nothing
    about which of them was amplified.

    Args:
        store: The store.
        split: Split of the documents that they are from.
        n: Number of beginnings; fewer where the pool has no more.
        seed: Random seed of the draw.
    """
    rng = rng_of(seed, "beginnings", split)
    starts = rng.permutation(store.pool_of(split).starts)
    lengths = rng.integers(max(1, store.window // 4), max(2, 3 * store.window // 4 + 1), len(starts))
    drawn: dict[tuple[int, ...], int] = {}
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        if len(drawn) == n:
            break
        drawn.setdefault(tuple(np.asarray(store.tokens[start : start + length]).tolist()), start)
    return tuple(Beginning(start, ids) for ids, start in drawn.items())
