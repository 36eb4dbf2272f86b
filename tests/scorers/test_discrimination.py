"""Questions about candidates: what they show, what they give away, and how answers are counted."""

from collections.abc import Callable
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from inspect_ai.model import Logprob, Logprobs, ModelOutput, TopLogprob

from inspect_autointerp.builtin.lexical.choose import choose
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.builtin.planted.latents import LATENTS
from inspect_autointerp.builtin.prompt_reader import asked, read_choosing
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models.tfidf import Words
from inspect_autointerp.scorers.discrimination.lineups import Lineup, lineups
from inspect_autointerp.scorers.discrimination.parse import candidate_probabilities
from inspect_autointerp.scorers.discrimination.prompt import discrimination_messages
from inspect_autointerp.scorers.discrimination.statistics import KEYS, discrimination_statistics
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

TEXTS = [["a <<red>> hat", "<<Red>> again"], ["two <<blue>> hats", "a <<teal>> one"]]


def lineups_of(
    store: Store, index: int, source: str = "neighbours", questions: int = 10, texts: int = 4
) -> list[Lineup]:
    contexts = LatentContexts(store, store.at(None).latent(index), centered=False)
    return lineups(store, contexts, questions, 4, texts, source, np.random.default_rng([7, index]))


def verdicts(*questions: tuple[int | None, list[float] | None]) -> list[Verdict]:
    """Two texts of each of three candidates, the explained latent first, by who was named and the probabilities."""
    return [
        Verdict(
            kind="neighbours" if other else "activating", neighbour=other or None, question=number,
            label=None if named is None else int(named == other),
            probability=None if probabilities is None else probabilities[other],
        )
        for number, (named, probabilities) in enumerate(questions)
        for other in (0, 1, 2)
        for _ in range(2)
    ]  # fmt: skip


def test_prompt_has_a_constant_beginning_and_can_be_read() -> None:
    one, other = (discrimination_messages("red things", texts) for texts in (TEXTS, TEXTS[::-1]))
    assert [message.text for message in one[:-1]] == [message.text for message in other[:-1]]
    assert asked(one[-1].text) == "choose"
    explanation, candidates = read_choosing(one[-1].text)
    assert explanation == "red things"
    assert candidates[1] == [("two blue hats", {4, 5, 6, 7}), ("a teal one", {2, 3, 4, 5})]
    bare = discrimination_messages("", [["a red hat"], ["a blue one"]], None)
    assert not any("<<" in message.text or "marked" in message.text for message in bare)
    assert read_choosing(bare[-1].text) == ("", [[("a red hat", None)], [("a blue one", None)]])


def test_lexical_grader_names_where_listed_words_are_marked() -> None:
    number, shares = choose(discrimination_messages('texts with "blue" (9), "teal" (8)', TEXTS)[-1].text)
    assert number == 2
    assert shares[1] > shares[0]
    # The word stands in the second candidate's texts without a mark: it does not count.
    unmarked = [TEXTS[0], ["two blue <<hats>>", "a teal <<one>>"]]
    assert len(set(choose(discrimination_messages('texts with "blue" (9)', unmarked)[-1].text)[1])) == 1
    assert choose("Explanation: x\n\nnothing")[0] == 0


def test_statistics_by_hand() -> None:
    # Named: own, own, another; probabilities rank it first, tied for first with one, and last.
    rows = verdicts((0, [0.6, 0.3, 0.1]), (0, [0.4, 0.4, 0.2]), (2, [0.1, 0.2, 0.7]), (None, None))
    values = discrimination_statistics(rows)
    assert list(values) == KEYS
    assert values["recall_at_1"] == 2 / 3
    assert values["mrr"] == pytest.approx((1 + (1 + 1 / 2) / 2 + 1 / 3) / 3)
    assert values["collision"] == 0
    assert values["unscored"] == 1 / 4
    once_each = discrimination_statistics(verdicts((0, None), (2, None)))
    assert once_each["collision"] == 1, "another was named as often"
    assert isnan(once_each["mrr"])
    assert discrimination_statistics(verdicts((1, None), (2, None), (0, None), (0, None)))["collision"] == 0
    nothing = discrimination_statistics(verdicts((None, None)))
    assert isnan(nothing["recall_at_1"])
    assert isnan(nothing["collision"])
    assert nothing["unscored"] == 1


