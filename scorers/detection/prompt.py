"""The prompt of detection. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.scorers.shared.ask import question_message
from inspect_autointerp.scorers.shared.judge import worked_answer
from inspect_autointerp.text.render import visible

_SYSTEM = """\
One latent of a language model is active on some texts and silent on all others. Somebody has explained what it \
responds to. You get the explanation and some numbered texts, cut out of longer ones; ⏎ stands for the end of a line.

For each text decide from the explanation alone whether the latent is active somewhere in it. Any number of the texts, \
none and all included, can be of either kind.

Answer with a list of {what}, one for each text in order, and nothing else."""
_LABELS = "0 (silent) and 1 (active)"
_CONFIDENCES = "whole numbers from 0 (surely silent) to 100 (surely active), 50 or more counting as active"

_WORKED = (
    (
        "names of days of the week",
        ("the ferry leaves on Tuesday at", "a cup of sugar and two eggs,⏎well beaten", "See you Fri. or Sat."),
        (1, 0, 1),
    ),
    (
        "the colon that opens an indented block of Python code",
        ('print("a: b")⏎x = rows[1:3]', "{'key': value}", "the time was 10:45 when"),
        (0, 0, 0),
    ),
)


def detection_messages(explanation: str, texts: Sequence[str], confidence: bool = False) -> list[ChatMessage]:
    """The prompt that puts one batch of texts to the grader.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    return [*_beginning(confidence), question_message(_question(explanation, texts))]


@cache  # the same objects: Inspect copies, and writes into a sample's log, each message once and not once per call
def _beginning(confidence: bool) -> list[ChatMessage]:
    system = _SYSTEM.format(what=_CONFIDENCES if confidence else _LABELS)
    messages: list[ChatMessage] = [ChatMessageSystem(content=system)]
    for worked, examples, labels in _WORKED:
        messages.append(ChatMessageUser(content=_question(worked, examples)))
        messages.append(ChatMessageAssistant(content=worked_answer(labels, confidence)))
    return messages


def _question(explanation: str, texts: Sequence[str]) -> str:
    shown = visible(explanation.strip()) or "(none was given)"
    return "\n".join([f"Explanation: {shown}", "", *(f"Text {i}: {text}" for i, text in enumerate(texts, 1))])
