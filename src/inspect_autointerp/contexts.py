"""Which contexts the explainer is shown, and which a scorer tests an explanation on.

The two never meet: splits are by document, a test window whose tokens also occur in the explain split's windows is
dropped, and so is a repetition within a split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from inspect_autointerp.latent import DECILES, Context, Kind, Latent, Split
from inspect_autointerp.store import POOL, SAMPLE, TOP, Store


@dataclass(frozen=True, slots=True)
class _Window:
    """A window before it is decoded: where it starts, and the latent's largest activation in it."""

    start: int
    peak: float


class LatentContexts:
    """One latent's contexts in a store.

    Args:
        store: The store.
        latent: One of its latents.
    """

    def __init__(self, store: Store, latent: Latent) -> None:
        self._store, self.latent = store, latent
        postings = store.postings(latent.hookpoint)
        self._pos, self._act = postings.activations(latent.index)
        starts, flags = postings.windows(latent.index)
        self._fires_in_pool = starts[(flags & POOL) > 0]
        self._windows = {split: self._kept(starts, flags, split) for split in ("explain", "test")}

    def activating(self, split: Split) -> list[Context]:
        """All activating contexts of a split's uniform sample, weakest first, with their deciles.

        Deciles are by rank of the maximum, over the sample: with n contexts, the one of rank r (from 0) is in
        decile ⌊10 r / n⌋ + 1.
        """
        return [self._context("activating", start, decile) for start, decile in self._ranked(split)]

    def explain(self, n: int, seed: int) -> list[Context]:
        """Up to n activating contexts of the explain split, the deciles in equal shares, strongest first."""
        return sorted(self._drawn("explain", n, _rng(seed, self.latent.id, "explain")), key=_weakness)

    def test(self, n_activating: int, n_random: int, seed: int) -> list[Context]:
        """Up to n activating contexts (deciles in equal shares) and n random ones on which the latent is silent.

        All of the test split, shuffled: the order says nothing of the kind.
        """
        rng = _rng(seed, self.latent.id, "test")
        chosen = self._drawn("test", n_activating, rng)
        silent = rng.permutation(self.silent_starts("test"))[:n_random]
        chosen += [self._context("random", int(start), None) for start in silent]
        return [chosen[i] for i in rng.permutation(len(chosen))]

    def _ranked(self, split: Split) -> list[tuple[int, int]]:
        """The start and decile of each activating context, weakest first."""
        windows = sorted(self._windows[split], key=lambda window: (window.peak, window.start))
        return [(window.start, DECILES * rank // len(windows) + 1) for rank, window in enumerate(windows)]

    def _drawn(self, split: Split, n: int, rng: np.random.Generator) -> list[Context]:
        ranked = self._ranked(split)
        return [self._context("activating", *ranked[i]) for i in stratified([decile for _, decile in ranked], n, rng)]

    def n_available(self) -> tuple[int, int, int]:
        """How many contexts there are: activating to explain, activating to test, and silent to test."""
        return len(self._windows["explain"]), len(self._windows["test"]), len(self.silent_starts("test"))

    def silent_starts(self, split: Split) -> np.ndarray:
        """The pool's windows of a split on which the latent does not fire (int64 starts), repetitions dropped.

        A uniform sample of all windows on which it is silent: it is their population that a random context's weight
        speaks of. A window with the tokens of one in which the latent fires is dropped too: its label would depend
        on text that no grader sees.
        """
        pool = self._store.pool
        pool = pool[self._store.in_split(pool, split)]
        pool = pool[~np.isin(pool, self._fires_in_pool)]
        seen = {self._key(window.start) for windows in self._windows.values() for window in windows}
        return self._distinct(pool, seen)

    def _kept(self, starts: np.ndarray, flags: np.ndarray, split: Split) -> list[_Window]:
        """The distinct windows of a split's sample; of the test split, those the explain split does not hold."""
        in_split = self._store.in_split(starts, split)
        sample = starts[in_split & ((flags & SAMPLE) > 0)]
        seen: set[bytes] = set()
        if split == "test":
            shown = starts[self._store.in_split(starts, "explain") & ((flags & (SAMPLE | TOP)) > 0)]
            seen = {self._key(start) for start in self._cut(shown)}
        cut = self._distinct(self._cut(sample), seen)
        return [_Window(int(start), float(self._on(start).max(initial=0.0))) for start in cut]

    def _cut(self, starts: np.ndarray) -> np.ndarray:
        """Where to cut contexts for the kept windows: the windows themselves, or centred on their peaks.

        A centred context that would overlap the one before it is left out.
        """
        settings = self._store.settings
        if not settings.center or not len(starts):
            return starts
        peaks = np.array([start + int(np.argmax(self._on(start))) for start in starts])
        first, end = self._store.chunk_bounds(starts)
        cut = np.clip(peaks - settings.window // 2, first, np.maximum(first, end - settings.window))
        kept = [int(cut[0])]
        for start in cut[1:]:
            if start >= kept[-1] + settings.window:
                kept.append(int(start))
        return np.array(kept)

    def _on(self, start: int) -> np.ndarray:
        """The latent's activations (float32, one per token) on the window that starts there."""
        dense = np.zeros(self._store.settings.window, dtype=np.float32)
        a, b = np.searchsorted(self._pos, [start, start + len(dense)])
        dense[self._pos[a:b] - start] = self._act[a:b]
        return dense

    def _key(self, start: int) -> bytes:
        """The tokens of a window, as something to compare."""
        return self._store.tokens[start : start + self._store.settings.window].tobytes()

    def _distinct(self, starts: np.ndarray, seen: set[bytes]) -> np.ndarray:
        """Those windows whose tokens have not been seen, each text once."""
        seen, kept = set(seen), []
        for start in starts:
            key = self._key(start)
            if key not in seen:
                seen.add(key)
                kept.append(start)
        return np.array(kept, dtype=np.int64)

    def _context(self, kind: Kind, start: int, decile: int | None) -> Context:
        ids = self._store.tokens[start : start + self._store.settings.window]
        text, spans = self._store.decoder(ids.tolist())
        activations = self._on(start)
        if kind == "random":
            activations = np.zeros_like(activations)
        return Context(kind, start, text, spans, activations, decile)


def stratified(strata: Sequence[int], n: int, rng: np.random.Generator) -> list[int]:
    """Indices of up to n items, the strata in shares as equal as their sizes allow, without replacement.

    Round after round takes one item of each stratum that still has one, in an order drawn anew each round.
    """
    queues = {stratum: list(rng.permutation(np.flatnonzero(np.equal(strata, stratum)))) for stratum in set(strata)}
    chosen: list[int] = []
    while len(chosen) < n and queues:
        for stratum in rng.permutation(sorted(queues)):
            if len(chosen) < n:
                chosen.append(int(queues[stratum].pop()))
        queues = {stratum: queue for stratum, queue in queues.items() if queue}
    return chosen


def _weakness(context: Context) -> float:
    return -context.max_activation


def seed_of(*parts: object) -> int:
    """A 64-bit seed that depends on the parts and nothing else: the same in every process, whatever the timing."""
    return int.from_bytes(blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest(), "little")


def _rng(*parts: object) -> np.random.Generator:
    return np.random.default_rng(seed_of(*parts))
