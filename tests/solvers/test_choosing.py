"""Solvers that write several explanations, and keep one by the explain split."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessage
from tests.doubles import model, texts_of
from tests.solvers.conftest import Explained

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context
from inspect_autointerp.solvers.call_explainer import Answer
from inspect_autointerp.solvers.refine import best_answer
from inspect_autointerp.solvers.validate import Check, Checked, check_contexts
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible


def plain(kind: str, text: str) -> Context:
    return Context(kind, 0, text, ((0, len(text)),), np.array([float(kind == "activating")], dtype=np.float32))  # type: ignore[arg-type]


CONTEXTS = [plain("activating", "red cat"), plain("activating", "red"), plain("random", "cat"), plain("random", "dog")]


class Fixed(Check):
    """A check whose beliefs are given."""

    beliefs = (0.9, 0.2, 0.6, float("nan"))

    async def _judged(self, explanation: str) -> np.ndarray:
        return np.array(self.beliefs)

    async def _compared(self, explanation: str) -> np.ndarray:
        return np.array(self.beliefs)


def check(by: str) -> Checked:
    return asyncio.run(Fixed(None, None, CONTEXTS, by)("red"))  # type: ignore[arg-type]


def test_by_the_grader_it_is_the_balanced_accuracy_of_what_was_labelled() -> None:
    # One of two activating contexts is called active, and so is the one silent context with a label: (1/2 + 0) / 2.
    checked = check("grader")
    assert checked.score == 0.25
    assert [context.text for context in checked.missed] == ["red"]
    assert [context.text for context in checked.false_alarms] == ["cat"]


def test_by_words_it_is_the_auroc_and_the_best_cut_says_what_is_wrong() -> None:
    # 0.9 > 0.6 and 0.2 < 0.6: one of two pairs. Cut at 0.6: half of the active, all of the silent are right.
    checked = check("words")
    assert checked.score == 0.5
    assert [context.text for context in checked.missed] == ["red"]
    assert checked.false_alarms == []


def answer(text: str | None) -> Answer:
    return Answer(text=text, reason=None, messages=[], output=None, model="m", tokens=1)  # type: ignore[arg-type]


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=6))
def test_best_of_takes_the_first_of_the_highest_scores(scores: list[float]) -> None:
    answers = [answer(str(i)) for i in range(len(scores))]
    chosen = best_answer(answers, [Checked(score, [], []) for score in scores])
    known = [score for score in scores if score == score]
    expected = scores.index(max(known)) if known else 0
    assert chosen.text == str(expected)


@pytest.mark.parametrize("index", range(0, 256, 51))
def test_no_context_of_the_check_is_one_that_can_be_tested_on(store_folder: Path, index: int) -> None:
    store = Store.open(str(store_folder))
    latent = store.at("layers.1").latent(index)
    contexts = LatentContexts(store, latent)
    shown = contexts.explain(40, 0)
    checked = check_contexts(store, latent, shown, 20, 0)
    starts = np.array([context.start for context in checked], dtype=np.int64)
    assert store.in_split(starts, "explain").all()
    tested = contexts.test(10_000, 10_000, 0, ("random", "neighbours"))
    assert not set(store.texts(starts)) & set(store.texts(np.array([c.start for c in tested], dtype=np.int64)))
    fresh = [context for context in checked if context.start not in {one.start for one in shown}]
    assert len(fresh) == len(checked) or sum(c.kind == "activating" for c in checked) == len(
        contexts.activating("explain")
    )


def question_of(messages: list[ChatMessage]) -> str:
    return messages[-1].text


def test_refine_shows_what_was_wrong_and_keeps_the_best(explained: Explained) -> None:
    prompts: list[str] = []

    def explain(messages: list[ChatMessage]) -> str:
        prompts.append(question_of(messages))
        return f"EXPLANATION: {'worse' if 'An earlier explanation' in question_of(messages) else 'first'}"

    def grade(messages: list[ChatMessage]) -> str:
        explanation = question_of(messages).splitlines()[0].removeprefix("Explanation: ")
        return str([int(explanation == "first" and i % 2 == 0) for i, _ in enumerate(texts_of(messages))])

    options = {"name": "refine", "rounds": 2, "checked": 10, "errors": 3}
    log, explanations = explained(model(explain), model(grade, name="grader"), explainer=options)
    again = [prompt for prompt in prompts if "An earlier explanation: first" in prompt]
    assert len(again) == 3
    assert all(prompt.count("\nSilent text ") <= 3 for prompt in again)
    assert all(prompt.split("An earlier")[1].count("\nExample ") <= 3 for prompt in again)
    for one in explanations:
        assert one["source"] == "refine/explain/3"
        assert [candidate["text"] for candidate in one["candidates"]] == ["first", "worse", "worse"]
        assert [candidate["score"] for candidate in one["candidates"]][1:] == [0.5, 0.5], "nothing is called active"
        best = max(candidate["score"] for candidate in one["candidates"])
        assert one["text"] == next(c["text"] for c in one["candidates"] if c["score"] == best)
        assert one["tokens"] == 36
    assert (log.samples or [])[0].messages


def test_refine_ends_where_nothing_is_wrong(explained: Explained, store_folder: Path) -> None:
    store = Store.open(str(store_folder))
    log, _ = explained(latents="sample:1")
    latent = store.at("layers.1").latent(int(str((log.samples or [])[0].id).rpartition("/")[2]))
    active = {visible(context.text) for context in LatentContexts(store, latent).activating("explain")}

    def grade(messages: list[ChatMessage]) -> str:
        return str([int(text in active) for text in texts_of(messages)])

    grader = model(grade, name="grader")
    options = {"name": "refine", "rounds": 5}
    _, [explanation] = explained(
        model(lambda _: "EXPLANATION: it"), grader, latents=str(latent.index), explainer=options
    )
    assert explanation["candidates"] == [{"text": "it", "score": 1.0}]


def test_best_of_asks_for_n_from_other_contexts_and_keeps_the_first_best(explained: Explained) -> None:
    shown: list[str] = []

    def explain(messages: list[ChatMessage]) -> str:
        shown.append(question_of(messages))
        return f"EXPLANATION: number {len(shown)}"

    grader = model(lambda messages: str([1] * len(texts_of(messages))), name="grader")
    options = {"name": "best_of", "n": 3, "examples": 10}
    _, explanations = explained(model(explain), grader, latents="sample:2", explainer=options)
    assert len(shown) == 6
    assert len(set(shown)) == 6, "each candidate sees a draw of its own"
    for one in explanations:
        assert one["source"] == "best_of/explain/3"
        assert len(one["candidates"]) == 3
        assert one["text"] in [candidate["text"] for candidate in one["candidates"]]


@pytest.mark.parametrize(
    "options", [{"name": "refine", "rounds": 0}, {"name": "refine", "by": "x"}, {"name": "best_of", "n": 0}]
)
def test_what_cannot_be_is_one_line(explained: Explained, options: dict) -> None:
    with pytest.raises(
        Exception, match=r"rounds must be at least 1, got 0|by=x: give grader or words|n must be at least 1, got 0"
    ):
        explained(explainer=options)
