"""Cosines of directions, of all pairs and of candidates."""

import numpy as np
import pytest

from inspect_autointerp.coder_similarity.cosine import Cosine
from inspect_autointerp.coder_similarity.matching import match_dense
from inspect_autointerp.coder_similarity.null_baseline import repaired, rotated


def test_by_hand() -> None:
    cosine = Cosine(np.array([[3.0, 0], [0, 0]]), np.array([[1.0, 1], [-2, 0], [np.inf, 1]]))
    cosines = cosine.of(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]))
    assert cosines == pytest.approx([1 / np.sqrt(2), -1, np.nan, np.nan], nan_ok=True)
    assert cosine.all()[0] == pytest.approx(cosines[:3], nan_ok=True)
    assert [known.tolist() for known in cosine.known] == [[True, False], [True, True, False]]
    assert [side.tolist() for side in cosine.match(None)] == [[0], [0]]


def test_candidates_are_the_nearest_of_either_side(rng: np.random.Generator) -> None:
    cosine = Cosine(rng.standard_normal((40, 6)), rng.standard_normal((30, 6)))
    full = cosine.all()
    rank_a = (-full).argsort(axis=1).argsort(axis=1)
    rank_b = (-full).argsort(axis=0).argsort(axis=0)
    wanted = np.where(((rank_a < 3) | (rank_b < 3)) & (full > 0), full, 0)
    assert cosine.candidates(3).toarray() == pytest.approx(wanted, abs=1e-6)
    total = {k: full[cosine.match(k)].sum() for k in (None, 3, 30)}
    assert total[30] == pytest.approx(total[None], abs=1e-6)
    assert total[3] <= total[None] + 1e-6


def test_a_permuted_copy_is_matched_exactly(rng: np.random.Generator) -> None:
    directions, order = rng.standard_normal((50, 8)), rng.permutation(50)
    for k in (None, 4):
        rows, columns = Cosine(directions, directions[order]).match(k)
        assert rows.tolist() == list(range(50))
        assert order[columns].tolist() == list(range(50))


def test_turned_directions_keep_their_angles(rng: np.random.Generator) -> None:
    directions = rng.standard_normal((20, 8))
    turned = rotated(directions, rng)
    assert turned @ turned.T == pytest.approx(directions @ directions.T)
    cosine = Cosine(directions, directions).unrelated(rng, 20)
    assert cosine.all()[match_dense(cosine.all())].mean() < 0.95


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_no_pair_is_its_own_floor(n: int, rng: np.random.Generator) -> None:
    first, second = repaired(n, rng)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(n if n > 1 else 0))
    assert (first != second).all()
