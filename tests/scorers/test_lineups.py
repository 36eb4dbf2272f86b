"""Nothing but what the texts say tells which is the intruder: graders that see all else are at chance."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspect_autointerp.builtin.planted import HOOKPOINT
from inspect_autointerp.builtin.planted.latents import LATENTS
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.scorers.intruder.lineups import SHOWN, Lineup, lineups
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import active_tokens, marked, visible

PAIR = ("⟪", "⟫")


def of(store: Store, index: int, seed: int = 0, questions: int = 5) -> list[Lineup]:
    latent = store.at(None).latent(index)
    return lineups(store, LatentContexts(store, latent), questions, np.random.default_rng([seed, index]))


@pytest.fixture(scope="module")
def asked(store_folder: Path) -> list[list[Lineup]]:
    """Return the questions about each latent of the random subject that has any, by five seeds."""
    store = Store(store_folder)
    latents = [index for index in range(store.at(None).width) if of(store, index)]
    return [of(store, index, seed) for seed in range(5) for index in latents]


def shown(lineup: Lineup) -> list[str]:
    return [marked(test.context, PAIR, test.marks) for test in lineup.tests]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), index=st.integers(0, len(LATENTS) - 1), questions=st.integers(1, 6))
def test_four_are_the_latents_and_the_intruder_wears_the_marks_of_a_fifth(
    seed: int, index: int, questions: int, planted_cache: Path
) -> None:
    store = Store.open(str(next(planted_cache.glob("planted-*"))))
    contexts = LatentContexts(store, store.at(HOOKPOINT).latent(index)).activating("test")
    made = of(store, index, seed, questions)
    assert {sum(lineup.decile == decile for lineup in made) for decile in range(1, 11)} == {min(questions, 2)}
    tests = [test for lineup in made for test in lineup.tests]
    assert len({test.context.text for test in tests}) == SHOWN * len(made), "no text twice, in any question"
    starts = {test.context.start for test in tests}
    for lineup in made:
        for place, test in enumerate(lineup.tests):
            if place == lineup.place:
                assert test.context.kind == "intruder"
                assert not LATENTS[index].true.holds(visible(test.context.text)), "this latent is silent"
                assert LATENTS[test.context.neighbour or 0].true.holds(visible(test.context.text)), "the other is not"
                unshown = [c for c in contexts if c.decile == lineup.decile and c.start not in starts]
                assert any(active_tokens(context) == test.marks.tolist() for context in unshown)
            else:
                assert test.context.decile == lineup.decile
                assert (test.marks == active_tokens(test.context)).all()


def test_the_seed_and_the_latent_alone_decide(store_folder: Path) -> None:
    store = Store(store_folder)
    index = next(index for index in range(256) if of(store, index))
    one, same, other = ([shown(lineup) for lineup in of(store, index, seed)] for seed in (0, 0, 1))
    assert one == same
    assert one != other


def test_intruders_are_of_many_latents_and_of_the_questions_decile(
    asked: list[list[Lineup]], store_folder: Path
) -> None:
    store = Store(store_folder)
    # Of some latents of the random subject, hardly another one is silent where they fire.
    distinct = [len({lineup.tests[lineup.place].context.neighbour for lineup in made}) for made in asked]
    assert np.mean(distinct) > 4
    same, n = 0, 0
    for lineup in (lineup for made in asked[:10] for lineup in made):
        context = lineup.tests[lineup.place].context
        other = LatentContexts(store, store.at(None).latent(context.neighbour or 0))
        [decile] = other.test_deciles(np.array([context.start])).tolist()
        same, n = same + (decile == lineup.decile), n + 1
    assert same > 0.9 * n


def test_the_decile_of_a_sampled_window_is_that_of_its_context(store_folder: Path) -> None:
    store = Store(store_folder)
    contexts = LatentContexts(store, store.at(None).latent(3))
    sample = contexts.activating("test")
    peaks = [context.max_activation for context in sample]
    deciles = contexts.test_deciles(np.array([context.start for context in sample])).tolist()
    # Of equal maxima all are given the decile of the first.
    assert deciles == [sample[peaks.index(peak)].decile for peak in peaks]


def test_without_five_contexts_in_a_decile_there_is_no_question(store_folder: Path) -> None:
    store = Store(store_folder)
    n_found = {}
    for index in range(256):
        _, n, _ = LatentContexts(store, store.at(None).latent(index)).n_available()
        n_found[n] = len(of(store, index))
    # With n contexts a decile has ⌊n / 10⌋ or one more: 5 from 41 on, where the remainder is spread.
    assert all(n_made == 0 for n, n_made in n_found.items() if n <= 40)
    assert any(n_made == 0 for n_made in n_found.values())
    assert all(n_made > 0 for n, n_made in n_found.items() if n > 60)


Blind = Callable[[Sequence[str]], int]
"""A grader that sees a question's texts, and answers with a place."""


