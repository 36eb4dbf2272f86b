"""The prompt of fuzzing. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.scorers.shared.ask import question_message
from inspect_autointerp.scorers.shared.worked_examples import WorkedTexts, worked_answer
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

WORKED = (
    WorkedTexts(
        "names of days of the week",
        (
            ("the ferry leaves on <<Tuesday>> at", 1),
            ("we met on Monday <<at the>> pier", 0),
            ("two eggs,⏎<<well>> beaten", 0),
            ("closed on <<Sundays>> and", 1),
            ("See you <<Fri>>. or <<Sat>>.", 1),
            ("the second <<of March>>, a little", 0),
            ("from <<Monday>>⏎to <<Thursday>>:", 1),
            ("It rained <<all>> Wednesday", 0),
            ("every day, the <<whole>> year", 0),
            ("paid on a <<Friday>>,", 1),
        ),
    ),
    WorkedTexts(
        "the colon that opens an indented block of Python code",
        (
            ("x = rows[1<<:>>3]", 0),
            ("for row in table<<:>>⏎    total += row[2]", 1),
            ("while not done<<:>>⏎    step()", 1),
            ("{<<'key'>>: value}", 0),
            ("if x is <<None>>:⏎    return", 0),
            ("def area(self)<<:>>⏎    return", 1),
            ("the time was 10<<:>>45 when", 0),
            ("else<<:>>⏎    total = 0", 1),
            ("note<<:>> see below", 0),
            ("try<<:>>⏎    import json", 1),
        ),
    ),
)
"""The worked examples, as many texts of each as the question has."""


def fuzzing_messages(
    explanation: str, texts: Sequence[str], pair: tuple[str, str] = ("<<", ">>"), confidence: bool = False
) -> list[ChatMessage]:
    """The prompt that puts one batch of marked texts to the grader.

    What is the same for every explanation (instructions and worked examples) comes first, so that providers' prompt
    caches hit. The worked examples show as many texts as the question does, see `detection_messages`.
    """
    return [*_beginning(len(texts), confidence), question_message(_question(explanation, texts, pair))]


@cache  # the same objects each time, see `detection`
def _beginning(n: int, confidence: bool) -> list[ChatMessage]:
    system = _SYSTEM.format(what=_CONFIDENCES if confidence else _LABELS)
    messages: list[ChatMessage] = [ChatMessageSystem(content=system)]
    for worked in WORKED:
        texts, labels = worked.first(n)
        messages.append(ChatMessageUser(content=_question(worked.explanation, texts, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=worked_answer(labels, confidence)))
    return messages


def _question(explanation: str, texts: Sequence[str], pair: tuple[str, str]) -> str:
    shown = visible(explanation.strip()) or "(none was given)"
    head = [f"Explanation: {shown}", f"Marked tokens stand between {pair[0]} and {pair[1]}.", ""]
    return "\n".join([*head, *(f"Text {i}: {text}" for i, text in enumerate(texts, 1))])
