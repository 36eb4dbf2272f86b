"""Four contexts of one latent and an intruder, with marks that do not tell which is which.

Five activating contexts of one decile are drawn, each with its truly activating tokens marked, and one of the five, any
with the same chance, gives its place and its marks to an intruder: a context in which another latent fires and this one
is known to be silent. So by construction the place, and the number, positions and runs of marks are those of five
equals, and every text, activating or intruding, is shown once and its marks are worn once: what was seen in other
questions says nothing either.

Kept exactly: marks, token for token. Kept as far as there are such contexts: the intruder is of a latent that gives no
other, and of the question's decile among that latent's contexts. Not kept, since text is text: how many characters the
tokens have, and that four texts of one latent resemble one another where nothing is marked, too.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspect_autointerp.contexts import LatentContexts
from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.render import THRESHOLD, active_tokens
from inspect_autointerp.scorers.marks import Marked, showable
from inspect_autointerp.store import Store

SHOWN = 5
"""Texts in a question, the intruder among them."""
_AT_ONCE = 64
_AT_MOST = 4096
"""Other latents looked at, at once and in all: of most, a store of many rare latents knows no fitting context."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """A question's texts."""

    tests: tuple[Marked, ...]
    """As they are shown."""
    place: int
    """The intruder's, from 0."""
    decile: int
    """That of the activating ones."""


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Contexts that can intrude, each text once, in random order."""

    starts: np.ndarray
    """int64 (context,)."""
    whose: np.ndarray
    """int64 (context,): latents."""
    rank: np.ndarray
    """int64 (context,): the place of its latent in a random order of latents."""
    deciles: np.ndarray
    """int64 (context,): among that latent's contexts."""


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
    found = _candidates(store, contexts, 2 * len(fives), rng)
    used, given = np.zeros(len(found.starts), dtype=bool), Counter[int]()
    made = []
    for decile, five in fives:
        place = int(rng.integers(SHOWN))
        n_given = np.array([given[index] for index in found.whose.tolist()], dtype=np.int64)
        # By what matters most: the decile, then a latent that gave least, then chance.
        order = np.lexsort((found.rank, n_given, abs(found.deciles - decile)))
        for i in order[~used[order]].tolist():
            intruder = _context(store, int(found.starts[i]), int(found.whose[i]))
            if (five[place].marks <= showable(intruder)).all():
                used[i] = True
                given[int(found.whose[i])] += 1
                tests = [*five]
                tests[place] = Marked(intruder, five[place].marks)
                made.append(Lineup(tuple(tests), place, decile))
                break
    return made


def _fives(
    activating: Sequence[Context], questions: int, rng: np.random.Generator, threshold: float
) -> list[tuple[int, list[Marked]]]:
    """Disjoint fives of contexts of one decile, with their marks, in random order."""
    fives = []
    for decile in range(1, DECILES + 1):
        tests = [
            Marked(context, np.array(active_tokens(context, threshold)) & showable(context))
            for context in activating
            if context.decile == decile
        ]
        tests = [test for test in tests if test.marks.any()]
        order = rng.permutation(len(tests)).tolist()
        drawn = [order[i : i + SHOWN] for i in range(0, len(order) - SHOWN + 1, SHOWN)][:questions]
        fives += [(decile, [tests[i] for i in five]) for five in drawn]
    return [fives[i] for i in rng.permutation(len(fives)).tolist()]


def _candidates(store: Store, contexts: LatentContexts, latents: int, rng: np.random.Generator) -> _Candidates:
    """Contexts of at least so many latents, drawn at random among those of which any are known."""
    latent = contexts.latent
    others = rng.permutation(store.manifest.hookpoints[latent.hookpoint].width)[:_AT_MOST]
    columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    n = 0
    for first in range(0, len(others), _AT_ONCE):
        if n >= latents:
            break
        starts, whose = contexts.others_starts(others[first : first + _AT_ONCE], "test")
        for index in np.unique(whose).tolist():
            own = starts[whose == index]
            deciles = LatentContexts(store, store.latent(latent.hookpoint, index)).test_deciles(own)
            own, deciles = own[deciles > 0], deciles[deciles > 0]
            columns.append((own, np.full(len(own), index), deciles))
            n += len(own) > 0
    starts, whose, deciles = (
        np.concatenate([np.zeros(0, dtype=np.int64), *column]) for column in (zip(*columns, strict=True) or [()] * 3)
    )
    order = rng.permutation(len(starts))
    texts = store.texts(starts)
    order = list({texts[i]: i for i in order.tolist()}.values())
    rank = {index: i for i, index in enumerate(others.tolist())}
    ranks = np.array([rank[index] for index in whose[order].tolist()], dtype=np.int64)
    return _Candidates(starts[order], whose[order], ranks, deciles[order])


def _context(store: Store, start: int, whose: int) -> Context:
    [decoded] = store.decoder.windows(store.ids(np.array([start])))
    return Context("intruder", start, *decoded, np.zeros(store.window, dtype=np.float32), neighbour=whose)
