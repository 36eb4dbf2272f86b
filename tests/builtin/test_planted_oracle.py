"""The oracle: it does what an explanation says, with as many errors as it is told to make."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser, Model, get_model

from inspect_autointerp.builtin.planted import HOOKPOINT
from inspect_autointerp.builtin.planted.claims import CLAIMS
from inspect_autointerp.builtin.planted.latents import LATENTS, SORTS, Sort
from inspect_autointerp.builtin.planted.oracle import label, recognised, simulated
from inspect_autointerp.builtin.prompt_reader import read_examples
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.simulation.scorer import simulation_messages
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.explain import explain_options
from inspect_autointerp.solvers.prompt import explain_messages
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.token_lines import as_shown, spelled

NOT = CLAIMS["not"].text
TEXTS = ["it is not late", "the notes", "not⏎", "was not sure"]


def oracle(**arguments) -> Model:
    return get_model("inspect_autointerp/oracle", memoize=False, **arguments)


def grade(explanation: str, *, confidence: bool = False, **arguments) -> str:
    messages = detection_messages(explanation, TEXTS, confidence)
    return asyncio.run(oracle(**arguments).generate(messages)).completion


def test_it_labels_by_what_the_explanation_says() -> None:
    assert grade(NOT) == "[1, 0, 0, 1]"
    assert grade(CLAIMS["very"].text) == "[0, 0, 0, 0]"
    assert grade(NOT, confidence=True) == "[100, 0, 0, 100]"


def test_nothing_said_is_nothing_found() -> None:
    assert grade("") == "[0, 0, 0, 0]"


def test_another_explanation_gets_no_label() -> None:
    assert "[" not in grade("days of the week")


def test_another_question_is_answered_with_what_is_understood() -> None:
    output = asyncio.run(oracle().generate([ChatMessageUser(content="Hello?")]))
    assert "explainer and grader prompts only" in output.completion


def test_with_an_error_rate_of_one_all_labels_are_wrong() -> None:
    assert grade(NOT, error_rate=1) == "[0, 1, 1, 0]"


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_the_error_rate_is_the_share_of_wrong_labels(rate: float) -> None:
    # 20,000 draws: a standard error of at most √(0.24 / 20000) = 0.0035.
    texts = [f"{i} not {word}" for i in range(10_000) for word in ("late", "")]
    wrong = [label(NOT, text, error_rate=rate) != CLAIMS["not"].holds(text) for text in texts]
    assert abs(sum(wrong) / len(wrong) - rate) < 0.014
    other = [label(NOT, text, error_rate=rate, seed=1) != CLAIMS["not"].holds(text) for text in texts]
    both = sum(a and b for a, b in zip(wrong, other, strict=True)) / len(wrong)
    assert abs(both - rate**2) < 0.014, "another seed, other errors"


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5), st.floats(0, 1))
def test_a_label_does_not_depend_on_what_stands_beside_the_text(texts: list[str], rate: float) -> None:
    messages = detection_messages(NOT, texts)
    answer = asyncio.run(oracle(error_rate=rate).generate(messages)).completion
    assert answer == str([label(NOT, text, error_rate=rate) for text in texts])


def test_it_simulates_by_what_the_explanation_says() -> None:
    texts = [as_shown(["it", " is", " not", " la", "te", ",", " not"]), as_shown(["\n", " late", ""])]
    for every in (False, True):
        messages = simulation_messages(NOT, texts, every)
        answer = asyncio.run(oracle().generate(messages)).completion
        assert answer == spelled(texts, [[0, 0, 0, 10, 10, 0, 0], [0, 0, 0]], every), "the word after `not`"
        wrong = asyncio.run(oracle(error_rate=1).generate(messages)).completion
        assert wrong == spelled(texts, [[10, 10, 10, 0, 0, 10, 10], [10, 10, 10]], every)
    nothing = asyncio.run(oracle().generate(simulation_messages("", texts))).completion
    assert nothing == "Text 1: none\nText 2: none\nEnd"
    assert "no explanation of a planted" in asyncio.run(oracle().generate(simulation_messages("x", texts))).completion


def test_the_error_rate_is_the_share_of_wrong_activations() -> None:
    # 20,000 tokens: a standard error of √(0.09 / 20000) = 0.0021.
    text = [" it", " was", " not", " late"] * 5000
    right, wrong = simulated(NOT, text), simulated(NOT, text, 0.1)
    assert right == [0, 0, 0, 10] * 5000
    assert abs(sum(a != b for a, b in zip(right, wrong, strict=True)) / len(text) - 0.1) < 0.0085
    assert simulated(NOT, text[:8], 0.5) != simulated(NOT, text[:8], 0.5, seed=1), "another seed, other errors"


def test_marks_are_read_as_characters() -> None:
    question = "Marked tokens stand between « and ».\n\nExample 1: a« not»« b»\nActive: …\n\nExample 2: <<\nActive: "
    assert read_examples(question) == [("a not b", {2, 3, 4, 6}), ("<<", set())]


@pytest.mark.parametrize("examples", [10, 40])
def test_every_latent_is_recognised_by_what_is_marked(examples: int, planted_store: Path) -> None:
    store = Store(planted_store)
    for index, planted in enumerate(LATENTS):
        contexts = LatentContexts(store, store.at(HOOKPOINT).latent(index))
        for seed in range(3):
            question = explain_messages(Gathered(active=contexts.explain(examples, seed)), explain_options({}))[-1].text
            assert recognised(read_examples(question)) == planted


@pytest.mark.parametrize("sort", SORTS)
def test_it_gives_the_explanation_that_is_asked_for(sort: Sort, planted_store: Path) -> None:
    store = Store(planted_store)
    shown = Gathered(active=LatentContexts(store, store.at(HOOKPOINT).latent(0)).explain(20, 0))
    messages = explain_messages(shown, explain_options({}))
    completion = asyncio.run(oracle(explanation=sort).generate(messages)).completion
    assert completion == f"EXPLANATION: {LATENTS[0].claim(sort).text}"


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (
            "oracle",
            {"explanation": "best"},
            "explanation=best: unknown kind of explanation; give one of true, too_broad",
        ),
        ("oracle", {"explanation": False}, "explanation=False: unknown kind"),
        ("oracle", {"error_rate": 1.5}, "error_rate=1.5: must be a probability"),
        ("oracle", {"error": 1}, "unexpected keyword argument 'error'"),
        ("lexical", {"error_rate": 0.5}, "unexpected keyword argument 'error_rate'"),
        ("delphi", {}, "unknown model; there are inspect_autointerp/lexical and inspect_autointerp/oracle"),
    ],
)
def test_a_mistake_says_what_is_wrong(model: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_model(f"inspect_autointerp/{model}", memoize=False, **arguments)
