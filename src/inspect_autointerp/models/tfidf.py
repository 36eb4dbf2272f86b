"""Texts as weighted counts of their words: an embedding that needs no model and is the same on every machine."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from scipy.sparse import csr_matrix

from inspect_autointerp.store.store import Store

WORD = r"[^\W\d_]+|\d+"
"""A run of letters or of digits: identifiers come apart. Signs do not count: an explanation has commas and quotes of
its own, which speak of nothing."""
_N_WORDS = 2**20
_BLOCK = 4096
"""Windows decoded at once."""


class Words:
    """TF-IDF of words: counts, each word's logarithmic, weighted by how few of a store's pool windows hold it.

    Words are hashed, not listed, so that one which the pool never shows has a place, and the greatest weight: a rare
    latent's word is often of that sort.
    """

    name = "TF-IDF of words"

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        """Embed texts: (text, word), rows of length 1; of zeros where a text has no word."""
        return csr_matrix(self._weights.transform(self._counts.transform(texts)))

    @cached_property
    def _counts(self) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        options: Any = {"n_features": _N_WORDS, "alternate_sign": False, "norm": None}
        return HashingVectorizer(token_pattern=WORD, **options)

    @cached_property
    def _weights(self) -> Any:
        from scipy.sparse import vstack
        from sklearn.feature_extraction.text import TfidfTransformer

        store, starts = self._store, self._store.cut(self._store.pool).ravel()
        parts: list[Any] = []
        for begin in range(0, len(starts), _BLOCK):
            decoded = store.detokenizer.windows(store.ids(starts[begin : begin + _BLOCK]))
            parts.append(self._counts.transform([text for text, _ in decoded]))
        return TfidfTransformer(sublinear_tf=True).fit(vstack(parts))
