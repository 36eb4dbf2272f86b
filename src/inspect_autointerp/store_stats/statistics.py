"""Statistics of a context store, latent by latent and in sum.

Everything is computed from the store's files in blocks of latents: memory grows with the number of latents (a row of
numbers each) and of tokens (a byte each), and not with what is kept of them.
"""

from collections.abc import Iterator
from math import nan

import numpy as np
import pandas as pd

from inspect_autointerp.store.hookpoint_store import HookpointStore
from inspect_autointerp.store.manifest import NAME
from inspect_autointerp.store.postings import SAMPLE
from inspect_autointerp.store.store import Store

SINGLE_TOKEN = 0.9
"""A latent is a single-token one if a larger share of its kept activations lies on one token of the vocabulary."""
POSITIONAL = 0.05
"""A latent is a positional one if its firing and the position tell more than this of each other, in nats."""
TEST_CONTEXTS = 100
"""Number of contexts that the paper tests an explanation on."""
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
_BLOCK = 1 << 22
"""Postings read at a time."""


def latents_frame(store: Store, hookpoint: str) -> pd.DataFrame:
    """One row per latent, in order; of a frozen store, per latent that it holds.

    Columns:
        index: Its number.
        n_tokens: On how many tokens of the corpus it fires.
        density: n_tokens / tokens of the corpus.
        n_windows: In how many complete windows it fires.
        max_activation: Its largest activation, in the coder's units; 0 for a latent that never fires.
        kept_windows: Windows kept of it: of the samples, the top and the pool.
        test_windows: Those of the test split's sample: as many contexts can be tested on at most, since repetitions
            are dropped on reading.
        single_token_share: max over token ids t of (kept activations on t) / (kept activations), in (0, 1]; NaN where
            nothing is kept. Every activation above 0 that the store holds of the latent counts once, whatever its
            size. A latent that fires once has 1.
        single_token: That token id; of two with the same share the smaller; −1 where nothing is kept.

    Raises:
        UserError: The store has no such hookpoint.
    """
    at = store.at(hookpoint)
    frame = at.table(["index", "n_tokens", "n_windows", "max_activation"]).to_pandas()
    frame = frame.iloc[at.held].reset_index(drop=True)
    frame.insert(2, "density", frame["n_tokens"] / store.manifest.n_population)
    columns = [np.concatenate(parts) for parts in zip(*_kept(at), strict=True)]
    names = ("kept_windows", "test_windows", "single_token_share", "single_token", "position_information")
    return frame.assign(**dict(zip(names, columns, strict=True)))


def _kept(at: HookpointStore) -> Iterator[tuple[np.ndarray, ...]]:
    """The last five columns, block by block."""
    if at.store.manifest.frozen:
        yield _frozen_kept(at)
        return
    from safetensors import safe_open

    store = at.store
    handle = at.read("postings.safetensors", lambda path: safe_open(path, framework="np"))
    window_indptr, indptr = (handle.get_tensor(name).astype(np.int64) for name in ("window_indptr", "indptr"))
    columns = {name: handle.get_slice(name) for name in ("window", "flags", "pos")}

    def read(name: str, begin: int, end: int) -> np.ndarray:
        return columns[name][begin:end] if begin < end else np.zeros(0, dtype=np.uint8)

    is_test, position, n_tokens = _test_positions(store), *_pool_positions(store)
    for a, b in _blocks(window_indptr + indptr):
        bounds = window_indptr[a : b + 1]
        window, flags = (read(name, bounds[0], bounds[-1]) for name in ("window", "flags"))
        before = np.concatenate([[0], np.cumsum(((flags & SAMPLE) > 0) & is_test[window])])
        tested = np.diff(before[bounds - bounds[0]])
        pos, lengths = read("pos", indptr[a], indptr[b]), np.diff(indptr[a : b + 1])
        share, token = _most_frequent(store.tokens[pos], lengths)
        yield np.diff(bounds), tested, share, token, position_information(position[pos], lengths, n_tokens)


