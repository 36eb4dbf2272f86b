"""Cosine similarity of the directions that two coders' latents write."""

import numpy as np
from scipy.sparse import csr_matrix

from inspect_autointerp.coder_similarity.matching import Pairs, match_dense, match_sparse
from inspect_autointerp.coder_similarity.nearest import nearest
from inspect_autointerp.coder_similarity.null_baseline import drawn, rotated
from inspect_autointerp.coder_similarity.progress import Progress, silent

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
        cosines = np.empty(len(i))
        for begin in range(0, len(i), _PAIRS):
            part = slice(begin, begin + _PAIRS)
            cosines[part] = np.einsum("pd,pd->p", self._a[i[part]], self._b[j[part]], dtype=np.float64)
        return np.where(self._known_a[i] & self._known_b[j], cosines, np.nan)

    def match(self, k: int | None, progress: Progress = silent) -> Pairs:
        """Match by cosine.

        Args:
            k: Of each latent, how many partners to consider; None for all.
            progress: Is told how far it is.
        """
        return match_dense(self.all()) if k is None else match_sparse(self.candidates(k, progress), progress)

    def unrelated(self, rng: np.random.Generator, at_most: int) -> "Cosine":
        """The same with b's directions turned at random, and no more than so many latents on the side of fewer."""
        a, b = drawn(self.known, at_most, rng)
        return Cosine(self._a[a], rotated(self._b[b], rng))

    def all(self) -> np.ndarray:
        """The cosines of all pairs, float64 (latent of a, latent of b); NaN as above."""
        cosine = self._a.astype(np.float64) @ self._b.T.astype(np.float64)
        return np.where(self._known_a[:, None] & self._known_b, cosine, np.nan)

    def candidates(self, k: int, progress: Progress = silent) -> csr_matrix:
        """Pairs of positive cosine, (latent of a, latent of b): of each latent, on either side, the k largest."""
        row, column = nearest(self._a, self._b, k, progress)
        return csr_matrix((self.of(row, column), (row, column)), shape=(len(self._a), len(self._b)))


def _unit(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1, float32, and which of them are directions; those that are none are zeros."""
    unit = rows.astype(np.float32)  # the one copy: of 131,072 × 2,304 it takes 1.2 GB
    norm = np.sqrt(np.einsum("ld,ld->l", unit, unit, dtype=np.float64))
    known = np.isfinite(norm) & (norm > 0)
    unit[~known] = 0
    np.divide(unit, norm[:, None], out=unit, where=known[:, None], casting="same_kind")
    return unit, known
