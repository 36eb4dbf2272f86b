"""Statistics of similarities: by hand, and against scikit-learn on the same input."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score

from inspect_autointerp.latent import Context, Kind
from inspect_autointerp.scorers.compared import Asked, Similarity, compare
from inspect_autointerp.scorers.similarity import auroc, by_similarity, similarity_keys, similarity_statistics


def context(kind: Kind, decile: int | None = None, start: int = 0, text: str = "ab") -> Context:
    activations = np.array([1.0 if kind == "activating" else 0.0], dtype=np.float32)
    return Context(kind, start, text, ((0, len(text)),), activations, decile)


def test_auroc_by_hand() -> None:
    # Of 2 × 3 pairs: 0.9 beats all three; 0.5 beats 0.1, equals 0.5 and loses to 0.7: 3 + 1 + ½ = 4.5 of 6.
    assert auroc([0.9, 0.5], [0.1, 0.5, 0.7]) == 0.75
    assert isnan(auroc([], [0.1]))
    assert isnan(auroc([0.1], []))


@given(st.lists(st.integers(-5, 5), min_size=1), st.lists(st.integers(-5, 5), min_size=1))
def test_auroc_is_scikit_learns(high: list[int], low: list[int]) -> None:
    truth = [1] * len(high) + [0] * len(low)
    assert auroc(high, low) == pytest.approx(float(roc_auc_score(truth, [*high, *low])))
    assert auroc(high, low) == pytest.approx(1 - auroc(low, high))


def test_every_kind_is_set_against_activating_contexts_apart() -> None:
    contexts = [context("activating", 1), context("activating", 10), context("random"), context("random")]
    contexts += [context("similar"), context("neighbours")]
    found = [Similarity(0.3), Similarity(0.8), Similarity(0.2), Similarity(0.4), Similarity(0.9)]
    found.append(Similarity(None, "context_too_long"))
    values = similarity_statistics(contexts, found, ["neighbours", "similar"])
    assert list(values) == similarity_keys(["neighbours", "similar"])
    # 0.3 beats 0.2, 0.8 beats both: 3 of 4. By decile 1 of 2, and 2 of 2. Neither beats 0.9. One of six is unscored.
    expected = {"auroc": 0.75, "auroc_decile_1": 0.5, "auroc_decile_10": 1.0, "auroc_similar": 0.0, "unscored": 1 / 6}
    assert {key: values[key] for key in expected} == pytest.approx(expected)
    assert all(isnan(value) for key, value in values.items() if key not in expected), "undefined is NaN"
    assert isnan(similarity_statistics(contexts, found, ["similar"], min_contexts=2)["auroc_similar"])


def test_no_contexts_and_none_scored_are_undefined() -> None:
    assert all(isnan(value) for value in similarity_statistics([], []).values())
    values = similarity_statistics([context("activating", 1), context("random")], [Similarity(None, "no")] * 2)
    assert values["unscored"] == 1
    assert isnan(values["auroc"])


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
        [found] = compare(double, [Asked("long", contexts[:1])])
        assert found == [Similarity(None, "explanation_too_long")]


def test_equal_texts_tie_wherever_they_stand() -> None:
    """A product's last bit depends on the row's place in the matrix."""
    rng = np.random.default_rng(0)
    one, query = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 387)))
    contexts = [context("random", start=i) for i in range(203)]
    [found] = compare(Double({"ab": one.tolist(), "q": query.tolist()}), [Asked("q", contexts)])
    assert len({similarity.cosine for similarity in found}) == 1


def test_the_reader_sees_the_most_alike_first_and_the_unscored_last() -> None:
    contexts = [context("random", text="low"), context("activating", 3, text="high"), context("random", text="long")]
    block = by_similarity(contexts, [Similarity(0.1), Similarity(0.5), Similarity(None, "context_too_long")])
    places = [block.index(part) for part in ("COMPARED", "0.500", "high", "0.100", "low", "UNSCORED: 1", "long")]
    assert places == sorted(places)
    assert "COMPARED" not in by_similarity(contexts[:1], [Similarity(None, "empty_explanation")])
