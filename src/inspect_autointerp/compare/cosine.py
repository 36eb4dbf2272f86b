"""How alike the directions are that two coders' latents write."""

import numpy as np
from scipy.sparse import csr_matrix

from inspect_autointerp.compare.floors import rotated
from inspect_autointerp.compare.matching import Pairs, match_dense, match_sparse

_PAIRS = 1 << 13
"""Pairs at a time whose cosine is asked for."""


class Cosine:
    """Cosines of two coders' directions; a direction of length 0, or one that is not finite, has none.

    Args:
        a: float (latent, d).
        b: The other coder's, float (latent, d).
    """

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        self._a, self._known_a = _unit(a)
        self._b, self._known_b = _unit(b)

    @property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """Which latents of either side have a direction, bool (latent,)."""
        return self._known_a, self._known_b

    def of(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """The cosines of pairs, float64 (pair,); NaN where one of the two has no direction."""
        found = np.empty(len(i))
        for begin in range(0, len(i), _PAIRS):
            part = slice(begin, begin + _PAIRS)
            found[part] = np.einsum("pd,pd->p", self._a[i[part]], self._b[j[part]], dtype=np.float64)
        return np.where(self._known_a[i] & self._known_b[j], found, np.nan)

    def match(self, k: int | None) -> Pairs:
        """Match by cosine.

        Args:
            k: Of each latent, how many partners to consider; None for all.
        """
        return match_dense(self.all()) if k is None else match_sparse(self.candidates(k))

    def unrelated(self, rng: np.random.Generator) -> "Cosine":
        """The same with b's directions turned at random."""
        return Cosine(self._a, rotated(self._b, rng))

    def all(self) -> np.ndarray:
        """The cosines of all pairs, float64 (latent of a, latent of b); NaN as above."""
        cosine = self._a.astype(np.float64) @ self._b.T.astype(np.float64)
        return np.where(self._known_a[:, None] & self._known_b, cosine, np.nan)

    def candidates(self, k: int) -> csr_matrix:
        """Pairs of positive cosine, (latent of a, latent of b): of each latent, on either side, the k largest."""
        nearest = _nearest(self._a, self._b, k)
        row, column = np.concatenate([nearest, _nearest(self._b, self._a, k)[:, ::-1]]).T
        cosine = self.of(row, column)
        keep = np.flatnonzero(cosine > 0)
        # Both sides can name a pair; it counts once.
        _, once = np.unique(row[keep] * len(self._b) + column[keep], return_index=True)
        keep = keep[once]
        return csr_matrix((cosine[keep], (row[keep], column[keep])), shape=(len(self._a), len(self._b)))


def _nearest(queries: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    """The k nearest of each query, exactly, as int64 pairs (query × k, 2): of unit vectors the cosine's order."""
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(among))
    index = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="euclidean").fit(among)
    found = index.kneighbors(queries, return_distance=False)
    return np.column_stack([np.repeat(np.arange(len(queries)), k), found.ravel()])


def _unit(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1, float32, and which of them are directions; those that are none are zeros."""
    rows = rows.astype(np.float32)
    norm = np.sqrt(np.einsum("ld,ld->l", rows, rows, dtype=np.float64))
    known = np.isfinite(norm) & (norm > 0)
    unit = np.zeros_like(rows)
    np.divide(rows, norm[:, None], out=unit, where=known[:, None], casting="same_kind")
    return unit, known
