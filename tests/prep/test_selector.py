"""`Selector` against a selection that holds everything, and against sums done by hand."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspect_autointerp.prep.corpus.chunks import Windows
from inspect_autointerp.prep.select import retained
from inspect_autointerp.prep.select.result import Block, Selection
from inspect_autointerp.prep.select.retained import PRIORITY_BITS
from inspect_autointerp.prep.select.reverse_neighbours import Siblings
from inspect_autointerp.prep.select.selector import BINS, Selector, _mix
from inspect_autointerp.store.postings import POOL, SAMPLE, TOP

MASK = (1 << PRIORITY_BITS) - 1
VALUES = [0.0, 0.0, 0.0, 1e-9, 2.0**-24, 0.3, 0.5, 0.5, 1.0, 1.0, 3.3, 70000.0]
"""Silence, underflow of float16, its smallest number, ties, and more than it holds."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive tokens that the subject sees at once, and the complete windows among them."""

    begin: int
    lead: int
    """Tokens before the first complete window."""
    act: np.ndarray
    """float32 (token, latent)."""
    windows: Windows
    size: int
    """Tokens in a window."""

    @property
    def window(self) -> np.ndarray:
        """Row of `windows` of each token, −1 outside."""
        row = (np.arange(len(self.act)) - self.lead) // self.size
        return np.where((row >= 0) & (row < len(self.windows.start)), row, -1)


def make_chunk(
    act: np.ndarray,
    *,
    size: int,
    begin: int = 0,
    lead: int = 0,
    margin: int | None = None,
    test: bool = False,
    seed: int = 0,
) -> Chunk:
    n = max(0, (len(act) - lead) // size)
    start = begin + lead + size * np.arange(n)
    low, high = None, None
    if margin is not None:
        low, high = np.maximum(begin, start - margin), np.minimum(begin + len(act), start + size + margin)
    hashes = np.random.default_rng(seed).integers(-(2**63), 2**63, n)
    windows = Windows(start=start, hash=hashes, test=np.full(n, test), low=low, high=high)
    return Chunk(begin, lead, act.astype(np.float32), windows, size)


@st.composite
def streams(draw: st.DrawFn, copies: bool = True) -> list[Chunk]:
    """Small streams of chunks; with `copies`, some documents occur twice and their windows' hashes tie."""
    n_latents, size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    margin = draw(st.none() | st.integers(0, size))
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))
    begin, chunks = 0, []
    for number, length in enumerate(lengths):
        act = draw(arrays(np.float32, (length, n_latents), elements=st.sampled_from(VALUES)))
        lead, test = draw(st.integers(0, size - 1)), draw(st.booleans())
        seed = draw(st.integers(0, 3)) if copies else number
        chunk = make_chunk(act, size=size, begin=begin, lead=lead, margin=margin, test=test, seed=seed)
        chunks.append(chunk)
        begin += length
    return chunks


@st.composite
def shared_out(draw: st.DrawFn) -> tuple[list[Chunk], list[list[Chunk]]]:
    """A stream, and its chunks dealt to up to four selectors, which are merged in any order."""
    chunks = draw(streams())
    shards = [
        [chunk for number, chunk in enumerate(chunks) if number % n == i]
        for n in [draw(st.integers(1, 4))]
        for i in range(n)
    ]
    return chunks, draw(st.permutations(shards))


def siblings_of(n_latents: int) -> Siblings:
    """Every latent watches all others, the next one first: bit j of latent i is latent i + 1 + j, in a circle."""
    ring = [(i + 1 + j) % n_latents for i in range(n_latents) for j in range(n_latents - 1)]
    return Siblings(np.arange(n_latents + 1) * (n_latents - 1), np.array(ring, dtype=np.int64))


limits = st.fixed_dictionaries(
    {"sample": st.integers(0, 3), "top": st.integers(0, 2), "pool": st.integers(0, 4), "seed": st.integers(0, 5)}
)


def joined(chunks: list[Chunk]) -> Windows:
    every: list[dict[str, Any]] = [vars(chunk.windows) for chunk in chunks]
    columns = [name for name, column in every[0].items() if column is not None]
    return Windows(**{name: np.concatenate([windows[name] for windows in every]) for name in columns})


