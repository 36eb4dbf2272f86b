"""Clusters of a latent's contexts: by what stands at the active tokens, and by the text around them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from inspect_autointerp.latent import Context
from inspect_autointerp.text.render import THRESHOLD

_WORD = re.compile(r"\w+")
FOCUS = 2.0
"""Weight of the words at the active tokens, where the whole text has the weight 1."""


@dataclass(frozen=True)
class Clustering:
    """Contexts in groups."""

    members: list[list[int]]
    """Numbers of the contexts of each cluster, the largest cluster first."""
    silhouette: float
    """Mean silhouette by distance of the vectors, in [−1, 1]; NaN of one cluster."""


def cluster_contexts(
    vectors: np.ndarray, k: int | None, *, most: int, smallest: int, least_silhouette: float, seed: int
) -> Clustering:
    """Put contexts into clusters by k-means.

    Args:
        vectors: (context, dimension), rows of length 1.
        k: Number of clusters; no more than there are different vectors. None chooses the number with the largest mean
            silhouette, among those that leave every cluster large enough, or one cluster if that is too small.
        most: Largest number of clusters to choose from.
        smallest: Fewest contexts of a cluster, where the number is chosen.
        least_silhouette: With a smaller silhouette there is one cluster, where the number is chosen.
        seed: Random seed of k-means.
    """
    n_different = len(np.unique(vectors.round(6), axis=0))
    if k is not None:
        return _clustering(vectors, min(k, n_different), seed)
    tried = [_clustering(vectors, number, seed) for number in range(2, min(most, n_different, len(vectors) - 1) + 1)]
    fit = [one for one in tried if min(map(len, one.members)) >= smallest and one.silhouette >= least_silhouette]
    return max(fit, key=lambda one: one.silhouette) if fit else _clustering(vectors, 1, seed)


def context_vectors(contexts: Sequence[Context], embed: Callable[[Sequence[str]], Any]) -> np.ndarray:
    """Embed contexts by their whole text and, `FOCUS` times as heavy, by the words at the active tokens.

    Args:
        contexts: Activating contexts.
        embed: Returns a row of length 1 per text, or of zeros where there is nothing to embed.

    Returns:
        float64 (context, dimension), rows of length 1; of zeros where there is nothing to embed.
    """
    whole = embed([context.text for context in contexts])
    at_tokens = embed([active_words(context) for context in contexts])
    vectors = _dense(whole + FOCUS * at_tokens)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def active_words(context: Context) -> str:
    """Return the words that active tokens are part of, each with the word before it.

    A token counts as active from `render.THRESHOLD` of the context's maximum on. The word before is what many latents
    respond to: a sign is no word, and `the word after "not"` is told by `not`.
    """
    words = [match.span() for match in _WORD.finditer(context.text)]
    least = THRESHOLD * context.max_activation
    chosen: set[int] = set()
    for (start, end), activation in zip(context.spans, context.activations.tolist(), strict=True):
        if activation > 0 and activation >= least:
            own = [i for i, (first, last) in enumerate(words) if first < end and start < last]
            before = [i for i, (_, last) in enumerate(words) if last <= start]
            chosen.update(own)
            chosen.update([own[0] - 1] if own and own[0] > 0 else [] if own else before[-1:])
    return " ".join(context.text[slice(*words[i])] for i in sorted(chosen))


def _clustering(vectors: np.ndarray, k: int, seed: int) -> Clustering:
    if k <= 1:
        return Clustering([list(range(len(vectors)))], float("nan"))
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    labels = KMeans(n_clusters=k, n_init=10, random_state=seed).fit_predict(vectors)
    members = [np.flatnonzero(labels == number).tolist() for number in range(k)]
    members = sorted((own for own in members if own), key=lambda own: (-len(own), own[0]))
    score = float(silhouette_score(vectors, labels)) if 1 < len(members) < len(vectors) else float("nan")
    return Clustering(members, score)


def _dense(vectors: Any) -> np.ndarray:
    """Return vectors as an array, of sparse ones the columns that are used: of a million words some hundreds occur."""
    if isinstance(vectors, csr_matrix):
        used = np.unique(vectors.indices)
        return np.asarray(vectors[:, used].toarray(), dtype=np.float64)
    return np.asarray(vectors, dtype=np.float64)
