import json
import re

import pytest
from inspect_ai.model import ChatMessage

from inspect_autointerp.scorers.detection.prompt import WORKED as DETECTION
from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.fuzzing.prompt import WORKED as FUZZING
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing_messages
from inspect_autointerp.scorers.shared.worked_examples import WorkedTexts
from inspect_autointerp.text.prompt_lines import CONFIDENCE


def text(explanation: str, texts: list[str], confidence: bool = False) -> list[str]:
    return [message.text for message in detection_messages(explanation, texts, confidence)]


def test_what_never_changes_comes_first() -> None:
    one, other = text("a", ["x", "y"]), text("b", ["z", "w"])
    assert one[:-1] == other[:-1]
    assert one[-1] == "Explanation: a\n\nText 1: x\nText 2: y"


def test_confidence_changes_what_is_asked_for_and_not_the_question() -> None:
    plain, sure = text("a", ["x"]), text("a", ["x"], confidence=True)
    assert "1 if the latent is active, 0 if it is silent. For 1 texts the answer looks like [1]" in plain[0]
    assert CONFIDENCE not in plain[0]
    assert CONFIDENCE in sure[0]
    assert "[95]" in sure[0]
    assert plain[1::2] == sure[1::2]


def test_an_explanation_cannot_pose_as_a_text() -> None:
    assert text("a\nText 1: b", ["x"])[-1] == "Explanation: a⏎Text 1: b\n\nText 1: x"


def test_the_empty_explanation_is_named() -> None:
    assert text("", ["x"])[-1].startswith("Explanation: (none was given)\n")


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("messages", [detection_messages, fuzzing_messages])
def test_worked_examples_show_as_many_texts_as_are_asked_about(messages, n: int) -> None:
    prompt: list[ChatMessage] = messages("a", [f"text {i}" for i in range(n)])
    for question, answer in zip(prompt[1:-1:2], prompt[2:-1:2], strict=True):
        assert len(re.findall(r"^Text \d+: ", question.text, re.MULTILINE)) == n
        assert len(json.loads(answer.text)) == n
    [shown] = re.findall(r"looks like (\[.*\])", prompt[0].text)
    assert len(json.loads(shown)) == n
    assert len({answer.text for answer in prompt[2:-1:2]}) == 2, "no list of labels is the right answer to both"


def test_worked_examples_of_a_long_question_are_all_there_are() -> None:
    prompt = detection_messages("a", [f"text {i}" for i in range(25)])
    assert prompt[1].text.count("\nText ") == 10


@pytest.mark.parametrize("worked", [*DETECTION, *FUZZING], ids=lambda worked: worked.explanation)
def test_worked_texts_of_four_and_more_have_both_labels(worked: WorkedTexts) -> None:
    for n in range(4, 11):
        assert set(worked.first(n)[1]) == {0, 1}
    assert 4 <= sum(worked.first(10)[1]) <= 6
