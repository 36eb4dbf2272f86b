"""Windows of a store as vectors, for finding those that are alike: by their tokens, or by a sentence embedding."""

from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from inspect_autointerp.models.sentence_embeddings import SentenceModel
from inspect_autointerp.store.store import Store


class Embedding(Protocol):
    """Windows to vectors of length 1."""

    name: str
    """Name of the embedding in the manifest."""

    def __call__(self, starts: np.ndarray) -> "np.ndarray | csr_matrix":
        """Embed the windows that start there: (window, dimension)."""
        ...


class Tfidf:
    """Counts of tokens, weighted by how few of the pool's windows hold them (scikit-learn's `TfidfTransformer`)."""

    name = "TF-IDF of tokens"

    def __init__(self, store: Store) -> None:
        from sklearn.feature_extraction.text import TfidfTransformer

        self._store, self._vocabulary = store, int(store.tokens.max()) + 1
        self._weights = TfidfTransformer(sublinear_tf=True).fit(self._counts(store.pool))

    def __call__(self, starts: np.ndarray) -> csr_matrix:
        """Embed the windows that start there: (window, vocabulary)."""
        return csr_matrix(self._weights.transform(self._counts(starts)))

    def _counts(self, starts: np.ndarray) -> csr_matrix:
        width = self._store.settings.window
        tokens = self._store.tokens[starts[:, None] + np.arange(width)].astype(np.int64)
        shape = (len(starts), self._vocabulary)
        ones = np.ones(tokens.size, dtype=np.float32)
        return csr_matrix((ones, (np.repeat(np.arange(len(starts)), width), tokens.ravel())), shape=shape)


class SentenceEmbedding:
    """A model of the library sentence-transformers, on the windows' text.

    Args:
        store: The store.
        model: `minilm`, or the name or folder of the model, see `SentenceModel`.
        device: Where it runs; the library's own choice if not given.

    Raises:
        UserError: The library is not installed, or the model cannot be loaded.
    """

    def __init__(self, store: Store, model: str, device: str | None = None) -> None:
        self._model = SentenceModel(model, "--embedding", device)
        self._store, self.name = store, model

    def __call__(self, starts: np.ndarray) -> np.ndarray:
        """Embed the windows that start there: float32 (window, dimension)."""
        width = self._store.settings.window
        texts = [self._store.detokenizer(self._store.tokens[start : start + width].tolist())[0] for start in starts]
        return self._model.alike(texts)
