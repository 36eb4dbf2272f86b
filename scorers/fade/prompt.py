"""The prompt that asks for ratings. When its wording changes, the version of `fade` in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser

from inspect_autointerp.scorers.shared.ask import question_message
from inspect_autointerp.scorers.shared.worked_examples import WorkedTexts, system_message, worked_answer
from inspect_autointerp.text.prompt_lines import LATENT, LINE_BREAK, RATING, TEXT, explanation_line, numbered_line

_SYSTEM = f"""\
You rate how clearly texts express what an explanation of a latent names. {LATENT} The explanation says what it is \
active on.

You get the explanation and numbered texts, each cut from a longer text. {LINE_BREAK}

Rate each text by itself:
0: the text does not have what the explanation names
1: the text has only a part of it, or it is doubtful
2: the text clearly has it

If you hesitate between two ratings, give the lower one. All of the texts may have the same rating.

Answer with a list in square brackets that has one item for each text, in order: {{item}}. For {{n}} texts the answer \
looks like {{example}}. Write only the list, without explaining it."""

WORKED = (
    WorkedTexts(
        "names of days of the week",
        (
            ("the ferry leaves on Tuesday at", 2),
            ("a cup of sugar and two eggs,⏎well beaten", 0),
            ("the day after, and the day after that", 1),
            ("See you Fri. or Sat.", 2),
            ("the second of March, a little after", 0),
            ("closed on Sundays and", 2),
            ("he told us the hour, not the place", 0),
            ("year = (month - 1) % 12", 0),
            ("every weekday, the whole year", 1),
            ("It rained all Wednesday", 2),
        ),
    ),
    WorkedTexts(
        "the colon that opens an indented block of Python code",
        (
            ('print("a: b")⏎x = rows[1:3]', 0),
            ("while not done:⏎    step()", 2),
            ("{'key': value}", 0),
            ("if x is None:", 1),
            ("the time was 10:45 when", 0),
            ("def area(self):⏎    return", 2),
            ("rows[2:5] + limits[:9]", 0),
            ("note: see below⏎- one", 0),
            ("else:⏎    total = 0", 2),
            ("lambda x: x + 1", 0),
        ),
    ),
)
"""The worked examples, as many texts of each as the question has, at most all."""


def rating_messages(explanation: str, texts: Sequence[str]) -> list[ChatMessage]:
    """The prompt that puts one batch of texts to the grader; what never changes comes first."""
    return [*_beginning(len(texts)), question_message(_question(explanation, texts))]


@cache
def _beginning(n: int) -> list[ChatMessage]:
    messages: list[ChatMessage] = [system_message(_SYSTEM, RATING, n, False)]
    for worked in WORKED:
        texts, ratings = worked.first(n)
        messages.append(ChatMessageUser(content=_question(worked.explanation, texts)))
        messages.append(ChatMessageAssistant(content=worked_answer(ratings, False)))
    return messages


def _question(explanation: str, texts: Sequence[str]) -> str:
    shown = [numbered_line(TEXT, i, text) for i, text in enumerate(texts, 1)]
    return "\n".join([explanation_line(explanation), "", *shown])
