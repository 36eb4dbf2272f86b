"""Tests of what is chosen per cell, against sorting all its rows."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.prep.select.topk import lowest, stable_order

BITS = 4


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**BITS - 1)), max_size=40), n=st.integers(0, 5))
def test_the_lowest_of_each_cell_are_the_first_of_its_rows_in_order(rows: list[tuple[int, int]], n: int) -> None:
    cell, key = (torch.tensor([row[i] for row in rows], dtype=torch.int64) for i in range(2))
    size = torch.bincount(cell, minlength=4)
    keep, nth_key = lowest(lambda rows: key[rows], cell, size, n, bits=BITS)
    for c in range(4):
        ranked = sorted(
            (k, number) for number, (row_cell, k) in enumerate(rows) if row_cell == c
        )  # equal keys by number
        assert keep[cell == c].nonzero().flatten().tolist() == sorted(
            [number for number, (row_cell, _) in enumerate(rows) if row_cell == c].index(number)
            for _, number in ranked[:n]
        )
        assert nth_key[c] == (ranked[n - 1][0] if 0 < n <= len(ranked) else -1)


def test_of_equal_keys_the_first_rows_stay() -> None:
    # Cell 0 has keys 5 3 5 5 and cell 1 has 5: of the three fives of cell 0 one has room beside the three.
    cell, key = torch.tensor([0, 0, 1, 0, 0]), torch.tensor([5, 3, 5, 5, 5])
    keep, nth_key = lowest(lambda rows: key[rows], cell, torch.tensor([4, 1]), 2, bits=BITS)
    assert keep.tolist() == [True, True, True, False, False]
    assert nth_key.tolist() == [5, -1]


def test_keys_are_asked_for_full_cells_alone() -> None:
    asked = []
    cell = torch.tensor([0, 1, 0])

    def key(rows: torch.Tensor) -> torch.Tensor:
        asked.extend(rows.tolist())
        return rows

    lowest(key, cell, torch.tensor([2, 1]), 2, bits=BITS)
    assert asked == [0, 2]


@pytest.mark.parametrize("below", [2, 1 << 15, 1 << 16, (1 << 16) + 1, 1 << 21])
def test_the_order_is_numpys_stable_one(below: int) -> None:
    values = np.random.default_rng(0).integers(0, below, 5000)
    values[:2] = below - 1, 0
    assert stable_order(torch.from_numpy(values), below).tolist() == np.argsort(values, kind="stable").tolist()
