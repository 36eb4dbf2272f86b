"""Tests of what a reconstructor of token vectors counts."""

import numpy as np
import pytest

from inspect_autointerp.prep.engines import token_vectors


def test_tokens_are_counted_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = np.array([3, 1, 1, 0, 3, 9, 3], dtype=np.uint16)
    monkeypatch.setattr(token_vectors, "_AT_ONCE", 3)
    assert token_vectors.token_counts(tokens, 5).tolist() == [1, 2, 0, 3, 0]
    assert token_vectors.token_counts(tokens[:0], 2).tolist() == [0, 0]
