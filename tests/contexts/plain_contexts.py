"""Contexts of a latent, one window at a time: the reference that `LatentContexts` has to equal."""

from dataclasses import dataclass

import numpy as np

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.latent import Context, Latent, Split
from inspect_autointerp.store.postings import POOL, SAMPLE, TOP
from inspect_autointerp.store.store import Store


@dataclass
class PlainContexts:
    """Slow and plain: sets of tokens, loops over windows, windows decoded alone."""

    store: Store
    latent: Latent
    centered: bool = True

    def __post_init__(self) -> None:
        postings = self.store.at(self.latent.hookpoint).postings
        self.act = np.zeros(len(self.store.tokens), dtype=np.float32)
        positions, activations = postings.activations(self.latent.index)
        self.act[positions] = activations
        starts, flags = postings.windows(self.latent.index)
        self.kept = list(zip(starts.tolist(), flags.tolist(), strict=True))

    def on(self, start: int) -> np.ndarray:
        return self.act[start : start + self.store.window]

    def tokens(self, start: int) -> bytes:
        return self.store.tokens[start : start + self.store.window].tobytes()

    def places(self, flags: int, split: Split, center: bool) -> list[int]:
        """Return where contexts can be cut in the windows kept for these reasons."""
        wide, width, starts = self.store.settings.window, self.store.window, []
        for start, flag in self.kept:
            if not flag & flags or not self.store.in_split(np.array([start]), split)[0]:
                continue
            if center:
                [first], [end] = self.store.chunk_bounds(np.array([start]))
                peak = start + int(np.argmax(self.act[start : start + wide]))
                starts.append(int(min(max(peak - width // 2, first), max(first, end - width))))
            else:
                starts += [part for part in range(start, start + wide, width) if self.on(part).any()]
        return starts

    def activating(self, split: Split) -> list[tuple[int, int]]:
        """Start and decile, weakest first."""
        center, both = self.centered and self.store.settings.center, {self.centered, True}
        shown = {
            start for c in both for start in self.places(SAMPLE | TOP, "explain", c and self.store.settings.center)
        }
        seen = {self.tokens(start) for start in shown} if split == "test" else set()
        kept: list[int] = []
        last = -(1 << 40)
        for start in self.places(SAMPLE, split, center):
            if center and start < last + self.store.window:
                continue
            last = start
            if self.tokens(start) not in seen:
                seen.add(self.tokens(start))
                kept.append(start)
        kept.sort(key=lambda start: (self.on(start).max(), start))
        return [(start, 10 * rank // len(kept) + 1) for rank, start in enumerate(kept)]

    def silent(self, split: Split) -> list[int]:
        seen = {self.tokens(start) for part in ("explain", "test") for start, _ in self.activating(part)}
        fires = {start for start, flag in self.kept if flag & POOL}
        starts = []
        for wide in self.store.pool[self.store.in_split(self.store.pool, split)].tolist():
            for start in range(wide, wide + self.store.settings.window, self.store.window):
                if (wide in fires and self.on(start).any()) or self.tokens(start) in seen:
                    continue
                seen.add(self.tokens(start))
                starts.append(start)
        return starts

    def rng(self, seed: int, split: Split) -> np.random.Generator:
        return rng_of(seed, self.latent.id, split)

    def explain(self, n: int, seed: int) -> list[Context]:
        ranked = self.activating("explain")
        chosen = plain_stratified([decile for _, decile in ranked], n, self.rng(seed, "explain"))
        contexts = [self.context(*ranked[i]) for i in chosen]
        return sorted(contexts, key=lambda context: -context.max_activation)

    def test(self, n_activating: int, n_random: int, seed: int) -> list[Context]:
        rng, ranked = self.rng(seed, "test"), self.activating("test")
        chosen = plain_stratified([decile for _, decile in ranked], n_activating, rng)
        contexts = [self.context(*ranked[i]) for i in chosen]
        silent = rng.permutation(np.array(self.silent("test"), dtype=np.int64))[:n_random]
        contexts += [self.context(int(start), None) for start in silent]
        return [contexts[i] for i in rng.permutation(len(contexts))]

    def context(self, start: int, decile: int | None) -> Context:
        text, spans = self.store.detokenizer(self.store.tokens[start : start + self.store.window].tolist())
        activations = self.on(start) if decile else np.zeros(self.store.window, dtype=np.float32)
        return Context("activating" if decile else "random", start, text, spans, activations, decile)


def plain_stratified(strata: list[int], n: int, rng: np.random.Generator) -> list[int]:
    """As version 0.1 drew: an order of each stratum, then rounds over those that are left."""
    queues = {stratum: list(rng.permutation(np.flatnonzero(np.equal(strata, stratum)))) for stratum in set(strata)}
    chosen: list[int] = []
    while len(chosen) < n and queues:
        for stratum in rng.permutation(sorted(queues)):
            if len(chosen) < n:
                chosen.append(int(queues[stratum].pop()))
        queues = {stratum: queue for stratum, queue in queues.items() if queue}
    return chosen
