"""The prompt of detection. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser

from inspect_autointerp.scorers.shared.ask import question_message
from inspect_autointerp.scorers.shared.worked_examples import WorkedTexts, system_message, worked_answer
from inspect_autointerp.text.prompt_lines import CONFIDENCE, LATENT, LINE_BREAK, TEXT, explanation_line, numbered_line

_SYSTEM = f"""\
You predict from an explanation which texts a latent is active on. {LATENT} The explanation says what it is active on.

You get the explanation and numbered texts, each cut from a longer text. {LINE_BREAK}

For each text, decide from the explanation alone whether the latent is active on at least one of its tokens. Judge \
each text by itself: the latent may be active on all of the texts, on some, or on none.

Answer with a list in square brackets that has one item for each text, in order: {{item}}. For {{n}} texts the answer \
looks like {{example}}. Write only the list, without explaining it."""
_LABEL = "1 if the latent is active, 0 if it is silent"
_CONFIDENCE = f"{CONFIDENCE}, where 0 means certainly silent, 100 certainly active, and 50 or more counts as active"

WORKED = (
    WorkedTexts(
        "names of days of the week",
        (
            ("the ferry leaves on Tuesday at", 1),
            ("a cup of sugar and two eggs,⏎well beaten", 0),
            ("the second of March, a little after", 0),
            ("See you Fri. or Sat.", 1),
            ("closed on Sundays and", 1),
            ("he told us the date, not the hour", 0),
            ("from Monday⏎to Thursday:", 1),
            ("year = (month - 1) % 12", 0),
            ("every day, the whole year", 0),
            ("It rained all Wednesday", 1),
        ),
    ),
    WorkedTexts(
        "the colon that opens an indented block of Python code",
        (
            ('print("a: b")⏎x = rows[1:3]', 0),
            ("{'key': value}", 0),
            ("the time was 10:45 when", 0),
            ("while not done:⏎    step()", 1),
            ("note: see below⏎- one", 0),
            ("def area(self):⏎    return", 1),
            ("rows[2:5] + limits[:9]", 0),
            ("if x is None:⏎        return 0", 1),
            ("else:⏎    total = 0", 1),
            ("lambda x: x + 1", 0),
        ),
    ),
)
"""The worked examples, as many texts of each as the question has."""


def detection_messages(explanation: str, texts: Sequence[str], confidence: bool = False) -> list[ChatMessage]:
    """The prompt that puts one batch of texts to the grader.

    What is the same for every explanation (instructions and worked examples) comes first, so that providers' prompt
    caches hit. The worked examples show as many texts as the question does: a model that is shown lists of three labels
    answers with three, however many texts it is asked about.
    """
    return [*_beginning(len(texts), confidence), question_message(_question(explanation, texts))]


@cache  # the same objects: Inspect copies, and writes into a sample's log, each message once and not once per call
def _beginning(n: int, confidence: bool) -> list[ChatMessage]:
    system = system_message(_SYSTEM, _CONFIDENCE if confidence else _LABEL, n, confidence)
    messages: list[ChatMessage] = [system]
    for worked in WORKED:
        texts, labels = worked.first(n)
        messages.append(ChatMessageUser(content=_question(worked.explanation, texts)))
        messages.append(ChatMessageAssistant(content=worked_answer(labels, confidence)))
    return messages


def _question(explanation: str, texts: Sequence[str]) -> str:
    shown = [numbered_line(TEXT, i, text) for i, text in enumerate(texts, 1)]
    return "\n".join([explanation_line(explanation), "", *shown])
