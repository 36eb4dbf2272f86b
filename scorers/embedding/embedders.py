"""Similarity of an explanation to contexts: the cosine of their embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy.sparse import csr_matrix, issparse

from inspect_autointerp.latent import Context
from inspect_autointerp.models.sentence_embeddings import SentenceModel
from inspect_autointerp.models.tfidf import Words
from inspect_autointerp.models.vector_cache import KeptVectors
from inspect_autointerp.store.remote import cache_folder
from inspect_autointerp.store.store import Store

_DECIMALS = 6
"""Decimals of a cosine. The last bits of a float32 depend on the batch, and would make equal texts differ."""


class Asked(NamedTuple):
    """An explanation, and the contexts to compare it with."""

    explanation: str
    contexts: Sequence[Context]


@dataclass(frozen=True, slots=True)
class Similarity:
    """Similarity of an explanation and one context."""

    cosine: float | None
    """In [−1, 1]; None where undefined."""
    reason: str | None = None
    """Why it is: `empty_explanation`, `explanation_too_long`, `empty_context`, `context_too_long`."""


class Embedder(Protocol):
    """Explanations and contexts to vectors of length 1; zeros where there is nothing to embed, NaN of what is cut."""

    name: str
    """For the log."""

    def queries(self, texts: Sequence[str]) -> np.ndarray | csr_matrix:
        """Embed explanations, (explanation, dimension)."""
        ...

    def contexts(self, contexts: Sequence[Context]) -> np.ndarray | csr_matrix:
        """Embed contexts of one store and window, (context, dimension)."""
        ...


class ByWords:
    """Explanations and contexts by their words; nothing is kept, counting them again is faster than reading."""

    def __init__(self, store: Store) -> None:
        self._words = Words(store)
        self.name = self._words.name

    def queries(self, texts: Sequence[str]) -> csr_matrix:
        """Embed explanations."""
        return self._words(texts)

    def contexts(self, contexts: Sequence[Context]) -> csr_matrix:
        """Embed contexts."""
        return self._words([context.text for context in contexts])


class BySentences:
    """Explanations and contexts by a sentence embedding; a context's is computed once and kept in the user's cache.

    Args:
        store: Where the contexts are from.
        model: The model.
        prompt: What to put in front of an explanation in place of the model's own prompt for queries.
    """

    def __init__(self, store: Store, model: SentenceModel, prompt: str | None = None) -> None:
        self._model, self._prompt = model, prompt
        self.name = f"{model.name} ({model.digest})"
        folder = cache_folder() / "embeddings" / store.digest.replace("/", "-") / model.digest
        self._kept = KeptVectors(folder, {"model": model.name})

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        """Embed explanations; of an empty one a model would make something."""
        vectors = self._model.queries(texts, self._prompt)
        vectors[[not text.strip() for text in texts]] = 0
        return vectors

    def contexts(self, contexts: Sequence[Context]) -> np.ndarray:
        """Embed the contexts that were not before."""
        starts = np.array([context.start for context in contexts], dtype=np.int64)
        known, kept = self._kept.get(starts)
        if known.all():
            return kept
        new = self._model.documents([contexts[i].text for i in np.flatnonzero(~known).tolist()])
        self._kept.add(starts[~known], new)
        vectors = np.empty((len(contexts), new.shape[1]), dtype=np.float32)
        vectors[~known] = new
        if known.any():
            vectors[known] = kept
        return vectors


def compare(embedder: Embedder, asked: Sequence[Asked]) -> list[list[Similarity]]:
    """The similarities of each explanation and its contexts. A context that several share is embedded once."""
    queries = embedder.queries([one.explanation for one in asked])
    distinct = {context.start: context for one in asked for context in one.contexts}
    row = {start: i for i, start in enumerate(distinct)}
    vectors = embedder.contexts(list(distinct.values()))
    similarities: list[list[Similarity]] = []
    for i, one in enumerate(asked):
        rows = [row[context.start] for context in one.contexts]
        similarities.append(_similarities(_dense(queries[[i]])[0], vectors[rows]))
    return similarities


def pairwise_cosines(vectors: np.ndarray | csr_matrix) -> np.ndarray:
    """Return the cosines of all pairs of vectors of length 1, float64 (context, context).

    NaN where a vector is 0 or NaN, which is what a text without words, or one too long, has.
    """
    products: Any = vectors @ vectors.T
    cosines = _dense(products).astype(np.float64).round(_DECIMALS)
    missing = ~(np.diagonal(cosines) > 0)
    cosines[missing] = cosines[:, missing] = np.nan
    return cosines


def _similarities(query: np.ndarray, vectors: np.ndarray | csr_matrix) -> list[Similarity]:
    """Compute the similarity of one explanation to contexts, (context, dimension)."""
    whole = _reason(float(np.square(query).sum()), "explanation")
    if whole:
        return [Similarity(None, whole)] * vectors.shape[0]
    squared = vectors.multiply(vectors).sum(axis=1) if issparse(vectors) else np.square(vectors).sum(axis=1)
    cosines = np.asarray(vectors @ query, dtype=np.float64).ravel().round(_DECIMALS).tolist()
    reasons = [_reason(length, "context") for length in np.asarray(squared).ravel().tolist()]
    return [
        Similarity(None, reason) if reason else Similarity(cosine)
        for cosine, reason in zip(cosines, reasons, strict=True)
    ]


def _reason(squared: float, what: str) -> str | None:
    """Why a vector of this squared length points nowhere."""
    if np.isnan(squared):
        return f"{what}_too_long"
    return f"empty_{what}" if squared == 0 else None


def _dense(vectors: np.ndarray | csr_matrix) -> np.ndarray:
    return vectors.toarray() if issparse(vectors) else np.asarray(vectors)
