"""Which contexts the explainer is shown, and which a scorer tests an explanation on.

The two never meet: splits are by document, a test window whose tokens also occur in the explain split's windows is
dropped, and so is a repetition within a split.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress, repeat
from math import ceil

import numpy as np

from inspect_autointerp.contexts.importance import importance_draw
from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.negatives import POPULATION
from inspect_autointerp.contexts.neighbour_windows import neighbour_starts
from inspect_autointerp.contexts.population import population
from inspect_autointerp.contexts.sampling import rng_of, stratified
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import DECILES, Context, Kind, Latent, Negative, Sampling, Split
from inspect_autointerp.store.postings import POOL, SAMPLE, TOP
from inspect_autointerp.store.store import Store

_DECIMALS = 4
"""Decimals of a cosine: those behind them depend on the machine that compared the directions."""


@dataclass(slots=True)
class _Kept:
    """All contexts that can be cut from a latent's kept windows, in order of the windows."""

    starts: np.ndarray
    """int64 (context,)."""
    numbers: np.ndarray
    """int64 (context,): the windows' numbers."""
    activations: np.ndarray
    """float32 (context, token)."""
    peaks: np.ndarray
    """float32 (context,): the largest activations."""
    texts: list[bytes]
    """Their tokens, see `Store.texts`."""


@dataclass(slots=True)
class _Windows:
    """The distinct activating windows of one split's sample before they are decoded, weakest first."""

    starts: np.ndarray
    """int64 (window,)."""
    activations: np.ndarray
    """float32 (window, token)."""
    peaks: np.ndarray
    """float32 (window,): the largest activations."""
    deciles: list[int]
    texts: frozenset[bytes]
    """Their tokens, see `Store.texts`."""


def latent_contexts(store: Store, latent: Latent | str) -> "LatentContexts":
    """Return the contexts of one latent of a store.

    Args:
        store: The store.
        latent: One of its latents, or its name, `hookpoint/index`.

    Raises:
        UserError: The store has no such latent.
    """
    if isinstance(latent, Latent):
        return LatentContexts(store, latent)
    hookpoint, _, index = latent.rpartition("/")
    at = store.at(hookpoint)
    if not (index.isdecimal() and int(index) < at.width):
        raise UserError(f"latent {latent}: {hookpoint} has the latents {hookpoint}/0 to {hookpoint}/{at.width - 1}")
    return LatentContexts(store, at.latent(int(index)))


