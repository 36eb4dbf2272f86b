"""A selection that holds every activation, for comparison with `Selector`."""

from types import SimpleNamespace

import numpy as np
import torch
from tests.prep.selector_streams import Chunk, joined

from inspect_autointerp.prep.select.retained import PRIORITY_BITS
from inspect_autointerp.prep.select.selector import BINS, _mix
from inspect_autointerp.store.postings import POOL, SAMPLE, TOP

MASK = (1 << PRIORITY_BITS) - 1


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
