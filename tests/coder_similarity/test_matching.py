"""The best one-to-one matching: by hand, and on a graph as on the full matrix."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

from inspect_autointerp.coder_similarity.matching import match_dense, match_sparse

# Eighths tie often and add up exactly.
MATRICES = st.tuples(st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-4, 8).map(lambda n: n / 8))
)


def both(similarity: np.ndarray) -> list[tuple[list[int], list[int]]]:
    return [
        (rows.tolist(), columns.tolist())
        for rows, columns in (match_dense(similarity), match_sparse(csr_matrix(similarity)))
    ]


@pytest.mark.parametrize(
    ("similarity", "pairs"),
    [
        # 0.9 + 0.8 beats 1 + 0: the best pair of all is in no best matching.
        pytest.param([[1.0, 0.9], [0.8, 0.0]], ([0, 1], [1, 0]), id="greedy-is-wrong"),
        # 1 ≥ 0.5 + 0.4, what both of the first pair would have to give up.
        pytest.param([[1.0, 0.5], [0.4, 0.2]], ([0, 1], [0, 1]), id="dominating"),
        pytest.param([[-0.5, 0.3], [-0.1, -0.2]], ([0], [1]), id="nothing-below-0"),
        pytest.param([[0.2, 0.7, 0.6]], ([0], [1]), id="one-row"),
        pytest.param([[0.2], [0.7], [0.6]], ([1], [0]), id="one-column"),
        pytest.param([[0.0, 0.0]], ([], []), id="nothing"),
    ],
)
def test_by_hand(similarity: list[list[float]], pairs: tuple[list[int], list[int]]) -> None:
    assert both(np.array(similarity)) == [pairs, pairs]


def test_the_undefined_is_matched_with_nothing() -> None:
    rows, columns = match_dense(np.array([[np.nan, 0.1], [0.9, np.nan]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])
    rows, columns = match_dense(np.array([[np.nan, 0.1], [np.nan, 0.2]]))
    assert (rows.tolist(), columns.tolist()) == ([1], [1])


@given(MATRICES)
def test_a_graph_gives_the_full_matrix_optimum(similarity: np.ndarray) -> None:
    totals = []
    for rows, columns in (match_dense(similarity), match_sparse(csr_matrix(similarity))):
        assert len(set(rows.tolist())) == len(rows) == len(set(columns.tolist()))
        assert rows.tolist() == sorted(rows.tolist())
        assert (similarity[rows, columns] > 0).all()
        totals.append(similarity[rows, columns].sum())
    assert totals[0] == totals[1]


@given(MATRICES.filter(lambda matrix: max(matrix.shape) <= 5))
def test_nothing_is_better_than_the_best(similarity: np.ndarray) -> None:
    worth = np.maximum(similarity if similarity.shape[0] <= similarity.shape[1] else similarity.T, 0)
    n = range(len(worth))
    best = max(worth[list(n), list(columns)].sum() for columns in permutations(range(worth.shape[1]), len(worth)))
    rows, columns = match_sparse(csr_matrix(similarity))
    assert similarity[rows, columns].sum() == best


def test_larger_graphs_agree_too(rng: np.random.Generator) -> None:
    similarity = np.where(rng.random((150, 130)) < 0.1, rng.random((150, 130)), 0)
    totals = [similarity[pairs].sum() for pairs in (match_dense(similarity), match_sparse(csr_matrix(similarity)))]
    assert totals[0] == pytest.approx(totals[1], rel=1e-12)