def marks_of(text: str) -> list[tuple[int, int]]:
    """The marks in a text, as (first, end) in characters without delimiters."""
    runs, at = [], 0
    for number, piece in enumerate(text.replace(PAIR[1], PAIR[0]).split(PAIR[0])):
        if number % 2:
            runs.append((at, at + len(piece)))
        at += len(piece)
    return runs


def firsts(texts: Sequence[str]) -> np.ndarray:
    return np.array([marks_of(text)[0][0] for text in texts])


def bare(text: str) -> str:
    return text.replace(PAIR[0], "").replace(PAIR[1], "")


def extreme(measure: Callable[[str], float], sign: int) -> Blind:
    """The place at which a measure is largest or smallest; of equals by a hash of the text."""
    return lambda texts: max(range(len(texts)), key=lambda i: (sign * measure(texts[i]), hashed(texts[i])))


def hashed(text: str) -> bytes:
    return blake2b(bare(text).encode()).digest()


def never_seen() -> Blind:
    seen: set[str] = set()

    def blind(texts: Sequence[str]) -> int:
        fresh = [i for i, text in enumerate(texts) if bare(text) not in seen]
        seen.update(map(bare, texts))
        return fresh[0] if fresh else 0

    return blind


def seen_most() -> Blind:
    seen: dict[str, int] = {}

    def blind(texts: Sequence[str]) -> int:
        best = max(range(len(texts)), key=lambda i: (seen.get(bare(texts[i]), 0), hashed(texts[i])))
        for text in map(bare, texts):
            seen[text] = seen.get(text, 0) + 1
        return best

    return blind


def marks_seen(sign: int) -> Blind:
    """The text whose marks other texts wore most, or least, often before."""
    seen: dict[tuple, int] = {}

    def blind(texts: Sequence[str]) -> int:
        patterns = [tuple(marks_of(text)) for text in texts]
        best = max(range(len(texts)), key=lambda i: (sign * seen.get(patterns[i], 0), hashed(texts[i])))
        for pattern in patterns:
            seen[pattern] = seen.get(pattern, 0) + 1
        return best

    return blind


GRADERS: dict[str, Callable[[], Blind]] = {
    **{f"place {place + 1}": lambda place=place: lambda texts: place for place in range(SHOWN)},
    "most marks": lambda: extreme(lambda text: len(marks_of(text)), 1),
    "fewest marks": lambda: extreme(lambda text: len(marks_of(text)), -1),
    "first mark last": lambda: extreme(lambda text: marks_of(text)[0][0], 1),
    "first mark first": lambda: extreme(lambda text: marks_of(text)[0][0], -1),
    "first mark the odd one": lambda: lambda texts: int(np.argmax(abs(firsts(texts) - np.median(firsts(texts))))),
    "longest": lambda: extreme(len, 1),
    "shortest": lambda: extreme(len, -1),
    "hash": lambda: lambda texts: max(range(len(texts)), key=lambda i: hashed(texts[i])),
    "never seen": never_seen,
    "seen most": seen_most,
    "marks seen": lambda: marks_seen(1),
    "marks never seen": lambda: marks_seen(-1),
}


@pytest.mark.parametrize("name", GRADERS)
def test_a_grader_that_sees_all_but_the_content_is_at_chance(name: str, asked: list[list[Lineup]]) -> None:
    right = []
    for made in asked:
        blind = GRADERS[name]()  # what it remembers is of this latent
        right += [blind(shown(lineup)) == lineup.place for lineup in made]
    assert len(right) > 1000
    error = (0.2 * 0.8 / len(right)) ** 0.5
    # Lengths are alike as far as there are contexts to choose from, and this store has few.
    slack = 0.04 if name in ("longest", "shortest") else 0.0
    assert abs(np.mean(right) - 0.2) < 3 * error + slack


def test_a_learner_from_marks_alone_is_at_chance(asked: list[list[Lineup]]) -> None:
    from sklearn.ensemble import RandomForestClassifier

    features, truth, groups = [], [], []
    for number, made in enumerate(asked):
        for lineup in made:
            own = np.array([_features(test.marks) for test in lineup.tests])
            features.append(np.hstack([own, own - own.mean(axis=0)]))  # each by itself, and against the others
            truth.append(np.arange(SHOWN) == lineup.place)
            groups.append(2 * number < len(asked))
    half = np.array(groups)
    seen, unseen = (np.array(features)[rows] for rows in (half, ~half))
    forest = RandomForestClassifier(100, min_samples_leaf=20, random_state=0, n_jobs=1)
    forest.fit(seen.reshape(-1, seen.shape[-1]), np.array(truth)[half].ravel())
    belief = np.asarray(forest.predict_proba(unseen.reshape(-1, seen.shape[-1])))[:, 1].reshape(-1, SHOWN)
    right = belief.argmax(axis=1) == np.array(truth)[~half].argmax(axis=1)
    assert abs(right.mean() - 0.2) < 3 * (0.16 / len(right)) ** 0.5


def _features(marks: np.ndarray) -> list[float]:
    places = np.flatnonzero(marks)
    runs = int((np.diff(places) > 1).sum()) + 1
    return [len(places), places[0], places[-1], runs, float(places.mean())]