def _frozen_kept(at: HookpointStore) -> tuple[np.ndarray, ...]:
    """The same of a frozen store, which is small."""
    store = at.store
    windows = [at.postings.windows(latent) for latent in at.held.tolist()]
    tested = [(((flags & SAMPLE) > 0) & store.in_split(starts, "test")).sum() for starts, flags in windows]
    positions = [at.postings.activations(latent)[0] for latent in at.held.tolist()]
    lengths, pos = np.array([len(part) for part in positions], dtype=np.int64), np.concatenate(positions)
    position, n_tokens = _pool_positions(store)
    share, token = _most_frequent(store.tokens[pos], lengths)
    information = position_information(position[pos], lengths, n_tokens)
    return np.array([len(starts) for starts, _ in windows]), np.array(tested), share, token, information


def _test_positions(store: Store) -> np.ndarray:
    """Return whether each position lies in a document of the test split: bool (token,)."""
    n = len(store.tokens)
    blocks = (np.arange(begin, min(n, begin + _BLOCK)) for begin in range(0, n, _BLOCK))
    return np.concatenate([store.in_split(block, "test") for block in blocks])


def _pool_positions(store: Store) -> tuple[np.ndarray, np.ndarray]:
    """Return each token's position in the chunk that the subject saw at once (−1 outside of the pool's windows), int32
    (token,); and how many of the pool's tokens have each position, int64 (position,).
    """
    settings = store.settings
    tokens = (store.pool.astype(np.int64)[:, None] + np.arange(settings.window)).ravel()
    tokens = tokens[tokens < len(store.tokens)]
    origin = 0 if settings.pack else store.document_bounds(tokens)[0]
    position = np.full(len(store.tokens), -1, dtype=np.int32)
    position[tokens] = (tokens - origin) % settings.context_length
    return position, np.bincount(position[position >= 0], minlength=settings.context_length)


def position_information(position: np.ndarray, lengths: np.ndarray, n_tokens: np.ndarray) -> np.ndarray:
    """Return the mutual information of firing and position, in nats, for consecutive runs of firing tokens.

    With c of the n tokens at a position firing, of N in all a share p: Σ c/N log(c/np) + (n − c)/N
    log((n − c)/n(1 − p)), less (positions at which it fires − 1)/2N.

    Args:
        position: (entry,) of each such token; −1 of one that does not count.
        lengths: (latent,): how many entries are each latent's.
        n_tokens: (position,): how many tokens have it, whether it fires there or not.

    Returns:
        float64 (latent,); NaN of one that fires on no token that counts.
    """
    from scipy.special import xlogy

    n_latents, total = len(lengths), int(n_tokens.sum())
    counts = position >= 0
    key = np.repeat(np.arange(n_latents), lengths)[counts] * len(n_tokens) + position[counts]
    key, c = np.unique(key, return_counts=True)
    latent, n = key // max(1, len(n_tokens)), n_tokens[key % max(1, len(n_tokens))]
    fires = np.bincount(latent, weights=c, minlength=n_latents)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = fires / total
        silent = np.where(n > c, (n - c) / (n * (1 - p[latent])), 1)  # 0/0 of a latent that fires on every token
        here = xlogy(c, c / (n * p[latent])) + xlogy(n - c, silent)
        elsewhere = total - np.bincount(latent, weights=n, minlength=n_latents)
        told = np.bincount(latent, weights=here, minlength=n_latents) - xlogy(elsewhere, 1 - p)
        bias = (np.bincount(latent, minlength=n_latents) - 1) / 2
        return np.where(fires > 0, (told - bias) / total, np.nan)


def density_histogram(frame: pd.DataFrame) -> list[tuple[float, float, int]]:
    """Return how many of `latents_frame`'s latents that fire have a density in each half of a power of ten.

    Returns:
        From, up to (excluded, but for 1), and how many; from the rarest to the densest, empty ones between included.
    """
    density = frame.loc[frame["density"] > 0, "density"].to_numpy()
    if not len(density):
        return []
    half = np.minimum(np.floor(2 * np.log10(density) + 1e-9).astype(int), -1)
    first = int(half.min())
    counts = np.bincount(half - first)
    return [(10 ** ((first + i) / 2), 10 ** ((first + i + 1) / 2), int(n)) for i, n in enumerate(counts)]


