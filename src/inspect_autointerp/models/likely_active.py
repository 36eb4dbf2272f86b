"""A cheap prediction of which windows would be judged active, given an explanation: by the words that they share.

It decides which windows are drawn (`contexts.importance`), and nothing else. A poor prediction makes estimates less
precise, not wrong.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack

from inspect_autointerp.contexts.population import split_windows
from inspect_autointerp.latent import Split
from inspect_autointerp.models.tfidf import WORD
from inspect_autointerp.store.store import Store

_BLOCK = 4096
"""Windows decoded at once."""
_N_WORDS = 2**20


class LikelyActive:
    """Predict on which windows of a store an explanation makes a grader say "active".

    The prediction is the sum of idf² over the distinct words that a window shares with the explanation. This is the
    product of their TF-IDF vectors, with each word counted once and without a division by lengths: all windows have
    the same number of tokens, and an explanation may contain many words that a rare latent does not fire on. A rare
    word therefore outweighs common ones.

    Args:
        store: The store.
        split: Split whose windows are predicted.
    """

    def __init__(self, store: Store, split: Split = "test") -> None:
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

        options: Any = {"n_features": _N_WORDS, "alternate_sign": False, "norm": None, "binary": True}
        self._words: Any = HashingVectorizer(token_pattern=WORD, **options)
        self._starts = (store.pool_of(split) if store.manifest.frozen else split_windows(store, split)).starts
        parts = [self._hold(_texts(store, self._starts[i : i + _BLOCK])) for i in range(0, len(self._starts), _BLOCK)]
        held = csr_matrix(vstack(parts)) if parts else csr_matrix((0, _N_WORDS))
        self._idf: Any = TfidfTransformer(norm=None)
        self._vectors = csr_matrix(self._idf.fit_transform(held)) if parts else held

    def __call__(self, explanation: str, starts: np.ndarray) -> np.ndarray:
        """Return the prediction for some of the windows, float64 (window,), 0 where no word is shared.

        Args:
            explanation: The explanation.
            starts: int64 (window,): where they start; all must be of a `population` of the split.
        """
        if not len(self._starts):
            return np.zeros(0)
        asked = csr_matrix(self._idf.transform(self._hold([explanation])))
        return (self._vectors @ asked.T).toarray().ravel()[np.searchsorted(self._starts, starts)].round(6)

    def _hold(self, texts: Sequence[str]) -> csr_matrix:
        return csr_matrix(self._words.transform(texts))


def _texts(store: Store, starts: np.ndarray) -> list[str]:
    return [text for text, _ in store.detokenizer.windows(store.ids(starts))]
