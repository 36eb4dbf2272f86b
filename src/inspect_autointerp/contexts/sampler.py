"""Which contexts the explainer is shown, and which a scorer tests an explanation on.

The two never meet: splits are by document, a test window whose tokens also occur in the explain split's windows is
dropped, and so is a repetition within a split.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import repeat
from math import ceil

import numpy as np

from inspect_autointerp.contexts.activating_windows import ActivatingWindows
from inspect_autointerp.contexts.importance import importance_draw
from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.negatives import POPULATION, other_subject
from inspect_autointerp.contexts.neighbour_windows import neighbour_starts
from inspect_autointerp.contexts.population import population
from inspect_autointerp.contexts.sampling import rng_of, stratified
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context, Kind, Latent, Negative, Sampling, Split
from inspect_autointerp.store.postings import OTHER, POOL, SAMPLE
from inspect_autointerp.store.store import Store

_DECIMALS = 4
"""Decimals of a cosine: those behind them depend on the machine that compared the directions."""


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
        self._own = LatentWindows(store, latent.hookpoint, latent.index)
        self._windows = ActivatingWindows(store, self._own, centered and store.settings.center)

    def activating(self, split: Split) -> list[Context]:
        """All activating contexts of a split's uniform sample, weakest first, with their deciles.

        Deciles are by rank of the maximum, over the sample: with n contexts, the one of rank r (from 0) is in
        decile ⌊10 r / n⌋ + 1.
        """
        windows = self._windows.of_split(split)
        return self._windows.contexts(windows, range(len(windows.starts)))

    def explain(self, n: int, seed: int, sampling: Sampling = "quantiles") -> list[Context]:
        """Up to n activating contexts of the explain split, strongest first.

        Args:
            n: How many, at most.
            seed: Of the draw.
            sampling: `quantiles`: of the sample, the deciles in equal shares. `random`: of the sample. `top`: the
                strongest there are. `mix`: a fifth of them so, the others by quantiles.
        """
        rng = rng_of(seed, self.latent.id, "explain")
        top = self._windows.strongest({"top": n, "mix": ceil(n / 5)}.get(sampling, 0))
        left = self._windows.besides(top)
        if sampling == "random":
            drawn = rng.permutation(left)[:n].tolist()
        else:
            deciles = [self._windows.explain.deciles[i] for i in left]
            drawn = [left[i] for i in stratified(deciles, n - len(top.starts), rng)]
        contexts = self._windows.contexts(top, range(len(top.starts)))
        contexts += self._windows.contexts(self._windows.explain, drawn)
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
            known = self._windows.shown.union(self._store.texts(self.tested_starts(kind)))
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
        drawn = stratified(self._windows.test.deciles, n_activating, rng)
        chosen = self._windows.contexts(self._windows.test, drawn)
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
        if kind == "other_subject":
            return rng.permutation(starts)[:n], None
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
        if kind == "other_subject":
            return self._only_in_other(split), None
        return self.others_starts(at.neighbours(kind, self.latent.index), split)

    def only_in_other(self, n: int, seed: int) -> list[Context]:
        """Up to n contexts of the explain split in which the latent fires in the other subject alone, strongest first.

        They have the other subject's activations. None has the tokens of a context of the test split.

        Raises:
            UserError: See `negatives.other_subject`.
        """
        contexts = self.as_other_reads(self.contrastive(n, seed, ["other_subject"]))
        return sorted(contexts, key=lambda context: -context.max_activation)

    def as_other_reads(self, contexts: Sequence[Context]) -> list[Context]:
        """Return contexts of the kind `other_subject` with the latent's activations in the other subject."""
        activations = self._other.on(np.array([c.start for c in contexts], dtype=np.int64), self._store.window)
        return [replace(context, activations=row) for context, row in zip(contexts, activations, strict=True)]

    @cached_property
    def _other(self) -> LatentWindows:
        """The same latent's windows in the other subject."""
        hookpoint = other_subject(self._store, self.latent.hookpoint)
        return LatentWindows(self._store, hookpoint, self.latent.index)

    def _only_in_other(self, split: Split) -> np.ndarray:
        """The contexts of the other subject's sample on which the latent is silent in this one, int64 starts."""
        windows = self._other
        alone = windows.which(split, SAMPLE) & (windows.flags & OTHER == 0)
        starts = windows.firing(windows.starts[alone])
        return starts[self._distinct(starts)]

    def _distinct(self, starts: np.ndarray) -> list[int]:
        """Return which contexts to keep, so that each text is there once and none is one in which the latent fires."""
        first: dict[bytes, int] = {}
        for i, text in enumerate(self._store.texts(starts)):
            if text not in self._windows.seen:
                first.setdefault(text, i)
        return list(first.values())

    def others_starts(self, others: np.ndarray, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """The contexts of a split in which other latents fire and this one is known to be silent, each text once.

        Args:
            others: (latent,): latents of the hookpoint; this one among them gives nothing.
            split: Of which split.

        Returns:
            Starts, int64 (context,), and whose they are, int64 (context,): of a text that several fire in, the first's.
        """
        starts, whose = neighbour_starts(self._store, self._own, others, split)
        kept = self._distinct(starts)
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
        return self._windows.of_split(split).peaks

    def n_available(self) -> tuple[int, int, int]:
        """Return how many contexts there are: activating to explain, activating to test, and silent to test."""
        return len(self._windows.explain.starts), len(self._windows.test.starts), len(self.silent_starts("test"))

    def silent_starts(self, split: Split) -> np.ndarray:
        """The pool's windows of a split on which the latent does not fire (int64 starts), repetitions dropped.

        A uniform sample of all windows on which it is silent: it is their population that a random context's weight
        speaks of. A window with the tokens of one in which the latent fires is dropped too: its label would depend
        on text that no grader sees.
        """
        in_pool = self._own.starts[self._own.which(split, POOL)]
        return self._store.pool_of(split).silent(self._own.firing(in_pool), self._windows.seen)

    def population_starts(self, split: Split) -> np.ndarray:
        """The windows that importance-sampled contexts are drawn from and stand for, int64 starts, repetitions dropped.

        As `silent_starts`, but of the whole split where the latent is rare enough for that: see `population`.
        """
        windows, firing = population(self._store, self._own, split)
        return windows.silent(firing, self._windows.seen)

    def test_deciles(self, starts: np.ndarray) -> np.ndarray:
        """Return the deciles of the test split in which windows that the latent fires in fall, sampled or not.

        Args:
            starts: int64 (window,): windows of the test split that the store keeps for the latent.

        Returns:
            int64 (window,); 0 for a window that is no test context, see `ActivatingWindows.test_deciles`.
        """
        return self._windows.test_deciles(starts)

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
