"""Tests of the largest values of each row, against sorting it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

from inspect_autointerp.coder_similarity.candidates import largest

MATRICES = st.tuples(st.integers(1, 6), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-2, 4).map(float))  # which tie often
)


@given(MATRICES, st.sampled_from([1, 2, 3, 9, None]))
def test_the_first_of_equals(values: np.ndarray, k: int | None) -> None:
    wanted = np.maximum(values, 0)
    for row in wanted:
        row[np.argsort(-row, kind="stable")[k if k is not None else len(row) :]] = 0
    top = largest(csr_matrix(values), k)
    assert np.array_equal(top.toarray(), wanted)
    assert (top.data > 0).all()
