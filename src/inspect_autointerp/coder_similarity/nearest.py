"""The nearest of either side's latents on the other, exactly, in one pass over the products in blocks.

A product counts for its row and for its column, so it is computed once for both sides. Of a block only what exceeds the
k-th largest that a latent has so far is looked at, which after the first blocks is next to nothing: what is left is the
product itself, in float32, and two comparisons of each.
"""

import numpy as np

from inspect_autointerp.coder_similarity.progress import Progress, silent

_ROWS, _COLUMNS = 1024, 4096
"""Shape of a block: 16 MB."""


def nearest(a: np.ndarray, b: np.ndarray, k: int, progress: Progress = silent) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positive product: of each latent, on either side, the k largest.

    Args:
        a: float32 (latent, d).
        b: The other side's, float32 (latent, d).
        k: At least 1. Which of equals, up to the rounding of float32, is not said.
        progress: Is told which share of the products is done.

    Returns:
        Latents of a and of b, int64 (pair,), each pair once, in order of a, then b.
    """
    best_a, best_b = _Best(len(a), min(k, len(b))), _Best(len(b), min(k, len(a)))
    for row in range(0, len(a), _ROWS):
        rows = slice(row, min(row + _ROWS, len(a)))
        for column in range(0, len(b), _COLUMNS):
            columns = slice(column, min(column + _COLUMNS, len(b)))
            block = a[rows] @ b[columns].T
            best_a.add(block, rows, column, axis=0)
            best_b.add(block, columns, row, axis=1)
        progress(f"cosines {rows.stop / len(a):.0%}")
    i, j = best_a.pairs()
    other_j, other_i = best_b.pairs()
    both = np.unique(np.concatenate([i * len(b) + j, other_i * len(b) + other_j]))
    return both // max(1, len(b)), both % max(1, len(b))


class _Best:
    """The k largest products above 0 so far of each of n latents, in no order, and the latents that they are with."""

    def __init__(self, n: int, k: int) -> None:
        self._product = np.zeros((n, k), dtype=np.float32)
        self._other = np.full((n, k), -1, dtype=np.int32)
        self._least = np.zeros(n, dtype=np.float32)

    def add(self, block: np.ndarray, own: slice, begin: int, axis: int) -> None:
        """Take in a block of products of the latents `own`, on this axis, with others from `begin` on."""
        k, others, least = self._product.shape[1], block.shape[1 - axis], self._least[own]
        new = np.flatnonzero(least == 0)
        if len(new) and others > k:  # else half of their first block would have to be looked at
            kth = np.partition(block.take(new, axis), others - k, axis=1 - axis).take(others - k, axis=1 - axis)
            least = least.copy()
            least[new] = np.maximum(0, np.nextafter(kth, np.float32(-np.inf)))
        hit = _true(block > np.expand_dims(least, 1 - axis))
        latent, other = (hit // block.shape[1], hit % block.shape[1])[:: 1 if axis == 0 else -1]
        order = np.argsort(latent, kind="stable")
        self._merge(own.start, latent[order], begin + other[order], block.ravel()[hit[order]])

    def _merge(self, first: int, latent: np.ndarray, other: np.ndarray, product: np.ndarray) -> None:
        """Take in products, in order of latent."""
        latents, start, count = np.unique(latent, return_index=True, return_counts=True)
        if not len(latents):
            return
        own, k, width = first + latents, self._product.shape[1], int(count.max())
        products = np.zeros((len(latents), k + width), dtype=np.float32)
        others = np.full((len(latents), k + width), -1, dtype=np.int32)
        products[:, :k], others[:, :k] = self._product[own], self._other[own]
        place = np.repeat(np.arange(len(latents)), count), k + np.arange(len(latent)) - np.repeat(start, count)
        products[place], others[place] = product, other
        top = np.argpartition(products, width, axis=1)[:, width:]
        self._product[own] = np.take_along_axis(products, top, axis=1)
        self._other[own] = np.take_along_axis(others, top, axis=1)
        self._least[own] = self._product[own].min(axis=1)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Latents and the others, int64 (pair,)."""
        latent, place = np.nonzero(self._other >= 0)
        return latent, self._other[latent, place].astype(np.int64)


def _true(mask: np.ndarray) -> np.ndarray:
    """`np.flatnonzero` of a mask that is nearly all false: eight at a time."""
    flat = mask.ravel()
    whole = len(flat) // 8 * 8
    word = np.flatnonzero(flat[:whole].view(np.uint64))
    place = (word[:, None] * 8 + np.arange(8)).ravel()
    return np.concatenate([place[flat[place]], whole + np.flatnonzero(flat[whole:])])