def _blocks(indptr: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut latents into [first, end) of at most `_BLOCK` postings, but at least one latent."""
    first, n = 0, len(indptr) - 1
    while first < n:
        end = int(np.searchsorted(indptr, int(indptr[first]) + _BLOCK, side="right")) - 1
        end = min(n, max(end, first + 1))
        yield first, end
        first = end


def _most_frequent(tokens: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest share of one id in each of consecutive runs of tokens, and that id.

    Args:
        tokens: (entry,) ids.
        lengths: (latent,): how many of them are each latent's.

    Returns:
        float64 (latent,), NaN for a run of length 0; int64 (latent,), −1 there.
    """
    share, token = np.full(len(lengths), np.nan), np.full(len(lengths), -1, dtype=np.int64)
    if not len(tokens):
        return share, token
    key = (np.repeat(np.arange(len(lengths)), lengths) << 32) | tokens.astype(np.int64)
    key.sort()
    begin = np.flatnonzero(np.diff(key, prepend=-1))
    count = np.diff(begin, append=len(key))
    latent, id = key[begin] >> 32, key[begin] & 0xFFFFFFFF
    first = np.flatnonzero(np.diff(latent, prepend=-1))
    # The largest count, and of equal ones the smallest id.
    best = np.maximum.reduceat((count << 32) | (0xFFFFFFFF - id), first)
    share[latent[first]] = (best >> 32) / lengths[latent[first]]
    token[latent[first]] = 0xFFFFFFFF - (best & 0xFFFFFFFF)
    return share, token


def summary(frame: pd.DataFrame, *, min_active: int) -> dict[str, float]:
    """Return a summary of `latents_frame`, by name; NaN where there is nothing to speak of.

    Names:
        latents: How many there are.
        dead: How many never fire.
        rare: How many fire, but in fewer than `min_active` windows.
        over_1_percent, over_10_percent: Share of all latents with a density above 0.01, above 0.1.
        density_q, max_activation_q: Quantiles q of `QUANTILES` over the latents that fire.
        testable: How many have at least `TEST_CONTEXTS` sampled windows to test on.
        single_token, single_token_common: Share with a single-token share above `SINGLE_TOKEN`: of the latents that
            fire, and of those that are neither dead nor rare.
        positional: Share with a position information above `POSITIONAL`, of the latents that fire in the pool.
        kept_windows: How many windows are kept, over all latents.
    """
    fires = frame[frame["n_tokens"] > 0]
    common = fires[fires["n_windows"] >= min_active]
    figures: dict[str, float] = {
        "latents": len(frame),
        "dead": len(frame) - len(fires),
        "rare": len(fires) - len(common),
        "over_1_percent": _share(frame["density"] > 0.01),
        "over_10_percent": _share(frame["density"] > 0.1),
    }
    for column in ("density", "max_activation"):
        for q in QUANTILES:
            figures[f"{column}_{q}"] = float(fires[column].quantile(q))
    return figures | {
        "testable": int((frame["test_windows"] >= TEST_CONTEXTS).sum()),
        "single_token": _share(fires["single_token_share"] > SINGLE_TOKEN),
        "single_token_common": _share(common["single_token_share"] > SINGLE_TOKEN),
        "positional": _share(frame["position_information"].dropna() > POSITIONAL),
        "kept_windows": int(frame["kept_windows"].sum()),
    }


def _share(condition: pd.Series) -> float:
    return float(condition.mean()) if len(condition) else nan


def file_sizes(store: Store) -> dict[str, int]:
    """Bytes of each of the store's files, the manifest included, by path."""
    return {name: (store.folder / name).stat().st_size for name in sorted([*store.manifest.files, NAME])}
