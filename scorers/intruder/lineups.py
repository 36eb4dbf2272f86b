"""Four contexts of one latent and an intruder, with marks that do not tell which is which.

Five activating contexts of one decile are drawn, each with its truly activating tokens marked, and one of the five, any
with the same chance, gives its place and its marks to an intruder: a context in which another latent fires and this one
is known to be silent. So by construction the place, and the number, positions and runs of marks are those of five
equals, and every text, activating or intruding, is shown once and its marks are worn once: what was seen in other
questions says nothing either.

Kept exactly: marks, token for token. Kept as nearly as the contexts there are allow: the intruder is of the question's
decile among its own latent's contexts, as long in characters as the context it stands for, and of a latent that gives
few others. Not kept, since text is text: what the marked tokens are, and that texts of one latent resemble one another
where nothing is marked, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.selection import intruding_latents
from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.scorers.fuzzing.marks import Marked, showable
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import THRESHOLD, active_tokens

SHOWN = 5
"""Texts in a question, the intruder among them."""
_ABOUT = 2
"""Characters by which texts can differ and be of about the same length."""
_AT_ONCE = 64
"""Other latents looked at, at once: of most there may be no window on which a frequent latent's silence is known."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """A question's texts."""

    tests: tuple[Marked, ...]
    """As they are shown."""
    place: int
    """The intruder's, from 0."""
    decile: int
    """Number of the decile of the activating texts."""


def lineups(
    store: Store, contexts: LatentContexts, questions: int, rng: np.random.Generator, threshold: float = THRESHOLD
) -> list[Lineup]:
    """Up to so many questions of each decile, in random order; as many as its contexts suffice for, five each.

    A question that no intruder can be found for is left out.

    Args:
        store: The store.
        contexts: A latent's.
        questions: Per decile.
        rng: Draws contexts, places and intruders.
        threshold: A token is marked from this share of its context's maximum on.
    """
    fives = _fives(contexts.activating("test"), questions, rng, threshold)
    if not fives:
        return []
    candidates, deciles = _candidates(store, contexts, 2 * len(fives), rng)
    lengths = np.array([len(context.text) for context in candidates], dtype=np.int64)
    given = np.zeros(len(candidates), dtype=np.int64)  # how many intruders each one's latent has given
    whose = np.array([context.neighbour for context in candidates], dtype=np.int64)
    used = np.zeros(len(candidates), dtype=bool)
    made: list[Lineup] = []
    for decile, five in fives:
        place = int(rng.integers(SHOWN))
        away = abs(lengths - len(five[place].context.text))
        # By the decile first; then by length, as far as a reader would see it; then by whose turn it is.
        order = np.lexsort((given, np.maximum(0, away - _ABOUT), abs(deciles - decile)))
        unused: list[int] = order[~used[order]].tolist()
        for i in unused:
            if (five[place].marks <= showable(candidates[i])).all():
                used[i] = True
                given += whose == whose[i]
                tests = [*five]
                tests[place] = Marked(candidates[i], five[place].marks)
                made.append(Lineup(tuple(tests), place, decile))
                break
    return made


def _fives(
    activating: Sequence[Context], questions: int, rng: np.random.Generator, threshold: float
) -> list[tuple[int, list[Marked]]]:
    """Disjoint fives of contexts of one decile, with their marks, in random order."""
    fives: list[tuple[int, list[Marked]]] = []
    for decile in range(1, DECILES + 1):
        tests = [
            Marked(context, np.array(active_tokens(context, threshold)) & showable(context))
            for context in activating
            if context.decile == decile
        ]
        tests = [test for test in tests if test.marks.any()]
        order: list[int] = rng.permutation(len(tests)).tolist()
        drawn = [order[i : i + SHOWN] for i in range(0, len(order) - SHOWN + 1, SHOWN)][:questions]
        fives += [(decile, [tests[i] for i in five]) for five in drawn]
    return [fives[int(i)] for i in rng.permutation(len(fives)).tolist()]


def _candidates(
    store: Store, contexts: LatentContexts, latents: int, rng: np.random.Generator
) -> tuple[list[Context], np.ndarray]:
    """Contexts that can intrude, each text once, in random order, and their deciles among their own latents'.

    They are of at least so many latents, drawn at random from `intruding_latents`, if any are known of so many.
    """
    latent = contexts.latent
    at = store.at(latent.hookpoint)
    others = rng.permutation(intruding_latents(at))
    candidates = [np.zeros((3, 0), dtype=np.int64)]  # of contexts their starts, whose they are, and their deciles
    n = 0
    for first in range(0, len(others), _AT_ONCE):
        if n >= latents:
            break
        starts, whose = contexts.others_starts(others[first : first + _AT_ONCE], "test")
        for index in np.unique(whose).tolist():
            own = starts[whose == index]
            deciles = LatentContexts(store, at.latent(index)).test_deciles(own)
            usable = np.stack([own, np.full(len(own), index), deciles])[:, deciles > 0]
            candidates.append(usable)
            n += usable.shape[1] > 0
    joined = np.concatenate(candidates, axis=1)
    joined = joined[:, rng.permutation(joined.shape[1])]
    each_once = {text: i for i, text in enumerate(store.texts(joined[0]))}
    starts, whose, deciles = joined[:, list(each_once.values())]
    silence = np.zeros(store.window, dtype=np.float32)
    decoded = store.detokenizer.windows(store.ids(starts))
    return [
        Context("intruder", start, *decoded[i], silence, neighbour=index)
        for i, (start, index) in enumerate(zip(starts.tolist(), whose.tolist(), strict=True))
    ], deciles