class LatentContexts:
    """One latent's contexts in a store.

    They are cut to the store's `window`. What that means where it is shorter than the windows kept is in `Store`: an
    activating context is then any part, on the grid, of a sampled window that the latent fires on, and a random one any
    part of the pool's windows on which it is silent.

    Args:
        store: The store.
        latent: One of its latents.
        centered: Whether activating contexts of a store that centres them are cut around their peaks. Cut on the grid
            as all others are, they do not tell by where they peak.
    """

    def __init__(self, store: Store, latent: Latent, centered: bool = True) -> None:
        self._store, self.latent = store, latent
        self._centered = centered and store.settings.center
        self._own = LatentWindows(store, latent.hookpoint, latent.index)

    def activating(self, split: Split) -> list[Context]:
        """All activating contexts of a split's uniform sample, weakest first, with their deciles.

        Deciles are by rank of the maximum, over the sample: with n contexts, the one of rank r (from 0) is in
        decile ⌊10 r / n⌋ + 1.
        """
        windows = self._windows(split)
        return self._contexts(windows, range(len(windows.starts)))

    def explain(self, n: int, seed: int, sampling: Sampling = "quantiles") -> list[Context]:
        """Up to n activating contexts of the explain split, strongest first.

        Args:
            n: How many, at most.
            seed: Of the draw.
            sampling: `quantiles`: of the sample, the deciles in equal shares. `random`: of the sample. `top`: the
                strongest there are. `mix`: a fifth of them so, the others by quantiles.
        """
        rng = rng_of(seed, self.latent.id, "explain")
        top = self._strongest({"top": n, "mix": ceil(n / 5)}.get(sampling, 0))
        left = self._besides(top)
        if sampling == "random":
            drawn = rng.permutation(left)[:n].tolist()
        else:
            drawn = [left[i] for i in stratified([self._explain.deciles[i] for i in left], n - len(top.starts), rng)]
        contexts = self._contexts(top, range(len(top.starts))) + self._contexts(self._explain, drawn)
        return sorted(contexts, key=lambda context: -context.max_activation)

    def contrastive(self, n: int, seed: int, kinds: Sequence[Negative] = ("random",)) -> list[Context]:
        """Up to n contexts of each kind of the explain split on which the latent is silent.

        The tokens of none are those of any context of these kinds that the latent can be tested on.

        Raises:
            UserError: The store holds no such kind.
        """
        rng = rng_of(seed, self.latent.id, "apart")
        contexts: list[Context] = []
        for kind in kinds:
            known = self._shown.union(self._store.texts(self.tested_starts(kind)))
            starts, whose = self._drawn(kind, "explain", 4 * n, rng)
            fresh = [i for i, text in enumerate(self._store.texts(starts)) if text not in known][:n]
            contexts += self._silent(kind, "explain", starts[fresh], None if whose is None else whose[fresh])
        return contexts

    def test(
        self,
        n_activating: int,
        n_each: int,
        seed: int,
        kinds: Sequence[Negative] = ("random",),
        likely: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> list[Context]:
        """Up to n activating contexts (deciles in equal shares) and n of each kind on which the latent is silent.

        All of the test split, shuffled: the order says nothing of the kind.

        Args:
            n_activating: How many activating ones.
            n_each: How many of each other kind.
            seed: Of the draw.
            kinds: The other kinds.
            likely: For `importance`, which needs it: from starts, int64 (window,), to how likely each window is to be
                judged active, float (window,). Only the order counts.

        Raises:
            UserError: The store holds no such kind.
        """
        rng = rng_of(seed, self.latent.id, "test")
        drawn = stratified(self._test.deciles, n_activating, rng)
        chosen = self._contexts(self._test, drawn)
        for kind in kinds:
            if kind == "importance":
                if likely is None:
                    raise TypeError("importance contexts are drawn by how likely windows are to be judged active")
                chosen += self._important(n_each, seed, likely)
            else:
                chosen += self.silent(kind, "test", n_each, rng)
        return [chosen[i] for i in rng.permutation(len(chosen)).tolist()]

    def _important(self, n: int, seed: int, likely: Callable[[np.ndarray], np.ndarray]) -> list[Context]:
        """Up to n contexts of the test split on which the latent is silent, each with its weight."""
        starts = self.population_starts("test")
        drawn = importance_draw(likely(starts), n, rng_of(seed, self.latent.id, "importance"))
        contexts = self._silent("importance", "test", starts[drawn.rows], None)
        return [replace(context, weight=weight) for context, weight in zip(contexts, drawn.weights, strict=True)]

    def silent(self, kind: Negative, split: Split, n: int, rng: np.random.Generator) -> list[Context]:
        """Up to n contexts of a kind on which the latent is silent; of neighbours, from each in equal shares.

        Raises:
            UserError: The store holds no such kind.
        """
        return self._silent(kind, split, *self._drawn(kind, split, n, rng))

    def tested_starts(self, kind: Negative) -> np.ndarray:
        """Return the starts of all contexts of a kind that the latent can be tested on, int64 (context,).

        Raises:
            UserError: The store holds no such kind.
        """
        return self.silent_starts("test") if kind in POPULATION else self._negatives(kind, "test")[0]

    def _drawn(
        self, kind: Negative, split: Split, n: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The starts of up to n contexts of a kind, and whose windows they are."""
        if kind == "random":
            return rng.permutation(self.silent_starts(split))[:n], None
        starts, whose = self._negatives(kind, split)
        if whose is None:
            return starts[:n], None  # the nearest
        kept = stratified(whose.tolist(), n, rng)
        return starts[kept], whose[kept]

    def _silent(self, kind: Kind, split: Split, starts: np.ndarray, whose: np.ndarray | None) -> list[Context]:
        """Contexts of a kind, by their starts."""
        if kind in ("random", "similar"):
            decoded = self._store.pool_of(split).decoded(starts)
        else:
            decoded = self._store.detokenizer.windows(self._store.ids(starts))
        silence = np.zeros((len(starts), self._store.window), dtype=np.float32)
        cosines = self._cosines if kind == "neighbours" else {}
        return [
            Context(kind, start, text, spans, activations, None, neighbour, cosines.get(neighbour))
            for start, (text, spans), activations, neighbour in zip(
                starts.tolist(), decoded, silence, repeat(None) if whose is None else whose.tolist(), strict=False
            )
        ]

    def _negatives(self, kind: Negative, split: Split) -> tuple[np.ndarray, np.ndarray | None]:
        """The starts of a harder kind than random ones, each text once, and whose windows they are."""
        at = self._store.at(self.latent.hookpoint)
        if kind == "similar":
            listed = at.similar(self.latent.index)
            parts = self._store.cut(listed).ravel()
            allowed = self.silent_starts(split)
            return parts[np.isin(parts, allowed)], None
        return self.others_starts(at.neighbours(kind, self.latent.index), split)

    def others_starts(self, others: np.ndarray, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """The contexts of a split in which other latents fire and this one is known to be silent, each text once.

        Args:
            others: (latent,): latents of the hookpoint; this one among them gives nothing.
            split: Of which split.

        Returns:
            Starts, int64 (context,), and whose they are, int64 (context,): of a text that several fire in, the first's.
        """
        starts, whose = neighbour_starts(self._store, self._own, others, split)
        first: dict[bytes, int] = {}
        for i, text in enumerate(self._store.texts(starts)):
            if text not in self._seen:
                first.setdefault(text, i)
        kept = list(first.values())
        return starts[kept], whose[kept]

    def of_other(self, kind: Kind, starts: np.ndarray, other: int) -> list[Context]:
        """Return contexts in which another latent fires and this one is silent.

        Args:
            kind: What they are called.
            starts: int64 (context,), of those in `others_starts`.
            other: The other latent.
        """
        return self._silent(kind, "test", starts, np.full(len(starts), other))

    def peaks(self, split: Split) -> np.ndarray:
        """The maxima of a split's activating contexts, float32 (context,), weakest first, as `activating` has them."""
        return self._windows(split).peaks

    def n_available(self) -> tuple[int, int, int]:
        """Return how many contexts there are: activating to explain, activating to test, and silent to test."""
        return len(self._explain.starts), len(self._test.starts), len(self.silent_starts("test"))

    def silent_starts(self, split: Split) -> np.ndarray:
        """The pool's windows of a split on which the latent does not fire (int64 starts), repetitions dropped.

        A uniform sample of all windows on which it is silent: it is their population that a random context's weight
        speaks of. A window with the tokens of one in which the latent fires is dropped too: its label would depend
        on text that no grader sees.
        """
        in_pool = self._own.starts[self._own.which(split, POOL)]
        return self._store.pool_of(split).silent(self._own.firing(in_pool), self._seen)

    def population_starts(self, split: Split) -> np.ndarray:
        """The windows that importance-sampled contexts are drawn from and stand for, int64 starts, repetitions dropped.

        As `silent_starts`, but of the whole split where the latent is rare enough for that: see `population`.
        """
        windows, firing = population(self._store, self._own, split)
        return windows.silent(firing, self._seen)

    def test_deciles(self, starts: np.ndarray) -> np.ndarray:
        """In which decile of the test split windows that the latent fires in fall, whether sampled or not.

        Args:
            starts: int64 (window,): windows of the test split that the store keeps for the latent.

        Returns:
            int64 (window,): by where their maxima stand among the sample's; 0 for one that is no test context, since
            the explain split's windows hold its tokens.
        """
        if not len(self._test.peaks):
            return np.zeros(len(starts), dtype=np.int64)
        deciles = _deciles(self._own.on(starts, self._store.window).max(axis=1, initial=0.0), self._test.peaks)
        return np.where([text in self._shown for text in self._store.texts(starts)], 0, deciles)

    @cached_property
    def _cosines(self) -> dict[int | None, float]:
        """The cosine of the latent's direction with each neighbour's; empty where the store does not say."""
        at, index = self._store.at(self.latent.hookpoint), self.latent.index
        cosines = at.neighbour_cosines(index)
        if cosines is None:
            return {}
        return {
            other: round(cosine, _DECIMALS)
            for other, cosine in zip(at.neighbours("neighbours", index).tolist(), cosines.tolist(), strict=True)
        }

    @cached_property
    def _kept(self) -> _Kept:
        starts, numbers = self._own.placed(self._centered)
        activations = self._own.on(starts, self._store.window)
        peaks = activations.max(axis=1, initial=0.0)
        return _Kept(starts, numbers, activations, peaks, self._store.texts(starts))

    @cached_property
    def _explain(self) -> _Windows:
        return self._sampled("explain", frozenset(), SAMPLE)

    @cached_property
    def _test(self) -> _Windows:
        """Without those whose tokens the explain split's windows hold."""
        return self._sampled("test", self._shown, SAMPLE)

    @cached_property
    def _shown(self) -> frozenset[bytes]:
        """The texts of the explain split's windows, sampled or of the top."""
        shown = self._own.which("explain", SAMPLE | TOP)
        texts = list(compress(self._kept.texts, shown[self._kept.numbers].tolist()))
        if self._centered != self._store.settings.center:  # the explainer sees them centred
            starts, numbers = self._own.placed(center=True)
            texts += self._store.texts(starts[shown[numbers]])
        return frozenset(texts)

    @cached_property
    def _seen(self) -> frozenset[bytes]:
        """The texts in which the latent fires: they are no negatives, wherever else they occur."""
        return self._explain.texts | self._test.texts

    def _windows(self, split: Split) -> _Windows:
        return self._explain if split == "explain" else self._test

    def _sampled(self, split: Split, seen: frozenset[bytes], flags: int) -> _Windows:
        """The distinct windows of a split that were kept for one of these reasons, without those of texts seen.

        Of windows that are alike or overlap, a sampled one comes first.
        """
        kept = self._kept
        sampled = np.flatnonzero(self._own.which(split, flags)[kept.numbers])
        if self._centered:
            sampled = sampled[_apart(kept.starts[sampled], self._store.window)]
        first: dict[bytes, int] = {}
        for i in sampled.tolist():
            first.setdefault(kept.texts[i], i)
        for text in seen.intersection(first):
            del first[text]
        rows = np.fromiter(first.values(), dtype=np.int64, count=len(first))
        rows = rows[np.lexsort((kept.starts[rows], kept.peaks[rows]))]
        deciles = (DECILES * np.arange(len(rows)) // max(1, len(rows)) + 1).tolist()
        return _Windows(kept.starts[rows], kept.activations[rows], kept.peaks[rows], deciles, frozenset(first))

    def _strongest(self, n: int) -> _Windows:
        """The n strongest distinct windows of the explain split, sampled or not, weakest first."""
        kept = self._sampled("explain", frozenset(), SAMPLE | TOP if n else 0)
        starts, peaks = kept.starts[-n:], kept.peaks[-n:]
        deciles = _deciles(peaks, self._explain.peaks).tolist()
        return _Windows(starts, kept.activations[-n:], peaks, deciles, frozenset(self._store.texts(starts)))

    def _besides(self, top: _Windows) -> list[int]:
        """Which windows of the explain split's sample neither overlap these nor have the tokens of one."""
        starts, width = self._explain.starts, self._store.window
        if not len(top.starts):
            return list(range(len(starts)))
        apart = np.abs(starts[:, None] - top.starts).min(axis=1) >= width
        return [i for i, text in enumerate(self._store.texts(starts)) if apart[i] and text not in top.texts]

    def _contexts(self, windows: _Windows, which: Sequence[int]) -> list[Context]:
        rows = np.array(which, dtype=np.int64)
        starts = windows.starts[rows]
        decoded = self._store.detokenizer.windows(self._store.ids(starts))
        return [
            Context("activating", start, text, spans, activations, windows.deciles[i])
            for start, (text, spans), activations, i in zip(
                starts.tolist(), decoded, windows.activations[rows], which, strict=True
            )
        ]


def _deciles(peaks: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """In which tenth of a sample, given by its peaks in order, windows with such peaks fall, int64 (window,)."""
    return np.minimum(DECILES * sample.searchsorted(peaks) // max(1, len(sample)) + 1, DECILES)


def _apart(starts: np.ndarray, width: int) -> list[int]:
    """Which windows, in order, do not overlap the one before that is left."""
    kept: list[int] = []
    free = 0
    for i, start in enumerate(starts.tolist()):
        if start >= free:
            kept.append(i)
            free = start + width
    return kept
