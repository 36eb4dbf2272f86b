"""Cosines of explanations and contexts."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from inspect_autointerp.latent import Context, Kind
from inspect_autointerp.scorers.embedding.embedders import Asked, Similarity, compare


def context(kind: Kind, decile: int | None = None, start: int = 0, text: str = "ab") -> Context:
    activations = np.array([1.0 if kind == "activating" else 0.0], dtype=np.float32)
    return Context(kind, start, text, ((0, len(text)),), activations, decile)


class Double:
    """Embeds by a table; counts what it embeds."""

    name = "double"

    def __init__(self, table: dict[str, list[float]], sparse: bool = False) -> None:
        self._table, self._sparse, self.embedded = table, sparse, 0

    def queries(self, texts):
        return self._make(list(texts))

    def contexts(self, contexts):
        self.embedded += len(contexts)
        return self._make([context.text for context in contexts])

    def _make(self, texts):
        rows = np.array([self._table[text] for text in texts], dtype=np.float32)
        return csr_matrix(rows) if self._sparse else rows


@pytest.mark.parametrize("sparse", [False, True])
def test_cosines_and_why_there_are_none(sparse: bool) -> None:
    nan = float("nan")
    table = {"up": [0.0, 1.0], "slope": [0.6, 0.8], "none": [0.0, 0.0], "long": [nan, nan]}
    double = Double(table, sparse)
    texts = ["up", "slope", "none", *([] if sparse else ["long"])]
    contexts = [context("random", start=i, text=text) for i, text in enumerate(texts)]
    first, second = compare(double, [Asked("slope", contexts), Asked("none", contexts[:2])])
    assert [one.cosine for one in first] == [0.8, 1.0, None, None][: len(texts)]
    assert [one.reason for one in first] == [None, None, "empty_context", "context_too_long"][: len(texts)]
    assert [one.reason for one in second] == ["empty_explanation"] * 2
    assert double.embedded == len(texts), "what two explanations share is embedded once"
    if not sparse:
        [similarities] = compare(double, [Asked("long", contexts[:1])])
        assert similarities == [Similarity(None, "explanation_too_long")]


def test_equal_texts_tie_wherever_they_stand() -> None:
    """A product's last bit depends on the row's place in the matrix."""
    rng = np.random.default_rng(0)
    one, query = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 387)))
    contexts = [context("random", start=i) for i in range(203)]
    [similarities] = compare(Double({"ab": one.tolist(), "q": query.tolist()}), [Asked("q", contexts)])
    assert len({similarity.cosine for similarity in similarities}) == 1
