"""Counts of where latents fire in two subjects, against counts that hold everything, over random streams."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.prep.selector_streams import VALUES, Chunk, feed, joined_state, limits, make_chunk, streams, whole

from inspect_autointerp.prep.select.overlap import COUNTS
from inspect_autointerp.prep.select.selector import Selector
from inspect_autointerp.store.postings import OTHER, SAMPLE


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[Chunk], list[Chunk]]:
    """A stream, and the same tokens as another subject reads them."""
    chunks = draw(streams())
    element = st.sampled_from(VALUES)
    return chunks, [replace(c, act=draw(arrays(np.float32, c.act.shape, elements=element))) for c in chunks]


def brute_force(chunks: list[Chunk], others: list[Chunk]) -> tuple[dict[str, list[int]], set[tuple[int, int]]]:
    """Counts by name, and the (latent, window start) in which the latent fires in the other subject."""
    n_latents = chunks[0].act.shape[1]
    counts = {name: [0] * n_latents for name in COUNTS}
    fires: set[tuple[int, int]] = set()
    for chunk, other in zip(chunks, others, strict=True):
        own, its = ((each.act.clip(max=65504).astype(np.float16) > 0) for each in (chunk, other))
        for latent in range(n_latents):
            counts["n_tokens_other"][latent] += int(its[:, latent].sum())
            counts["n_tokens_both"][latent] += int((own & its)[:, latent].sum())
            for start in chunk.windows.start.tolist():
                inside = slice(start - chunk.begin, start - chunk.begin + chunk.size)
                if its[inside, latent].any():
                    fires.add((latent, start))
                    counts["n_windows_other"][latent] += 1
                    counts["n_windows_both"][latent] += int(own[inside, latent].any())
    return counts, fires


def paired(chunks: list[Chunk], **options: Any) -> Selector:
    return Selector(chunks[0].act.shape[1], paired=True, buffer=2, **options)


def counts_of(selector: Selector) -> dict[str, list[int]]:
    assert selector.overlap is not None
    return {name: count.tolist() for name, count in selector.overlap.arrays().items()}


@settings(max_examples=60)
@given(pair=pairs(), limit=limits, batch=st.integers(1, 8))
def test_counts_and_marks_are_those_of_holding_everything(pair, limit: dict[str, Any], batch: int) -> None:
    chunks, others = pair
    selector = paired(chunks, **limit)
    feed(selector, chunks, batch, others)
    counts, fires = brute_force(chunks, others)
    assert counts_of(selector) == counts
    kept = whole(selector.finish())
    latents = np.repeat(np.arange(len(kept.n_tokens)), np.diff(kept.window_indptr)).tolist()
    marks = (kept.flags & OTHER > 0).tolist()
    assert marks == [key in fires for key in zip(latents, kept.window.tolist(), strict=True)]


@settings(max_examples=40)
@given(pair=pairs(), limit=limits, data=st.data())
def test_shards_and_checkpoints_add_up(pair, limit: dict[str, Any], data) -> None:
    chunks, others = pair
    until = data.draw(st.integers(0, len(chunks)))
    first, second, merged, alone = (paired(chunks, **limit) for _ in range(4))
    feed(first, chunks[:until], 1, others[:until])
    feed(second, chunks[until:], 1, others[until:])
    merged.absorb(joined_state(second))
    merged.absorb(joined_state(first))
    feed(alone, chunks, 8, others)
    assert counts_of(merged) == counts_of(alone)
    assert whole(merged.finish()).flags.tolist() == whole(alone.finish()).flags.tolist()


@settings(max_examples=20)
@given(pair=pairs(), limit=limits)
def test_the_other_subject_does_not_change_what_is_kept(pair, limit: dict[str, Any]) -> None:
    chunks, others = pair
    one, two = paired(chunks, **limit), Selector(chunks[0].act.shape[1], **limit)
    feed(one, chunks, 2, others)
    feed(two, chunks, 2)
    a, b = whole(one.finish()), whole(two.finish())
    assert a.window.tolist() == b.window.tolist()
    assert (a.flags & ~np.uint8(OTHER)).tolist() == b.flags.tolist()


def test_counts_by_hand() -> None:
    # Two windows of two tokens, then a token in no complete window. One latent.
    own, other = ([[1.0], [0.0], [2.0], [0.0], [1.0]], [[0.0], [3.0], [0.0], [0.0], [4.0]])
    chunks = [make_chunk(np.array(own), size=2)]
    selector = Selector(1, paired=True)
    feed(selector, chunks, 1, [make_chunk(np.array(other), size=2)])
    # Both fire in the first window, on two tokens; on the last token both fire, in no window.
    expected = {"n_tokens_other": [2], "n_windows_other": [1], "n_tokens_both": [1], "n_windows_both": [1]}
    assert counts_of(selector) == expected
    kept = whole(selector.finish())
    assert [(flags & OTHER, flags & SAMPLE) for flags in kept.flags.tolist()] == [(OTHER, SAMPLE), (0, SAMPLE)]


def test_a_subject_that_is_silent_leaves_the_other_ones_counts() -> None:
    silent, other = make_chunk(np.zeros((4, 1)), size=2), make_chunk(np.ones((4, 1)), size=2)
    selector = Selector(1, paired=True)
    feed(selector, [silent], 1, [other])
    assert counts_of(selector)["n_windows_other"] == [2]
    assert torch.equal(selector.n_windows, torch.zeros(1, dtype=torch.int64))
