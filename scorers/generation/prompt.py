"""The prompt of generation. When its wording changes, its version in `shared.specs` does."""

import json

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.scorers.generation.parse import Written
from inspect_autointerp.text.prompt_lines import LATENT, explanation_line, write_line

_SYSTEM = (
    f"""\
You write texts that put an explanation of a latent to the test. {LATENT} The explanation says what it is active on. A \
language model will read your texts, and it is measured on which of them the latent is active.

"""
    """\
Write texts of two kinds:
- active: by the explanation, the latent is active on at least one token. Make these texts as different from each \
other as the explanation allows: in topic, in wording, and in where the thing occurs that the explanation names.
- silent: near misses. By the explanation, the latent is active on no token. Make these texts as similar to the active \
ones as you can: the same sort of text, wording and length, without what the explanation asks for.

Each text has one to three lines and is of the sort of text that the explanation is about, for example prose, code or \
a table. Make up all texts yourself. Do not write a text twice, and do not copy texts from the examples.

Answer with one JSON object of this form, with as many texts in each list as you are asked for:
{"active": ["…", "…"], "silent": ["…", "…"]}
Inside a text, write a line break as \\n. Write only the JSON object, without explaining it."""
)

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
    return f"{explanation_line(explanation)}\n\n{write_line(n)}"


def _answer(texts: Written) -> str:
    return json.dumps({"active": texts.active, "silent": texts.silent}, ensure_ascii=False)
