import asyncio
from collections.abc import Callable

import pytest
from inspect_ai.model import ChatMessage, ModelOutput
from tests.doubles import Answer, model, texts_of

from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.shared.judge import Label, judge


def run(answer: Callable[[list[ChatMessage]], Answer], texts: list[str], confidence: bool = False) -> list[Label]:
    batches = [texts[i : i + 2] for i in range(0, len(texts), 2)]
    asked = judge(
        model(answer), batches, lambda batch: detection_messages("e", batch, confidence), confidence=confidence
    )
    return asyncio.run(asked)


def labels(verdicts: list[Label]) -> list[int | None]:
    return [verdict.label for verdict in verdicts]


def test_every_text_gets_its_own_verdict_whatever_the_batch() -> None:
    judged = run(
        lambda messages: str([int("yes" in text) for text in texts_of(messages)]), ["yes", "no", "no", "yes", "yes"]
    )
    assert labels(judged) == [1, 0, 0, 1, 1]  # the last batch is short, and read all the same


def test_unreadable_answer_is_asked_again_once() -> None:
    seen: list[list[ChatMessage]] = []

    def answer(messages: list[ChatMessage]) -> str:
        seen.append(messages)
        return "[1]" if len(seen) == 1 else "[1, 0]"

    assert labels(run(answer, ["a", "b"])) == [1, 0]
    assert "a list of 1 labels, but there are 2 texts" in seen[1][-1].text
    assert seen[1][-2].text == "[1]"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("no idea", "invalid_response_format: it holds no list of 2 labels, each 0 or 1", id="nonsense"),
        pytest.param("", "no_response", id="nothing"),
        pytest.param(
            "[1, 0, 1]", "invalid_response_format: it holds a list of 3 labels, but there are 2 texts", id="too many"
        ),
        pytest.param(ModelOutput.from_content("m", "I cannot", stop_reason="content_filter"), "refusal", id="refusal"),
        pytest.param(ModelOutput.from_content("m", "[1,", stop_reason="max_tokens"), "truncated", id="truncated"),
        pytest.param(RuntimeError("out of credits"), "provider_error: RuntimeError", id="provider fails"),
    ],
)
def test_what_fails_twice_is_unscored_with_the_reason(answer: Answer, reason: str) -> None:
    calls = []

    def say(messages: list[ChatMessage]) -> Answer:
        calls.append(messages)
        return answer.model_copy(deep=True) if isinstance(answer, ModelOutput) else answer

    assert run(say, ["a", "b"]) == [Label(None, None, reason)] * 2
    assert len(calls) == 2


def test_one_failing_batch_leaves_the_others_alone() -> None:
    def say(messages: list[ChatMessage]) -> Answer:
        return RuntimeError() if "bad" in texts_of(messages) else "[1, 0]"

    assert labels(run(say, ["a", "b", "bad", "c", "d", "e"])) == [1, 0, None, None, 1, 0]


def test_confidences_become_labels_and_probabilities() -> None:
    assert run(lambda _: "[50, 49]", ["a", "b"], confidence=True) == [Label(1, 0.5), Label(0, 0.49)]