def fold(chunks: list[Chunk], batch: int, **options: Any) -> SimpleNamespace:
    """Run the selector over the stream, `batch` chunks at a time."""
    n_latents = chunks[0].act.shape[1]
    selector = Selector(n_latents, siblings=siblings_of(n_latents), **options)
    feed(selector, chunks, batch)
    return whole(selector.finish())


def whole(selection: Selection) -> SimpleNamespace:
    """The same with its blocks joined."""
    types = {"window": np.uint32, "flags": np.uint8, "shared": np.uint32, "peak": np.float16, "pos": np.uint32}
    nothing = Block(act=np.zeros(0, np.float16), **{name: np.zeros(0, dtype) for name, dtype in types.items()})
    columns, blocks = vars(selection), [nothing, *selection.blocks]
    del columns["blocks"]
    return SimpleNamespace(**columns, **{k: np.concatenate([getattr(b, k) for b in blocks]) for k in vars(nothing)})


def feed(selector: Selector, chunks: list[Chunk], batch: int) -> None:
    for at in range(0, len(chunks), batch):
        group = chunks[at : at + batch]
        n_before = np.cumsum([0] + [len(c.windows.start) for c in group])
        row = np.concatenate([np.where(c.window < 0, -1, c.window + n) for c, n in zip(group, n_before, strict=False)])
        pos = np.concatenate([c.begin + np.arange(len(c.act)) for c in group])
        act = np.concatenate([c.act for c in group])
        token, latent = act.nonzero()
        entries = (torch.from_numpy(e) for e in (latent, pos[token], act[token, latent], row[token]))
        selector.add(*entries, windows=joined(group))


def joined_state(selector: Selector) -> dict[str, torch.Tensor]:
    return {name: torch.cat(parts) for name, parts in selector.state().items()}


def priority_of(latent: int | None, hashes: np.ndarray, seed: int) -> np.ndarray:
    """Return the priorities of windows for a latent, or for the pool if no latent is given."""
    scramble = _mix(torch.tensor(seed + 1))
    own = scramble if latent is None else _mix(latent + scramble)
    return (_mix(torch.from_numpy(hashes) ^ own) & MASK).numpy()


def brute_force(chunks: list[Chunk], *, sample: int, top: int, pool: int, seed: int) -> SimpleNamespace:
    """Hold every activation, and look at one latent after the other."""
    half = np.minimum(np.concatenate([c.act for c in chunks]), 65504).astype(np.float16)
    windows, size, n_latents = joined(chunks), chunks[0].size, half.shape[1]
    low, high = windows.low, windows.high
    if low is None or high is None:  # nothing beside the windows is kept
        low, high = windows.start, windows.start + size
    everything = range(len(windows.start))
    pool_priority = priority_of(None, windows.hash, seed)
    pooled = sorted(everything, key=lambda w: (pool_priority[w], windows.start[w]))[:pool]
    kept, flags_kept, shared_kept, peaks, entries = [], [], [], [], []
    n_windows = np.zeros(n_latents, dtype=np.int64)
    for latent in range(n_latents):
        on = {w: half[windows.start[w] : windows.start[w] + size, latent] for w in everything}
        fires = [w for w in everything if on[w].any()]
        n_windows[latent] = len(fires)
        flags = dict.fromkeys(fires, 0)
        priority = priority_of(latent, windows.hash, seed)
        for split in (False, True):
            cell = [w for w in fires if windows.test[w] == split]
            for w in sorted(cell, key=lambda w: (priority[w], w))[:sample]:
                flags[w] |= SAMPLE
            for w in sorted(cell, key=lambda w: (-float(on[w].max()), priority[w] >> 15, w))[:top]:
                flags[w] |= TOP
        for w in fires:
            flags[w] |= POOL if w in pooled else 0
        kept.append([windows.start[w] for w in fires if flags[w]])
        flags_kept += [flags[w] for w in fires if flags[w]]
        peaks += [on[w].max() for w in fires if flags[w]]
        others = [(latent + 1 + j) % n_latents for j in range(n_latents - 1)]
        shared_kept += [
            sum(
                bool(half[windows.start[w] : windows.start[w] + size, other].any()) << j
                for j, other in enumerate(others)
            )
            for w in fires
            if flags[w]
        ]
        spans = (range(low[w], high[w]) for w in fires if flags[w])
        entries.append(sorted({p for span in spans for p in span if half[p, latent] > 0}))
    acts = [half[positions, latent] for latent, positions in enumerate(entries)]
    return SimpleNamespace(
        window_indptr=np.cumsum([0] + [len(k) for k in kept]),
        window=np.concatenate(kept).astype(np.uint32),
        flags=np.array(flags_kept, dtype=np.uint8),
        shared=np.array(shared_kept, dtype=np.uint32),
        peak=np.array(peaks, dtype=np.float16),
        indptr=np.cumsum([0] + [len(e) for e in entries]),
        pos=np.concatenate(entries).astype(np.uint32),
        act=np.concatenate(acts).astype(np.float16),
        pool=np.sort(windows.start[pooled]).astype(np.uint32),
        n_tokens=(half > 0).sum(0),
        n_windows=n_windows,
        max_activation=half.max(0).astype(np.float32),
        histogram=np.stack([histogram_of(column[column > 0]) for column in half.T]),
    )


