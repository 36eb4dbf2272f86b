"""A cheap prediction of which windows would be judged active, given an explanation: how many of its words they hold.

It decides which windows are drawn (`contexts.importance`), and nothing else. A poor prediction makes estimates less
precise, not wrong.
"""

import numpy as np

from inspect_autointerp.contexts.population import split_windows
from inspect_autointerp.latent import Split
from inspect_autointerp.models.tfidf import Words
from inspect_autointerp.store.store import Store

_BLOCK = 4096
"""Windows decoded at once."""


class LikelyActive:
    """Cosines of the TF-IDF of words of an explanation and of a store's windows; 0 where they share no word.

    Args:
        store: The store.
        split: Whose windows.
    """

    def __init__(self, store: Store, split: Split = "test") -> None:
        from scipy.sparse import csr_matrix, vstack

        self._words = Words(store)
        self._starts = (store.pool_of(split) if store.manifest.frozen else split_windows(store, split)).starts
        parts = [
            self._words([text for text, _ in store.detokenizer.windows(store.ids(self._starts[i : i + _BLOCK]))])
            for i in range(0, len(self._starts), _BLOCK)
        ]
        self._vectors = csr_matrix(vstack(parts)) if parts else None

    def __call__(self, explanation: str, starts: np.ndarray) -> np.ndarray:
        """Return the cosines of some of the windows, float64 (window,).

        Args:
            explanation: The explanation.
            starts: int64 (window,): where they start; all must be of a `population` of the split.
        """
        if self._vectors is None:
            return np.zeros(0)
        cosines = (self._vectors @ self._words([explanation]).T).toarray().ravel()
        return cosines[np.searchsorted(self._starts, starts)].round(6)
