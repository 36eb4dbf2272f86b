"""A latent among others, each shown by the same number of contexts, drawn and marked in the same way.

Candidates must differ by what their texts are, and by nothing else. So of every candidate:

- contexts are drawn uniformly at random from the test contexts in which it fires and which the store keeps for it;
- they are cut on the grid, also where the store centres contexts;
- every token is marked on which it fires. A share of the maximum would not do: a frozen store knows where the latents
  beside those that it holds fire, but not how strongly.

Any place in the lineup has the same chance. A text is shown once under one candidate. The explained latent is silent in
all texts of the others, so each question has one right answer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.selection import intruding_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.dataset import latent_named
from inspect_autointerp.latent import Context, Kind, split_hookpoints
from inspect_autointerp.scorers.fuzzing.marks import Marked, showable
from inspect_autointerp.store.store import Store

SOURCES = ("neighbours", "random")
"""Sources of the other candidates."""
_AT_ONCE = 16
"""Latents looked at, at once: of some there may be no context in which the explained latent is known to be silent."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A latent in a question."""

    index: int | None
    """Number of the latent; None for the explained one."""
    tests: tuple[Marked, ...]
    """Its contexts, as they are shown."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """A question's candidates."""

    candidates: tuple[Candidate, ...]
    """As they are shown."""
    place: int
    """The explained latent's, from 0."""


def lineups(
    store: Store,
    contexts: LatentContexts,
    questions: int,
    others: int,
    texts: int,
    source: str,
    rng: np.random.Generator,
) -> list[Lineup]:
    """Return up to so many questions; as many as the latent's contexts suffice for, and at least one.

    Args:
        store: The store.
        contexts: A latent's, cut on the grid.
        questions: How many, at most.
        others: Candidates beside the latent.
        texts: Contexts of each candidate.
        source: `neighbours`: the nearest that have contexts; where they are fewer, latents drawn at random in their
            place. `random`: latents drawn at random.
        rng: Draws latents, contexts and places.

    Returns:
        None at all where the latent has too few contexts, or there are not enough other latents that have.
    """
    own = [_shown(context, context.activations > 0) for context in contexts.activating("test")]
    own = [test for test in own if test.marks.any()]
    n = min(questions, len(own) // texts)
    if not n:
        return []
    chosen = _other_latents(store, contexts, others, texts, source, rng)
    if len(chosen) < others:
        return []
    order: list[int] = rng.permutation(len(own)).tolist()
    drawn = {index: _in_turn(tests, texts, rng) for index, tests in chosen.items()}
    made: list[Lineup] = []
    for number in range(n):
        mine = Candidate(None, tuple(own[i] for i in order[number * texts : (number + 1) * texts]))
        shuffled: list[int] = rng.permutation(list(chosen)).tolist()
        rest = [Candidate(index, next(drawn[index])) for index in shuffled]
        place = int(rng.integers(others + 1))
        made.append(Lineup((*rest[:place], mine, *rest[place:]), place))
    return made


def check_texts(store: Store, latents: Iterable[str], texts: int) -> None:
    """Check that some latent has enough test contexts for a question; the others will be unscored, with the reason.

    Args:
        store: The store.
        latents: Ids of the latents to evaluate.
        texts: Contexts of each candidate.

    Raises:
        UserError: None has.
    """
    most = 0
    for id in latents:
        n = LatentContexts(store, latent_named(store, id), centered=False).n_available()[1]
        if n >= texts:
            return
        most = max(most, n)
    raise UserError(
        f"texts={texts}: a question shows so many test contexts of a latent, and no latent has more than {most};"
        f" give at most {most}"
    )


def check_source(store: Store, hookpoint: str, source: str) -> None:
    """Check that a store has the other candidates.

    Args:
        store: The store.
        hookpoint: One of its hookpoints, or several as `join_hookpoints` writes them.
        source: The other candidates, one of `SOURCES`.

    Raises:
        UserError: There is no such source, or the store does not know the latents' neighbours.
    """
    if source not in SOURCES:
        raise UserError(f"candidates={source}: unknown candidates; give one of {', '.join(SOURCES)}")
    for at in (store.at(name) for name in split_hookpoints(hookpoint) if source == "neighbours"):
        try:
            at.neighbours("neighbours", int(at.held[0]))
        except UserError as error:
            raise UserError(f"{error}; or give -T candidates=random") from None


def _other_latents(
    store: Store, contexts: LatentContexts, others: int, texts: int, source: str, rng: np.random.Generator
) -> dict[int, list[Marked]]:
    """Return so many other latents with their contexts, or fewer."""
    chosen: dict[int, list[Marked]] = {}
    for kind, indices in _sources(store, contexts, source, rng):
        for first in range(0, len(indices), _AT_ONCE):
            some = [index for index in indices[first : first + _AT_ONCE] if index not in chosen]
            used = {test.context.text for tests in chosen.values() for test in tests}
            for index, tests in _contexts_of(store, contexts, some, kind).items():
                fresh = [test for test in tests if test.context.text not in used]
                if len(fresh) >= texts:
                    chosen[index] = fresh
                if len(chosen) == others:
                    return chosen
    return chosen


def _sources(
    store: Store, contexts: LatentContexts, source: str, rng: np.random.Generator
) -> Iterator[tuple[Kind, list[int]]]:
    at, own = store.at(contexts.latent.hookpoint), contexts.latent.index
    if source == "neighbours":
        yield "neighbours", [index for index in at.neighbours("neighbours", own).tolist() if index != own]
    yield "intruder", [index for index in rng.permutation(intruding_latents(at)).tolist() if index != own]


def _contexts_of(store: Store, contexts: LatentContexts, indices: Sequence[int], kind: Kind) -> dict[int, list[Marked]]:
    """Return the test contexts of other latents in which the explained one is silent, by latent in the order given."""
    starts, whose = contexts.others_starts(np.array(indices, dtype=np.int64), "test")
    tests_of: dict[int, list[Marked]] = {}
    for index in indices:
        own = starts[whose == index]
        fires = LatentWindows(store, contexts.latent.hookpoint, index).on(own, store.window) > 0
        marked = zip(contexts.of_other(kind, own, index), fires, strict=True)
        tests = [_shown(context, marks) for context, marks in marked]
        tests_of[index] = [test for test in tests if test.marks.any()]
    return tests_of


def _shown(context: Context, fires: np.ndarray) -> Marked:
    return Marked(context, fires & showable(context))


def _in_turn(tests: Sequence[Marked], n: int, rng: np.random.Generator) -> Iterator[tuple[Marked, ...]]:
    """Yield n contexts at a time, each once before any is shown again."""
    while True:
        order: list[int] = rng.permutation(len(tests)).tolist()
        for first in range(0, len(order) - n + 1, n):
            yield tuple(tests[i] for i in order[first : first + n])
