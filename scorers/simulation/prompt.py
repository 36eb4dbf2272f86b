"""The prompt of simulation. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.text.render import visible
from inspect_autointerp.text.token_lines import END, EVERY, PART, SILENT, SPACE, as_shown, numbered, spelled

_SYSTEM = f"""\
One latent of a language model has an activation on every token of a text: 0 where it is silent, as it is on most, and \
more the stronger it responds. Somebody has explained what it responds to. You get the explanation and some numbered \
texts, cut out of longer ones, as tokens: on each line a token's number, a tab and the token. There {SPACE} stands for \
a space, ⏎ for the end of a line, and {PART} for a token that is only part of a character.

For each token predict the activation from the explanation alone, as a whole number from 0 (silent) to 10 (as active \
as it ever gets). The model reads from left to right: what stands behind a token has no influence on it. Any number of \
the texts, none and all included, can be silent throughout.

"""
_NAMED = f"""\
Answer for every text in order with its head, and below it a line for each token above 0 and for no other: the token's \
number, a tab, the token as it stands there, a tab, the activation. The head of a text without any ends in “{SILENT}”. \
The last line is “{END}”. Answer with nothing else."""
_EVERY = f"""\
Answer for every text in order with its head, and below it a line for {EVERY}: its number, a tab, the token as it \
stands there, a tab, the activation. The last line is “{END}”. Answer with nothing else."""

_WORKED = (
    (
        "names of days of the week",
        (
            {"the": 0, " ferry": 0, " leaves": 0, " on": 0, " Tuesday": 10, " at": 0},
            {"a": 0, " cup": 0, " of": 0, " sug": 0, "ar": 0, "\n": 0, "two": 0, " eggs": 0},
            {" See": 0, " you": 0, " Fri": 8, ".": 0, " or": 0, " Sat": 8, "urday": 9},
        ),
    ),
    (
        "words about heat in the kitchen, strongest on verbs",
        (
            {"Boil": 10, " the": 0, " water": 1, " in": 0, " a": 0, " hot": 6, " pan": 3, ",": 0, "\n": 0, "  ": 0},
            {"if": 0, " x": 0, ":": 0, "\n": 0, "    ": 0, "y": 0, " =": 0, ' "': 0, "": 0, "é": 0, '"': 0},
        ),
    ),
)


def simulation_messages(explanation: str, texts: Sequence[Sequence[str]], every: bool = False) -> list[ChatMessage]:
    """The prompt that puts one batch of texts to the grader.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.

    Args:
        explanation: What the grader is to go by.
        texts: As tokens as `token_lines.as_shown` gives them.
        every: Whether the answer is to name every token.
    """
    return [*_beginning(every), ChatMessageUser(content=_question(explanation, texts))]


@cache  # the same objects each time, see `detection`
def _beginning(every: bool) -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM + (_EVERY if every else _NAMED))]
    for worked, examples in _WORKED:
        tokens = [as_shown(example) for example in examples]
        messages.append(ChatMessageUser(content=_question(worked, tokens)))
        values = [list(example.values()) for example in examples]
        messages.append(ChatMessageAssistant(content=spelled(tokens, values, every)))
    return messages


def _question(explanation: str, texts: Sequence[Sequence[str]]) -> str:
    shown = visible(explanation.strip()) or "(none was given)"
    return f"Explanation: {shown}\n\n{numbered(texts)}"