def histogram_of(values: np.ndarray) -> np.ndarray:
    """Quarter octaves from 2⁻⁸ to 2⁸, what lies beyond in the outermost."""
    bins = np.clip(np.floor((np.log2(values.astype(np.float64)) + 8) * 4), 0, BINS - 1)
    return np.bincount(bins.astype(np.int64), minlength=BINS)


def assert_same(selection: SimpleNamespace, expected: SimpleNamespace) -> None:
    assert vars(selection).keys() == vars(expected).keys()
    for name, a in vars(selection).items():
        b = getattr(expected, name)
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)


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


def test_a_latent_that_never_fires_keeps_nothing() -> None:
    act = np.array([[0, 1], [0, 0], [0, 0], [0, 2]])  # latent 0 is silent, latent 1 fires in both windows of two
    selection = fold([make_chunk(act, size=2)], 1)
    assert selection.window_indptr.tolist() == [0, 0, 2]
    assert selection.indptr.tolist() == [0, 0, 2]
    assert (selection.pos.tolist(), selection.act.tolist()) == ([0, 3], [1.0, 2.0])
    assert selection.n_tokens.tolist() == [0, 2]
    assert selection.max_activation.tolist() == [0.0, 2.0]
    assert selection.histogram[0].sum() == 0


def test_a_latent_that_always_fires_keeps_sample_and_top_of_each_split() -> None:
    # Eight windows of one token with activations 1 … 8, the last four of the test split; top 1: the 4th and the 8th.
    act = np.arange(1.0, 9.0)[:, None]
    chunks = [make_chunk(act[:4], size=1, seed=1), make_chunk(act[4:], size=1, begin=4, test=True, seed=2)]
    selection = fold(chunks, 1, sample=2, top=1, pool=0)
    assert selection.n_windows.tolist() == [8]
    assert selection.window[(selection.flags & TOP) > 0].tolist() == [3, 7]
    sampled = selection.window[(selection.flags & SAMPLE) > 0]
    assert ((sampled < 4).sum(), (sampled >= 4).sum()) == (2, 2)
    assert not (selection.flags & POOL).any()


def test_an_activation_that_underflows_float16_does_not_fire() -> None:
    # The smallest float16 is 2⁻²⁴. 2⁻²⁵ lies half-way to 0 and is rounded to the even one of the two, which is 0.
    selection = fold([make_chunk(np.array([[2.0**-25], [2.0**-24]]), size=1)], 1)
    assert (selection.n_tokens.tolist(), selection.n_windows.tolist()) == ([1], [1])
    assert (selection.window.tolist(), selection.pos.tolist()) == ([1], [1])
    assert selection.max_activation.tolist() == [2.0**-24]


def test_activations_larger_than_float16_holds_are_capped() -> None:
    selection = fold([make_chunk(np.array([[65504.0], [1e6]]), size=2)], 1)
    assert selection.act.tolist() == [65504.0, 65504.0]
    assert selection.max_activation.tolist() == [65504.0]


def test_tokens_in_no_complete_window_count_and_are_not_kept() -> None:
    # Seven tokens, windows of three from the second on: token 0 is outside them, all others inside.
    selection = fold([make_chunk(np.ones((7, 1)), size=3, lead=1)], 1)
    assert (selection.n_tokens.tolist(), selection.n_windows.tolist()) == ([7], [2])
    assert selection.window.tolist() == [1, 4]
    assert selection.pos.tolist() == [1, 2, 3, 4, 5, 6]


