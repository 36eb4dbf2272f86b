"""Texts that are compared with each other, as vectors: by their words, or by a sentence embedding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix, issparse

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.sentence_embeddings import MINILM, SentenceModel
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.models.tfidf import Words
from inspect_autointerp.store.store import Store

TFIDF = "tfidf"
_prepared: dict[str, SentenceModel] = {}
"""Models of evaluations that have not begun."""
Vectors = np.ndarray | csr_matrix
"""A row per text, of length 1; zeros where there is nothing to embed."""


@dataclass(frozen=True)
class TextVectors:
    """Maker of vectors of texts."""

    name: str
    """For the log."""
    embed: Callable[[Sequence[str]], Vectors]

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, (text, dimension)."""
        return self.embed(texts)


async def text_vectors(store: Store, embedder: str = TFIDF) -> TextVectors:
    """Return what embeds texts; one for all samples of the running tasks.

    Args:
        store: The store whose words are counted.
        embedder: `tfidf`, `minilm`, or the name or folder of a model of sentence-transformers.

    Raises:
        UserError: The embedder cannot be loaded.
    """
    if embedder == TFIDF:
        words = await shared(("words", store.key, store.window), lambda: Words(store))
        return TextVectors(words.name, words)
    model = await sentence_model(embedder)
    return TextVectors(f"{model.name} ({model.digest})", lambda texts: _or_zeros(model, texts))


def prepare_embedder(embedder: object, option: str, *, trust_remote_code: bool = False) -> str:
    """Load an embedder early, so that a mistake is reported before the first explanation is paid for.

    Args:
        embedder: See `text_vectors`.
        option: Name of the argument, for messages.
        trust_remote_code: Run the code that comes with the embedder, if any does.

    Returns:
        The embedder's name.

    Raises:
        UserError: It is no name, or the embedder cannot be loaded.
    """
    if not isinstance(embedder, str) or not embedder.strip():
        raise UserError(f"{option}={embedder}: give {TFIDF}, {MINILM}, or a sentence-transformers model")
    if embedder != TFIDF and embedder not in _prepared:
        _prepared[embedder] = SentenceModel(embedder, option, trust_remote_code=trust_remote_code)
    return embedder


async def sentence_model(embedder: str, *, trust_remote_code: bool = False) -> SentenceModel:
    """Return a sentence embedding, one for all samples of the running tasks.

    It is the one that `prepare_embedder` loaded, which goes when the tasks end; else it is loaded now.

    Args:
        embedder: Its name or folder.
        trust_remote_code: Run the code that comes with it, if any does.

    Raises:
        UserError: It cannot be loaded.
    """

    def make() -> SentenceModel:
        prepared = _prepared.pop(embedder, None)
        return prepared or SentenceModel(embedder, "embedder", trust_remote_code=trust_remote_code)

    return await shared(("sentences", embedder), make)


def mean_cosine(vectors: Vectors) -> float:
    """Return the mean cosine over all pairs of different rows, in [−1, 1].

    Args:
        vectors: (text, dimension), rows of length 1.

    Returns:
        NaN of fewer than two rows, or where a row is of zeros: nothing of that text was embedded.
    """
    dense = np.asarray(vectors.toarray() if issparse(vectors) else vectors, dtype=np.float64)
    if len(dense) < 2 or not (np.square(dense).sum(axis=1) > 0).all():
        return float("nan")
    return float(np.mean([dense[i] @ dense[j] for i, j in combinations(range(len(dense)), 2)]))


def _or_zeros(model: SentenceModel, texts: Sequence[str]) -> np.ndarray:
    """Embed texts; of an empty one a model would make something."""
    vectors = np.array(model.alike(texts), dtype=np.float32)
    vectors[[not text.strip() for text in texts]] = 0
    return vectors
