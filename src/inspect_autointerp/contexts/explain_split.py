"""The contexts of a latent that an explainer may look through: the explain split, without copies of what is tested.

Everything that a tool shows an agent comes out of `ExplainSplit`. Its one gate, `_allowed`, lets a window through only
if its document is of the explain split and its tokens are those of no context that a scorer can draw for the latent.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.latent import Context, Latent, Negative
from inspect_autointerp.store.store import Store

_ALL = 1 << 40
"""More contexts than any latent has."""


class ExplainSplit:
    """One latent's contexts of the explain split.

    Args:
        store: The store.
        latent: One of its latents.
    """

    def __init__(self, store: Store, latent: Latent) -> None:
        self.store, self.latent = store, latent
        self._contexts = LatentContexts(store, latent)

    @cached_property
    def activating(self) -> list[Context]:
        """All activating contexts, strongest first: those of the sample, and the strongest that the store keeps."""
        return self._allowed(self._contexts.explain(_ALL, 0, "top"))

    @property
    def maximum(self) -> float:
        """The largest activation in them; 0 where there are none."""
        return self.activating[0].max_activation if self.activating else 0.0

    @cached_property
    def silent(self) -> list[Context]:
        """All contexts of the pool on which the latent is silent, in order of the corpus."""
        starts = self._contexts.silent_starts("explain")
        decoded = self.store.pool_of("explain").decoded(starts)
        silence = np.zeros(self.store.window, dtype=np.float32)
        return self._allowed(
            [
                Context("random", start, text, spans, silence)
                for start, (text, spans) in zip(starts.tolist(), decoded, strict=True)
            ]
        )

    def shuffled(self, contexts: Sequence[Context], seed: int) -> list[Context]:
        """Contexts in a random order, which depends on the seed and the latent alone."""
        order = rng_of(seed, self.latent.id, "agent").permutation(len(contexts))
        return [contexts[i] for i in order.tolist()]

    def of_neighbours(self, others: Sequence[int], n: int) -> dict[int, list[Context]]:
        """Contexts in which another latent fires, and this one is silent.

        Args:
            others: Latents of the hookpoint.
            n: Contexts of each, at most: those on which it fires most.

        Returns:
            By latent, contexts with that latent's activations, strongest first.
        """
        starts, whose = self._contexts.others_starts(np.array(others, dtype=np.int64), "explain")
        by_latent: dict[int, list[Context]] = {}
        for other in others:
            own = starts[whose == other]
            windows = LatentWindows(self.store, self.latent.hookpoint, other)
            rows = zip(
                own.tolist(),
                self.store.detokenizer.windows(self.store.ids(own)),
                windows.on(own, self.store.window),
                strict=True,
            )
            contexts = [
                Context("neighbours", start, text, spans, activations, None, other)
                for start, (text, spans), activations in rows
            ]
            by_latent[other] = sorted(self._allowed(contexts), key=lambda one: -one.max_activation)[:n]
        return by_latent

    @cached_property
    def _tested(self) -> frozenset[bytes]:
        """The tokens of every context that a scorer can draw for the latent, of any kind that the store holds."""
        kinds: tuple[Negative, ...] = negative_kinds(self.store, self.latent.hookpoint, "all")
        texts: set[bytes] = set()
        for centered in {True, not self.store.settings.center}:
            contexts = LatentContexts(self.store, self.latent, centered=centered)
            starts = [context.start for context in contexts.activating("test")]
            texts.update(self.store.texts(np.array(starts, dtype=np.int64)))
            for kind in kinds:
                texts.update(self.store.texts(contexts.tested_starts(kind)))
        return frozenset(texts)

    def _allowed(self, contexts: Sequence[Context]) -> list[Context]:
        """Those that may be shown."""
        starts = np.array([context.start for context in contexts], dtype=np.int64)
        if not len(starts):
            return []
        in_split = self.store.in_split(starts, "explain").tolist()
        texts = self.store.texts(starts)
        return [
            context
            for context, inside, text in zip(contexts, in_split, texts, strict=True)
            if inside and text not in self._tested
        ]
