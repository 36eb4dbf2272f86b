"""Neighbours turned round."""

import numpy as np

from inspect_autointerp.prep.select.reverse_neighbours import MOST, Siblings


def test_who_calls_a_latent_its_neighbour_nearest_first() -> None:
    neighbours = np.array([[1, 2], [2, 0], [0, 1], [1, 0]], dtype=np.uint32)
    cosines = np.array([[0.5, 0.1], [0.9, 0.2], [0.8, 0.3], [0.7, 0.6]], dtype=np.float32)
    siblings = Siblings.of(neighbours, cosines, 4)
    # 0 is named by 2 (0.8), 3 (0.6) and 1 (0.2); 1 by 3 (0.7), 0 (0.5) and 2 (0.3); 2 by 1 (0.9) and 0 (0.1); 3 by none
    assert siblings.indptr.tolist() == [0, 3, 6, 8, 8]
    assert siblings.latent.tolist() == [2, 3, 1, 3, 0, 2, 1, 0]


def test_of_many_only_the_nearest_are_watched() -> None:
    n = MOST + 9
    neighbours = np.zeros((n, 1), dtype=np.uint32)  # all name latent 0, latent 0 itself names 1
    neighbours[0] = 1
    siblings = Siblings.of(neighbours, np.linspace(0, 1, n, dtype=np.float32)[:, None], n)
    assert siblings.indptr[1] == MOST
    assert siblings.latent[:MOST].tolist() == list(range(n - 1, n - 1 - MOST, -1))
    assert siblings.latent[MOST:].tolist() == [0]


def test_without_neighbours_nobody_is_watched() -> None:
    assert Siblings.of(None, None, 3).indptr.tolist() == [0, 0, 0, 0]
