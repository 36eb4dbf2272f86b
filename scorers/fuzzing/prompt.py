"""The prompt of fuzzing. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser

from inspect_autointerp.scorers.shared.ask import question_message
from inspect_autointerp.scorers.shared.worked_examples import WorkedTexts, system_message, worked_answer
from inspect_autointerp.text.prompt_lines import (
    CONFIDENCE,
    LATENT,
    LINE_BREAK,
    TEXT,
    explanation_line,
    marks_line,
    numbered_line,
)

_SYSTEM = f"""\
You check marked tokens against an explanation of a latent. {LATENT} The explanation says what it is active on.

You get the explanation and numbered texts, each cut from a longer text. In each text some tokens are marked. The line \
below the explanation names the two signs around marked tokens; these signs are not part of the text. {LINE_BREAK}

For each text, decide from the explanation alone whether the marks are right or wrong. They are right if the latent is \
active on the marked tokens. They are wrong if the latent is silent on the marked tokens, even if it is active \
elsewhere in the text. Judge each text by itself: the marks may be right in all of the texts, in some, or in none.

Answer with a list in square brackets that has one item for each text, in order: {{item}}. For {{n}} texts the answer \
looks like {{example}}. Write only the list, without explaining it."""
_LABEL = "1 if the marks are right, 0 if they are wrong"
_CONFIDENCE = f"{CONFIDENCE}, where 0 means certainly wrong, 100 certainly right, and 50 or more counts as right"

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
    system = system_message(_SYSTEM, _CONFIDENCE if confidence else _LABEL, n, confidence)
    messages: list[ChatMessage] = [system]
    for worked in WORKED:
        texts, labels = worked.first(n)
        messages.append(ChatMessageUser(content=_question(worked.explanation, texts, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=worked_answer(labels, confidence)))
    return messages


def _question(explanation: str, texts: Sequence[str], pair: tuple[str, str]) -> str:
    shown = [numbered_line(TEXT, i, text) for i, text in enumerate(texts, 1)]
    return "\n".join([explanation_line(explanation), marks_line(pair), "", *shown])