def test_probabilities_are_those_of_the_candidates_listed() -> None:
    def answer(text: str, *alternatives: tuple[str, float]) -> ModelOutput:
        output = ModelOutput.from_content("m", text)
        top = [TopLogprob(token=token, logprob=float(np.log(p))) for token, p in alternatives]
        output.choices[0].logprobs = Logprobs(content=[Logprob(token=text, logprob=top[0].logprob, top_logprobs=top)])
        return output

    probabilities = candidate_probabilities(answer("2", ("2", 0.5), ("1", 0.25), ("The", 0.25)), 2, 3)
    assert probabilities == pytest.approx([1 / 3, 2 / 3, 0])
    assert candidate_probabilities(answer("2", ("2", 1.0)), 2, 3) is None, "no alternative is a candidate"
    assert candidate_probabilities(ModelOutput.from_content("m", "2"), 2, 3) is None


def test_explained_latent_is_silent_in_the_others_texts(planted_store: Path) -> None:
    store = Store.open(str(planted_store))
    for index, latent in enumerate(LATENTS):
        made = lineups_of(store, index)
        assert len(made) == 10
        shown = [test.context.text for lineup in made for test in lineup.candidates[lineup.place].tests]
        assert len(set(shown)) == len(shown) == 40, "no own text twice"
        for lineup in made:
            assert len(lineup.candidates) == 5
            for place, candidate in enumerate(lineup.candidates):
                own = place == lineup.place
                assert (candidate.index is None) == own
                fires = LATENTS[index if candidate.index is None else candidate.index]
                for test in candidate.tests:
                    text = visible(test.context.text)
                    assert latent.true.holds(text) == own
                    assert fires.true.holds(text)
                    spoken = {i for start, end in fires.true.spans(text) for i in range(start, end)}
                    marks = [i for i, mark in enumerate(test.marks) if mark]
                    assert {i for span in marks for i in range(*test.context.spans[span]) if text[i] != " "} == {
                        i for i in spoken if text[i] != " "
                    }
    nearest = {candidate.index for lineup in lineups_of(store, 0) for candidate in lineup.candidates}
    assert nearest >= {None, 1, 3}, "the siblings in which the first is silent at times"


def test_candidates_carry_their_cosine_where_the_store_knows_it() -> None:
    store = Store.open(locate(None))
    index = int(store.at(None).held[0])
    [lineup] = lineups_of(store, index, questions=1)
    cosines = store.at(None).neighbour_cosines(index)
    assert cosines is not None
    near = dict(zip(store.at(None).neighbours("neighbours", index).tolist(), cosines.tolist(), strict=True))
    others = [candidate for candidate in lineup.candidates if candidate.index is not None]
    assert {candidate.index for candidate in others} == set(list(near)[:4]), "the nearest, all of which have contexts"
    for candidate in others:
        assert {test.context.cosine for test in candidate.tests} == {round(near[candidate.index or 0], 4)}
    [by_chance] = lineups_of(store, index, "random", questions=1)
    assert {test.context.cosine for candidate in by_chance.candidates for test in candidate.tests} == {None}


def first(lineup: Lineup, words: Words) -> list[float]:
    return [-float(place) for place in range(len(lineup.candidates))]


def longest(lineup: Lineup, words: Words) -> list[float]:
    return [sum(len(test.context.text) for test in candidate.tests) for candidate in lineup.candidates]


def most_marks(lineup: Lineup, words: Words) -> list[float]:
    return [sum(int(test.marks.sum()) for test in candidate.tests) for candidate in lineup.candidates]


def most_alike(lineup: Lineup, words: Words) -> list[float]:
    """Return how much a candidate's texts are like those of all others: the centre of its neighbourhood may be."""
    vectors = words([test.context.text for candidate in lineup.candidates for test in candidate.tests])
    n = len(lineup.candidates)
    cosines = np.asarray((vectors @ vectors.T).todense()).reshape(n, -1, n, vectors.shape[0] // n).mean((1, 3))
    return [float(cosines[i].sum() - cosines[i, i]) for i in range(n)]


@pytest.mark.parametrize("source", ["neighbours", "random"])
def test_graders_that_read_no_explanation_are_at_chance(source: str) -> None:
    store = Store.open(locate(None))
    words = Words(store)
    strategies: list[Callable[[Lineup, Words], list[float]]] = [first, longest, most_marks, most_alike]
    shares: dict[str, list[float]] = {}
    for index in store.at(None).held[:60].tolist():
        made = lineups_of(store, index, source, questions=6)
        assert made
        for strategy in strategies:
            for sign in (1, -1):
                hits: list[float] = []
                for lineup in made:
                    values = [sign * value for value in strategy(lineup, words)]
                    best = [place for place, value in enumerate(values) if value == max(values)]
                    hits.append((lineup.place in best) / len(best))
                shares.setdefault(f"{strategy.__name__} {sign}", []).append(float(np.mean(hits)))
    for name, share in shares.items():
        error = np.std(share) / len(share) ** 0.5
        assert abs(np.mean(share) - 0.2) < 3.5 * error, (name, np.mean(share), error)
