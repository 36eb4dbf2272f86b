"""The prompt of generation. When its wording changes, its version in `shared.specs` does."""

import json

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.scorers.generation.parse import Written
from inspect_autointerp.text.render import visible

_SYSTEM = """\
One latent of a language model is active on some texts and silent on all others. Somebody has explained what it \
responds to. You get the explanation, and write new texts that put it to the test: the model will read them.

Write texts of two kinds:
- active: the latent is, by the explanation, active somewhere in the text. Let these differ from each other as much as \
the explanation allows, in what they are about, in wording and in where the thing stands that it speaks of.
- silent: near misses, on which it is active nowhere. Let these be as like the active ones as can be, in sort, wording \
and length, but for what the explanation asks for.

A text is one to three lines, of the sort of text that the explanation is about (prose, code, tables, …), and of your \
own making. No text twice, and none from the examples.

Answer with a JSON object {"active": [texts], "silent": [texts]}, with as many of each kind as are asked for, and \
nothing else."""

WORKED = (
    (
        "names of days of the week",
        Written(
            ("The ferry leaves on Tuesday at noon.", "closed: Sundays + holidays", "Fri 09:30 dentist"),
            ("The ferry leaves in March at noon.", "closed: winters + holidays", "16/4 09:30 dentist"),
        ),
    ),
    (
        "the colon that opens an indented block of Python code",
        Written(
            ("for row in table:\n    total += row[2]", "try:\n    import json", "class Point:\n    x = 0"),
            ("total += table[2:]", "limits = {'low': 0, 'high': 9}", "print('a class: Point')"),
        ),
    ),
)


def generation_messages(explanation: str, n: int) -> list[ChatMessage]:
    """The prompt that asks for n texts of each kind.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for worked, texts in WORKED:
        messages.append(ChatMessageUser(content=_question(worked, len(texts.active))))
        messages.append(ChatMessageAssistant(content=_answer(texts)))
    messages.append(ChatMessageUser(content=_question(explanation, n)))
    return messages


def _question(explanation: str, n: int) -> str:
    shown = visible(explanation.strip()) or "(none was given)"
    return f"Explanation: {shown}\n\nWrite {n} texts of each kind."


def _answer(texts: Written) -> str:
    return json.dumps({"active": texts.active, "silent": texts.silent}, ensure_ascii=False)
