"""The prompt of simulation. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.text.prompt_lines import LATENT, explanation_line
from inspect_autointerp.text.token_lines import END, EVERY, PART, SILENT, SPACE, as_shown, numbered, spelled

_TEXTS, _ACTIVATIONS = (("␣a", "␣hot", "␣pan"), ("so", "⏎")), ((0, 9, 2), (0, 0))
_EXAMPLE_NAMED, _EXAMPLE_EVERY = (spelled(_TEXTS, _ACTIVATIONS, every) for every in (False, True))
_SYSTEM = f"""\
You predict from an explanation how strongly a latent responds to each token of a text. {LATENT} The explanation says \
what it is active on. The activation of a token is 0 if the latent is silent on it, as on most tokens, and larger the \
stronger the latent responds.

You get the explanation and numbered texts, each cut from a longer text and split into tokens. Each line has the \
number of a token, a tab, and the token. In a token, {SPACE} stands for a space, ⏎ for a line break, and {PART} for a \
token that is only part of a character.

For each token, predict the activation from the explanation alone, as a whole number from 0 (silent) to 10 (as active \
as it ever gets). The model reads from left to right, so what comes after a token cannot change its activation. Judge \
each text by itself: the latent may be silent throughout all of the texts, some, or none.

"""
_NAMED = f"""\
Answer for every text, in order, with the line `Text 1:`, `Text 2:` and so on, and below it one line for each token \
above 0: the number of the token, a tab, the token exactly as shown, a tab, the activation. Leave out tokens at 0. If \
all tokens of a text are at 0, write `Text 1: {SILENT}`. The last line of the answer is `{END}`. Write nothing else.

The answer looks like this:
{_EXAMPLE_NAMED}"""
_EVERY = f"""\
Answer for every text, in order, with the line `Text 1:`, `Text 2:` and so on, and below it one line for {EVERY}: the \
number of the token, a tab, the token exactly as shown, a tab, the activation. The last line of the answer is `{END}`. \
Write nothing else.

The answer looks like this:
{_EXAMPLE_EVERY}"""

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
        "words about heat in cooking, strongest on verbs",
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
    return f"{explanation_line(explanation)}\n\n{numbered(texts)}"
