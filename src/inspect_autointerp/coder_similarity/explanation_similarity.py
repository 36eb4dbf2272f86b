"""Similarity of the explanations of two coders' latents, by an embedding."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from inspect_autointerp.coder_similarity.hookpoints import Site
from inspect_autointerp.formats import read_explanations
from inspect_autointerp.models.sentence_embeddings import SentenceModel
from inspect_autointerp.models.tfidf import Words

TFIDF = "tfidf"
"""Names the embedding that needs no model."""
Embed = Callable[[Sequence[str]], "np.ndarray | csr_matrix"]
"""Texts to vectors of length 1, (text, dimension); of zeros for a text of which it can make nothing."""


class Explained:
    """Similarities of two coders' explanations.

    Args:
        a: Explanations by latent.
        b: The other coder's.
        embed: What makes vectors of them. Each text is embedded once.
    """

    def __init__(self, a: Mapping[int, str], b: Mapping[int, str], embed: Embed) -> None:
        number = {text: row for row, text in enumerate(dict.fromkeys([*a.values(), *b.values()]))}
        vectors = embed(list(number))
        self._vectors = csr_matrix(vectors)
        squares = np.asarray(self._vectors.multiply(self._vectors).sum(axis=1)).ravel()
        self._said = [{i: number[text] for i, text in side.items() if squares[number[text]] > 0} for side in (a, b)]

    def of(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """The cosines of pairs, float64 (pair,); NaN where one of the two has no explanation, or one of no words."""
        first, second = (
            np.array([row_of.get(latent, -1) for latent in side.tolist()], dtype=np.int64)
            for row_of, side in zip(self._said, (i, j), strict=True)
        )
        known = (first >= 0) & (second >= 0)
        cosines = np.full(len(i), np.nan)
        if known.any():
            both = self._vectors[first[known]].multiply(self._vectors[second[known]])
            cosines[known] = np.asarray(both.sum(axis=1)).ravel()
        return cosines


def explanations_of(site: Site, source: str, reading: Mapping[str, str]) -> dict[int, str]:
    """Return a site's explanations from a log or any other format that explanations are read from.

    Args:
        site: The site.
        source: A file, a folder or a URL.
        reading: Options of `read_explanations` that say what is read: `by`, `key`, `repeated`, `format`.

    Raises:
        UserError: It cannot be read, or has none of this hookpoint.
    """
    read = read_explanations(source, hookpoint=site.hookpoint, width=site.width, **reading)
    return {index: supplied.text for index, supplied in read.texts.items()}


def embedding(name: str, site: Site) -> Embed:
    """Return what embeds explanations.

    Args:
        name: `tfidf`, `minilm`, or the name or folder of a model of sentence-transformers.
        site: TF-IDF weighs words by how few windows of its store's pool hold them.

    Raises:
        UserError: The model cannot be had.
    """
    return Words(site.store) if name == TFIDF else SentenceModel(name, "--embedding").alike