def test_no_complete_window_at_all_keeps_nothing_and_counts() -> None:
    selection = fold([make_chunk(np.ones((2, 1)), size=3)], 1)
    assert selection.n_tokens.tolist() == [2]
    assert [len(a) for a in (selection.window, selection.flags, selection.pos, selection.act, selection.pool)] == [
        0,
        0,
        0,
        0,
        0,
    ]


def test_margins_are_kept_with_the_window_and_end_with_the_chunk() -> None:
    # One chunk of positions 0 … 5, windows [0, 2), [2, 4), [4, 6), margins of one token; the latent fires everywhere.
    # Top 1 is the window at 2, as 9 is its peak: positions 1 … 4. Of the window at 4, with the peak moved, 3 … 5.
    for peak, expected in ((2, [1, 2, 3, 4]), (4, [3, 4, 5]), (0, [0, 1, 2])):
        act = np.ones((6, 1))
        act[peak] = 9
        selection = fold([make_chunk(act, size=2, margin=1)], 1, sample=0, top=1, pool=0)
        assert selection.window.tolist() == [peak]
        assert selection.pos.tolist() == expected


def test_margins_that_overlap_are_kept_once() -> None:
    selection = fold([make_chunk(np.arange(1.0, 7.0)[:, None], size=2, margin=2)], 1)
    assert selection.pos.tolist() == [0, 1, 2, 3, 4, 5]
    assert selection.act.tolist() == [1, 2, 3, 4, 5, 6]


def test_positions_are_of_32_bits_without_a_sign() -> None:
    # Two documents, the second one read first: the last positions below 2³¹, and the very last that a store holds.
    chunks = [make_chunk(np.ones((2, 1)), size=1, begin=begin, seed=begin % 7) for begin in (2**32 - 2, 2**31 - 2)]
    selection = fold(chunks, 1, top=0, pool=3)
    assert selection.window.tolist() == selection.pos.tolist() == [2**31 - 2, 2**31 - 1, 2**32 - 2, 2**32 - 1]
    assert ((selection.flags & POOL) > 0).sum() == 3


def test_every_activation_inside_the_pool_is_kept() -> None:
    act = (np.random.default_rng(0).random((400, 3)) < 0.2) * 1.5
    selection = fold([make_chunk(act, size=4)], 1, sample=0, top=0, pool=20)
    for latent in range(3):
        kept = selection.window[slice(*selection.window_indptr[latent : latent + 2])]
        assert kept.tolist() == [s for s in selection.pool if act[s : s + 4, latent].any()]
        positions = selection.pos[slice(*selection.indptr[latent : latent + 2])]
        assert positions.tolist() == [p for s in selection.pool for p in range(s, s + 4) if act[p, latent]]


def test_the_histogram_counts_quarter_octaves() -> None:
    # 2⁻⁸ opens the first bin, 1 the 33rd as (0 + 8) · 4 = 32, and 2⁸ would open the 65th of 64. 2^¼ ≤ 1.4 < 2^½.
    table = {2.0**-24: 0, 2.0**-8: 0, 0.5: 28, 1.0: 32, 1.4: 33, 256.0: 63, 60000.0: 63}
    histogram = fold([make_chunk(np.diag(list(table)), size=1)], 1).histogram
    assert histogram.argmax(axis=1).tolist() == list(table.values())
    assert histogram.sum(axis=1).tolist() == [1] * 7


def test_the_sample_is_uniform_over_the_windows() -> None:
    # 2000 latents fire on all of 50 windows, and 10 are kept of each: every window 2000 · 10 / 50 = 400 times, with a
    # standard deviation of √(2000 · ⅕ · ⅘) ≈ 18. In eight parts, since a selection's time grows with latents squared.
    parts = [make_chunk(np.ones((50, 250)), size=1, seed=seed) for seed in range(8)]
    kept = [fold([part], 1, sample=10, top=0, pool=0).window for part in parts]
    times = np.bincount(np.concatenate(kept), minlength=50)
    assert times.sum() == 20_000
    assert np.abs(times - 400).max() < 4.5 * 18


@given(st.integers(-(2**63), 2**63 - 1))
def test_the_priority_is_the_finaliser_of_splitmix64(x: int) -> None:
    # Steele, Lea and Flood 2014, in integers without a sign.
    z = x % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    assert int(_mix(torch.tensor(x))) % 2**64 == z ^ (z >> 31)
