"""Tokens and neighbours of four latents, by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inspect_autointerp.prep.select.decoder_directions import Directions, directions

DECODER = torch.tensor([[2.0, 0.0], [1.0, 2.0], [0.0, 1.0], [-2.0, -1.0]])
UNEMBEDDING = torch.tensor([[1.0, 0.0], [0.0, 3.0], [-1.0, -1.0]])
# Logits, a row per latent:   2  0 −2
#                             1  6 −3
#                             0  3 −1
#                            −2 −3  3
PROMOTED = [[0, 1], [1, 0], [1, 0], [2, 0]]
SUPPRESSED = [[2, 1], [2, 0], [2, 0], [1, 0]]
# Lengths 2, √5, 1, √5. Cosines: 0·1 1/√5, 0·2 0, 0·3 −2/√5; 1·2 2/√5, 1·3 −4/5; 2·3 −1/√5.
NEIGHBOURS = [[1, 2], [2, 0], [1, 0], [2, 1]]
COSINES = np.array([[5**-0.5, 0], [2 * 5**-0.5, 5**-0.5], [2 * 5**-0.5, 0], [-(5**-0.5), -0.8]])


def some(**options: Any) -> Directions:
    return directions(DECODER, UNEMBEDDING, near=DECODER, n_tokens=2, n_neighbours=2, **options)


@pytest.mark.parametrize("block", [1, 8, 1024])
def test_tokens_and_neighbours_are_those_found_by_hand(block: int) -> None:
    result = some(block=block)
    assert result.promoted is not None
    assert result.suppressed is not None
    assert result.neighbours is not None
    assert result.cosines is not None
    assert result.promoted.tolist() == PROMOTED
    assert result.suppressed.tolist() == SUPPRESSED
    assert result.neighbours.tolist() == NEIGHBOURS
    np.testing.assert_allclose(result.cosines, COSINES, atol=1e-6)
    assert (result.promoted.dtype, result.neighbours.dtype) == (np.uint32, np.uint32)


def test_blocks_change_nothing() -> None:
    torch.manual_seed(0)
    decoder, unembedding = torch.randn((100, 16)), torch.randn((50, 16))
    whole, single = (directions(decoder, unembedding, near=decoder, block=block) for block in (1 << 20, 1))
    for name in ("promoted", "suppressed", "neighbours"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(single, name))
    assert whole.cosines is not None
    assert single.cosines is not None
    np.testing.assert_allclose(whole.cosines, single.cosines, atol=1e-6)


def test_no_latent_is_its_own_neighbour_though_another_is_equal_to_it() -> None:
    decoder = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    nearest = directions(decoder, None, near=decoder, n_neighbours=1)
    assert nearest.neighbours is not None
    assert nearest.neighbours[:2].tolist() == [[1], [0]]


def test_there_are_no_more_neighbours_than_other_latents() -> None:
    nearest = directions(DECODER, None, near=DECODER)
    assert nearest.neighbours is not None
    assert [sorted(row) for row in nearest.neighbours.tolist()] == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


@pytest.mark.parametrize(
    "unembedding", [pytest.param(None, id="none"), pytest.param(torch.ones((20, 3)), id="another-width")]
)
def test_directions_without_a_fitting_unembedding_have_no_tokens(unembedding: torch.Tensor | None) -> None:
    tokenless = directions(DECODER, unembedding, near=DECODER)
    assert (tokenless.promoted, tokenless.suppressed) == (None, None)
    assert tokenless.neighbours is not None


def test_latents_without_directions_have_none_of_it() -> None:
    assert directions(None, UNEMBEDDING, near=None) == Directions(None, None, None, None)


def test_a_direction_in_half_precision_is_computed_in_full() -> None:
    from_half = directions(DECODER.half(), UNEMBEDDING, near=DECODER.half(), n_tokens=2, n_neighbours=2)
    assert from_half.cosines is not None
    np.testing.assert_allclose(from_half.cosines, COSINES, atol=1e-6)


def test_neighbours_may_be_those_of_other_directions_than_what_is_written() -> None:
    flipped = directions(DECODER, UNEMBEDDING, near=DECODER.flip(0), n_tokens=2, n_neighbours=1)
    assert flipped.neighbours is not None
    assert flipped.neighbours.ravel().tolist() == [1, 2, 1, 2]  # NEIGHBOURS' first column upside down, 3 − each
    assert flipped.promoted is not None
    assert flipped.promoted.tolist() == PROMOTED


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    for saved in (some(), directions(None, UNEMBEDDING, near=None)):
        saved.save(tmp_path / "directions.safetensors")
        again = Directions.load(tmp_path / "directions.safetensors")
        for name, array in vars(saved).items():
            np.testing.assert_array_equal(getattr(again, name), array)
