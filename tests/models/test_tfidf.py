"""Words against scikit-learn's own vectorizer on the same texts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from inspect_autointerp.models.tfidf import Words
from inspect_autointerp.store.store import Store


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


def test_cosines_are_those_of_scikit_learn(store: Store) -> None:
    pool = [text for text, _ in store.detokenizer.windows(store.ids(store.pool))]
    options: Any = {"sublinear_tf": True, "token_pattern": r"[^\W\d_]+|\d+"}
    reference: Any = TfidfVectorizer(**options).fit(pool)
    words = Words(store)
    texts = pool[::20]
    queries = ["return self or None", "import os", pool[3]]
    expected = (reference.transform(texts) @ reference.transform(queries).T).toarray()
    differences = abs((words(texts) @ words(queries).T).toarray() - expected)
    # Of some thousand words, hashed to a million places, a few share one.
    assert np.mean(differences > 1e-6) < 0.05
    assert differences.max() < 0.05
    assert expected.max() > 0.1


def test_a_word_that_the_pool_never_shows_weighs_most(store: Store) -> None:
    # ln((1 + n) / (1 + 0)) + 1 against ln((1 + n) / (1 + windows that hold it)) + 1.
    n = len(store.pool)
    row = Words(store)(["self xyzzyplugh"])
    holding = sum(
        "self" in text.lower().replace("_", " ") for text, _ in store.detokenizer.windows(store.ids(store.pool))
    )
    high, low = sorted(row.data.tolist(), reverse=True)
    assert holding > 0
    assert high / low == pytest.approx((np.log(1 + n) + 1) / (np.log((1 + n) / (1 + holding)) + 1), rel=0.2)
    assert np.hypot(high, low) == pytest.approx(1)


def test_a_text_without_words_has_no_direction(store: Store) -> None:
    assert Words(store)(["", " \n", "): _"]).nnz == 0
