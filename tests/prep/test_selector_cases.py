"""`Selector` on small streams whose result is known: silence, limits of number types, margins, pool and sample."""

import numpy as np
from tests.prep.selector_streams import fold, make_chunk

from inspect_autointerp.store.postings import POOL, SAMPLE, TOP


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
