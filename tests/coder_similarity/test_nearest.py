"""The nearest of either side, in one pass over blocks: what sorting all products gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspect_autointerp.coder_similarity import nearest as module
from inspect_autointerp.coder_similarity.nearest import _true, nearest

SIDES = st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(1, 3)).flatmap(
    lambda size: st.tuples(
        # Eighths tie often, and their products are exact.
        *(
            arrays(np.float32, (n, size[2]), elements=st.integers(-8, 8).map(lambda eighths: eighths / 8))
            for n in size[:2]
        )
    )
)


def check(a: np.ndarray, b: np.ndarray, k: int) -> None:
    """The k largest positive products of each latent are there, and no pair that is among no latent's k largest."""
    full = a.astype(np.float64) @ b.T.astype(np.float64)
    i, j = nearest(a, b, k)
    nearest_mask = np.zeros(full.shape, dtype=bool)
    nearest_mask[i, j] = True
    assert nearest_mask.sum() == len(i)
    assert np.array_equal(np.argwhere(nearest_mask), np.column_stack([i, j]))  # in order of a, then b
    assert (full[i, j] > 0).all()
    among = np.zeros_like(nearest_mask)
    for side, has, in_k in ((full, nearest_mask, among), (full.T, nearest_mask.T, among.T)):
        kept = np.where(has, side, 0)
        k_here = min(k, side.shape[1])
        wanted = np.maximum(-np.sort(-side, axis=1)[:, :k_here], 0)
        assert np.array_equal(-np.sort(-kept, axis=1)[:, :k_here], wanted)
        in_k |= side >= wanted[:, -1:]
    assert among[nearest_mask].all()


def test_by_hand() -> None:
    a, b = np.eye(2, dtype=np.float32), np.array([[0.6, 0.8], [1, 0], [-1, 0]], dtype=np.float32)
    # Products 0.6 1 −1 and 0.8 0 0: row 0 has its best in column 1, row 1 in 0; column 0 in row 1, column 1 in row 0.
    assert [side.tolist() for side in nearest(a, b, 1)] == [[0, 1], [1, 0]]
    assert [side.tolist() for side in nearest(a, b, 5)] == [[0, 0, 1], [0, 1, 0]]


@given(SIDES, st.integers(1, 16), st.integers(1, 6), st.integers(1, 6))
def test_all_products_sorted_give_the_same_whatever_the_blocks(
    sides: tuple[np.ndarray, np.ndarray], k: int, rows: int, columns: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS", rows)
        patch.setattr(module, "_COLUMNS", columns)
        check(*sides, k)


@pytest.mark.parametrize("order", [1, -1], ids=["the-best-last", "the-best-first"])
def test_each_block_may_displace_all_that_came_before(order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS", 16)
    monkeypatch.setattr(module, "_COLUMNS", 32)
    rising = np.arange(1, 129, dtype=np.float32)[::order, None]
    check(rising, rising[:100], 5)


def test_nothing_is_near_to_nothing() -> None:
    zero, one = np.zeros((3, 2), dtype=np.float32), np.ones((2, 2), dtype=np.float32)
    for a, b in ((zero, one), (one, zero), (zero[:0], one), (one, zero[:0]), (one, -one)):
        assert [side.tolist() for side in nearest(a, b, 2)] == [[], []]


def test_who_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS", 2)
    told: list[str] = []
    nearest(np.ones((5, 1), dtype=np.float32), np.ones((10, 1), dtype=np.float32), 1, told.append)
    assert told == ["cosines 40%", "cosines 80%", "cosines 100%"]


@given(arrays(np.bool_, st.tuples(st.integers(0, 7), st.integers(0, 7))))
def test_true_places(mask: np.ndarray) -> None:
    assert np.array_equal(_true(mask), np.flatnonzero(mask))
