"""Which latents fire in the same windows: neighbours by what they do, and not by how they are written."""

import numpy as np
from scipy.sparse import csr_matrix

from inspect_autointerp.store.postings import POOL
from inspect_autointerp.store.store import Store


def cooccurring(store: Store, hookpoint: str, *, n: int = 10, block: int = 1 << 26) -> dict[str, np.ndarray]:
    """Each latent's nearest others by the Jaccard index of the pool's windows they fire in: |A ∩ B| / |A ∪ B|.

    The pool is the sample of windows on which every latent's activations are known. Latents that fire in the same share
    of windows for other reasons than each other are not near: an index is of pairs that are seen together.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        n: How many neighbours.
        block: Numbers to hold at a time.

    Returns:
        `neighbours` uint32 (latent, n), nearest first, and `jaccard` float32 (latent, n): 0, with the latent itself as
        its neighbour, where no more latents fire along with it.
    """
    fires = _fires(store, hookpoint)
    n_latents, count = fires.shape[0], np.asarray(fires.sum(axis=1)).ravel()
    neighbours = np.repeat(np.arange(n_latents, dtype=np.uint32)[:, None], n, axis=1)
    jaccard = np.zeros((n_latents, n), dtype=np.float32)
    columns = fires.T.tocsr()
    for begin in range(0, n_latents, max(1, block // n_latents)):
        both = (fires[begin : begin + max(1, block // n_latents)] @ columns).tocsr()
        for row in range(both.shape[0]):
            latent, a, b = begin + row, both.indptr[row], both.indptr[row + 1]
            others, common = both.indices[a:b], both.data[a:b].astype(np.float64)
            others, common = others[others != latent], common[others != latent]
            index = common / (count[latent] + count[others] - common)
            best = np.lexsort((others, -index))[:n]
            neighbours[latent, : len(best)], jaccard[latent, : len(best)] = others[best], index[best]
    return {"neighbours": neighbours, "jaccard": jaccard}


def _fires(store: Store, hookpoint: str) -> csr_matrix:
    """int32 (latent, window of the pool): 1 where it fires."""
    at = store.at(hookpoint)
    postings, n_latents = at.postings, at.width
    rows, columns = [], []
    for latent in range(n_latents):
        starts, flags = postings.windows(latent)
        pooled = starts[(flags & POOL) > 0]
        rows.append(np.full(len(pooled), latent))
        columns.append(np.searchsorted(store.pool, pooled))
    row, column = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(len(row), dtype=np.int32), (row, column)), shape=(n_latents, len(store.pool)))
