"""Tests of `explain`: what it asks for, what it leaves in the log, and that nothing is paid for twice."""

from itertools import count
from typing import Any

import pytest
from inspect_ai.model import ChatMessage, Model, ModelAPI, ModelOutput, ModelUsage, get_model, modelapi
from tests.doubles import model, texts_of
from tests.solvers.conftest import Explained

from inspect_autointerp.solvers.prompt import VERSION


def says(text: str = "EXPLANATION: days") -> Model:
    return model(lambda messages: text if len(messages) % 2 == 0 else str([1] * len(texts_of(messages))))


def grades() -> Model:
    return model(lambda messages: str([1] * len(texts_of(messages))), name="grader")


def test_the_log_says_where_an_explanation_is_from(explained: Explained) -> None:
    log, explanations = explained(says(), grades(), explainer={"name": "explain", "examples": 7, "sampling": "top"})
    assert {one["text"] for one in explanations} == {"days"}
    assert {one["model"] for one in explanations} == {"mockllm/model"}
    assert {one["source"] for one in explanations} == {VERSION}
    assert explanations[0]["options"] == {
        "examples": 7, "sampling": "top", "activations": True, "cot": False, "contrastive": 0, "evidence": "contexts",
        "style": "sentence", "target_kl": 1.0, "seed": 0,
    }  # fmt: skip
    assert explanations[0]["store"] == (log.eval.metadata or {})["store"]
    assert explanations[0]["tokens"] == 12
    question = (log.samples or [])[0].messages[-2].text
    assert question.count("\nExample ") == 7


@pytest.mark.parametrize("evidence", ["logits", "both", "contexts+logits"])
def test_what_the_latent_promotes_comes_from_the_store(explained: Explained, evidence: str) -> None:
    log, _ = explained(explainer={"name": "explain", "evidence": evidence})
    question = (log.samples or [])[0].messages[-2].text
    assert question.count('Most probable: "') == question.count('Least probable: "') == 1
    assert ("Example 1: " in question) == (evidence != "logits")


def test_silent_texts_are_shown_as_such(explained: Explained) -> None:
    log, _ = explained(explainer={"name": "explain", "contrastive": 6})
    question = (log.samples or [])[0].messages[-2].text
    assert "Silent text 6: " in question
    assert "Silent text 7: " not in question


class Counting(ModelAPI):
    """A provider whose arguments are plain values, and that says how often it was asked."""

    calls = count()

    def __init__(self, model_name: str, temper: int = 0, **_: Any) -> None:
        super().__init__(model_name)

    async def generate(self, *_: object, **__: object) -> ModelOutput:
        output = ModelOutput.from_content("counting/model", f"EXPLANATION: answer {next(self.calls)}")
        output.usage = ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12)
        return output


@modelapi(name="counting")
def counting() -> type[ModelAPI]:
    return Counting


def test_an_explanation_is_paid_for_once(explained: Explained) -> None:
    def texts(by: str = "counting/model", temper: int = 0, **options: Any) -> list[str]:
        paid = get_model(by, memoize=False, temper=temper)
        _, explanations = explained(paid, grades(), **options)
        assert {one["tokens"] for one in explanations} == {12}, "as if it had been paid for now"
        return sorted(one["text"] for one in explanations)

    first = texts()
    assert len(set(first)) == 3
    assert texts(scores="detection,fuzzing") == first
    for other in (
        texts(explainer={"name": "explain", "examples": 9}),
        texts("counting/other"),
        texts(temper=1),
        texts(explainer={"name": "explain", "cache": False}),
    ):
        assert not set(other) & set(first)
    assert texts() == first


def test_another_seed_is_another_sample_of_the_same_prompt(explained: Explained) -> None:
    def texts(seed: int) -> list[str]:
        # so many examples that every seed shows all contexts there are
        options = {"name": "explain", "examples": 500, "seed": seed}
        _, records = explained(get_model("counting/model", memoize=False), grades(), explainer=options)
        return sorted(record["text"] for record in records)

    first, other = texts(0), texts(1)
    assert not set(first) & set(other)
    assert (texts(0), texts(1)) == (first, other)


def test_models_made_of_objects_are_always_asked(explained: Explained) -> None:
    _, first = explained(says(), grades())
    _, again = explained(says("EXPLANATION: nights"), grades())
    assert {one["text"] for one in first} == {"days"}
    assert {one["text"] for one in again} == {"nights"}


COLON = "the colon that opens an indented block of Python code"


def answers(*texts: str) -> Model:
    """An explainer that says one text after the other in one conversation, and the last one from then on."""

    def answer(messages: list[ChatMessage]) -> str:
        tried = sum(message.role == "user" for message in messages) - 4  # three worked examples and the question
        return texts[min(tried, len(texts) - 1)]

    return model(answer)


@pytest.mark.parametrize(
    "copy",
    [
        COLON,
        "The colon that opens an *indented* block of Python code.",
        "the colon that opens a block of Python code",  # SmolLM2's: 7 of 8 words
        "names of days of the week",
    ],
)
def test_explain_a_worked_example_nearly_repeated_is_unscored(explained: Explained, copy: str) -> None:
    log, records = explained(answers(f"EXPLANATION: {copy}"), grades())
    assert {(one["text"], one["reason"]) for one in records} == {(None, "repeats_worked_example")}
    for sample in log.samples or []:
        score = (sample.scores or {})["detection"]
        assert score.reason == "repeats_worked_example"
        assert "repeats an earlier latent's explanation, nearly or exactly" in sample.messages[-2].text
        assert sum(message.role == "assistant" for message in sample.messages) == 5, "asked again once"


def test_explain_a_worked_example_in_other_words_counts(explained: Explained) -> None:
    _, records = explained(answers(f"EXPLANATION: {COLON}", "EXPLANATION: a colon that ends a line"), grades())
    assert {(one["text"], one["reason"]) for one in records} == {("a colon that ends a line", None)}


def test_explain_a_label_is_compared_with_worked_labels(explained: Explained) -> None:
    says_label = answers("EXPLANATION: days of the week")
    _, records = explained(says_label, grades(), explainer={"name": "explain", "style": "label"})
    assert {one["reason"] for one in records} == {"repeats_worked_example"}
    _, records = explained(says_label, grades())  # the prompt of sentences does not show it
    assert {one["text"] for one in records} == {"days of the week"}


def test_explain_differing_lines_are_unscored_with_the_detail(explained: Explained) -> None:
    _, records = explained(answers("EXPLANATION: a film\nEXPLANATION: no answers"), grades())
    [reason] = {one["reason"] for one in records}
    assert reason.startswith("invalid_response_format: it holds 2 lines that begin with `EXPLANATION:`")
