"""`Selector` against a selection that holds everything, over random streams."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prep.selector_by_brute_force import assert_same, brute_force
from tests.prep.selector_streams import (
    Chunk,
    feed,
    fold,
    joined_state,
    limits,
    shared_out,
    siblings_of,
    streams,
    whole,
)  # fmt: skip

from inspect_autointerp.prep.select import retained
from inspect_autointerp.prep.select.selector import Selector, _mix

blocks = st.sampled_from([1, 4, 10_000])
"""Rows in a block."""


@settings(max_examples=100)
@given(chunks=streams(), limit=limits, batch=st.integers(1, 4), buffer=st.sampled_from([0, 3, 10_000]), block=blocks)
def test_what_is_kept_is_what_holding_everything_gives(
    chunks: list[Chunk], limit: dict[str, int], batch: int, buffer: int, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retained, "_ROWS", block)
        assert_same(fold(chunks, batch, buffer=buffer, **limit), brute_force(chunks, **limit))


@settings(max_examples=60)
@given(chunks=streams(), limit=limits, batches=st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_what_is_kept_does_not_depend_on_the_batch_size(
    chunks: list[Chunk], limit: dict[str, int], batches: tuple[int, int]
) -> None:
    assert_same(fold(chunks, batches[0], buffer=0, **limit), fold(chunks, batches[1], **limit))


@settings(max_examples=60)
@given(chunks=streams(copies=False), limit=limits, data=st.data())
def test_what_is_kept_does_not_depend_on_the_order(chunks: list[Chunk], limit: dict[str, int], data) -> None:
    shuffled = data.draw(st.permutations(chunks))
    assert_same(fold(shuffled, 1, buffer=2, **limit), fold(chunks, 1, **limit))


@settings(max_examples=60)
@given(streams=shared_out(), limit=limits, buffer=st.sampled_from([0, 3, 10_000]), block=blocks)
def test_shards_merged_in_any_order_are_the_single_run(streams, limit: dict[str, Any], buffer: int, block: int) -> None:
    chunks, shards = streams
    n_latents = chunks[0].act.shape[1]

    def empty() -> Selector:
        return Selector(n_latents, siblings=siblings_of(n_latents), buffer=buffer, **limit)

    merged = empty()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retained, "_ROWS", block)
        for shard in shards:
            selector = empty()
            feed(selector, shard, 1)
            merged.absorb(joined_state(selector))
    assert_same(whole(merged.finish()), fold(chunks, 1, **limit))


@settings(max_examples=60)
@given(chunks=streams(), limit=limits, data=st.data())
def test_a_state_taken_up_again_goes_on_as_before(chunks: list[Chunk], limit: dict[str, Any], data) -> None:
    n_latents, until = chunks[0].act.shape[1], data.draw(st.integers(0, len(chunks)))
    first, second = (Selector(n_latents, siblings=siblings_of(n_latents), buffer=0, **limit) for _ in range(2))
    feed(first, chunks[:until], 1)
    second.absorb(joined_state(first))
    feed(second, chunks[until:], 1)
    assert_same(whole(second.finish()), fold(chunks, 1, **limit))


@given(st.integers(-(2**63), 2**63 - 1))
def test_the_priority_is_the_finaliser_of_splitmix64(x: int) -> None:
    # Steele, Lea and Flood 2014, in integers without a sign.
    z = x % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    assert int(_mix(torch.tensor(x))) % 2**64 == z ^ (z >> 31)
