"""Silent windows that read like those a latent fires on."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_matrix, issparse

from inspect_autointerp.latent import Split
from inspect_autointerp.prep.negatives.window_embeddings import Embedding
from inspect_autointerp.store.postings import POOL, SAMPLE
from inspect_autointerp.store.store import Store

SPLITS: tuple[Split, Split] = ("explain", "test")


def similar(
    store: Store,
    hookpoint: str,
    embed: Embedding,
    latents: Sequence[int],
    *,
    n: int = 50,
    queries: int = 20,
    block: int = 256,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, np.ndarray]:
    """Return, per split, the pool's windows nearest to a latent's activating contexts on which it is silent.

    Nearest is by the mean cosine to `queries` windows of the same split's sample, spread evenly over it. The search is
    exact: a pool has some ten thousand windows.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        embed: What makes vectors of windows.
        latents: Which latents to look for.
        n: How many windows per latent and split.
        queries: How many of the latent's windows stand for it.
        block: Latents at a time.
        advance: Called with the number of latents done.

    Returns:
        `indptr` int64 (latent + 1,) and `window` uint32: per latent the starts, those of the explain split first, each
        nearest first. A latent that was not asked for, or never fires in a split, has none there.
    """
    at = store.at(hookpoint)
    postings, n_latents = at.postings, at.width
    parts: dict[Split, np.ndarray] = {split: store.pool[store.in_split(store.pool, split)] for split in SPLITS}
    vectors: dict[Split, np.ndarray | csr_matrix] = {split: embed(pool) for split, pool in parts.items() if len(pool)}
    pool_starts: dict[int, list[np.ndarray]] = {latent: [] for latent in latents}
    for begin in range(0, len(latents), block):
        some = latents[begin : begin + block]
        windows = {latent: postings.windows(latent) for latent in some}
        for split, pool_vectors in vectors.items():
            asked = {
                latent: _spread(starts[((flags & SAMPLE) > 0) & store.in_split(starts, split)], queries)
                for latent, (starts, flags) in windows.items()
            }
            asked = {latent: starts for latent, starts in asked.items() if len(starts)}
            if not asked:
                continue
            cosine = _means(embed, list(asked.values())) @ pool_vectors.T
            cosine = cast(Any, cosine).toarray() if issparse(cosine) else cosine
            for row, latent in zip(cosine, asked, strict=True):
                starts, flags = windows[latent]
                row[np.isin(parts[split], starts[(flags & POOL) > 0])] = -np.inf
                nearest = np.argsort(-row, kind="stable")[:n]
                pool_starts[latent].append(parts[split][nearest[np.isfinite(row[nearest])]])
        advance(len(some))
    listed = [
        np.concatenate(pool_starts[i]) if pool_starts.get(i) else np.zeros(0, dtype=np.int64) for i in range(n_latents)
    ]
    indptr = np.zeros(n_latents + 1, dtype=np.int64)
    np.cumsum([len(starts) for starts in listed], out=indptr[1:])
    return {"indptr": indptr, "window": np.concatenate(listed).astype(np.uint32)}


def _spread(starts: np.ndarray, n: int) -> np.ndarray:
    """Up to n of them at even distances."""
    return starts[np.linspace(0, len(starts) - 1, min(n, len(starts))).astype(np.int64)] if len(starts) else starts


def _means(embed: Embedding, groups: list[np.ndarray]) -> np.ndarray | csr_matrix:
    """The mean vector of each group of windows."""
    lengths = np.array([len(group) for group in groups])
    row = np.repeat(np.arange(len(groups)), lengths)
    mean = csr_matrix((np.repeat(1 / lengths, lengths), (row, np.arange(len(row)))))
    return mean @ embed(np.concatenate(groups))
