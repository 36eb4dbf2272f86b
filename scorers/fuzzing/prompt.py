"""The prompt of fuzzing. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.scorers.shared.ask import question_message
from inspect_autointerp.scorers.shared.judge import worked_answer
from inspect_autointerp.text.render import visible

_SYSTEM = """\
One latent of a language model is active on some tokens and silent on all others. Somebody has explained what it \
responds to. You get the explanation and some numbered texts, cut out of longer ones, in each of which tokens are \
marked. The delimiters of the marks are named below the explanation and are not part of the text; ⏎ stands for the end \
of a line.

For each text decide from the explanation alone whether the marks are right: whether the marked tokens are those on \
which the latent is active. They are wrong where the latent is silent on the marked tokens, be it active elsewhere in \
the text or not at all. Any number of the texts, none and all included, can have right marks.

Answer with a list of {what}, one for each text in order, and nothing else."""
_LABELS = "0 (wrong) and 1 (right)"
_CONFIDENCES = "whole numbers from 0 (surely wrong) to 100 (surely right), 50 or more counting as right"

_WORKED = (
    (
        "names of days of the week",
        ("the ferry leaves on <<Tuesday>> at", "we met on Monday <<at the>> pier", "two eggs,⏎<<well>> beaten"),
        (1, 0, 0),
    ),
    (
        "the colon that opens an indented block of Python code",
        ("for row in table<<:>>⏎    total += row[2]", "while not done<<:>>⏎    step()", "x = rows[1<<:>>3]"),
        (1, 1, 0),
    ),
)


def fuzzing_messages(
    explanation: str, texts: Sequence[str], pair: tuple[str, str] = ("<<", ">>"), confidence: bool = False
) -> list[ChatMessage]:
    """The prompt that puts one batch of marked texts to the grader.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    return [*_beginning(confidence), question_message(_question(explanation, texts, pair))]


@cache  # the same objects each time, see `detection`
def _beginning(confidence: bool) -> list[ChatMessage]:
    system = _SYSTEM.format(what=_CONFIDENCES if confidence else _LABELS)
    messages: list[ChatMessage] = [ChatMessageSystem(content=system)]
    for worked, examples, labels in _WORKED:
        messages.append(ChatMessageUser(content=_question(worked, examples, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=worked_answer(labels, confidence)))
    return messages


def _question(explanation: str, texts: Sequence[str], pair: tuple[str, str]) -> str:
    shown = visible(explanation.strip()) or "(none was given)"
    head = [f"Explanation: {shown}", f"Marked tokens stand between {pair[0]} and {pair[1]}.", ""]
    return "\n".join([*head, *(f"Text {i}: {text}" for i, text in enumerate(texts, 1))])
