"""The prompt of fuzzing by probability: one text. When its wording changes, its version in `shared.specs` does."""

from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.scorers.fuzzing.prompt import WORKED
from inspect_autointerp.text.prompt_lines import LATENT, LINE_BREAK, TEXT, explanation_line, marks_line

_SYSTEM = f"""\
You check marked tokens against an explanation of a latent. {LATENT} The explanation says what it is active on.

You get the explanation and one text, cut from a longer text, in which some tokens are marked. The line below the \
explanation names the two signs around marked tokens; these signs are not part of the text. {LINE_BREAK}

Decide from the explanation alone whether the marks are right or wrong. They are right if the latent is active on the \
marked tokens. They are wrong if the latent is silent on the marked tokens, even if it is active elsewhere in the \
text. Answer 1 if the marks are right and 0 if they are wrong. Write only that digit."""
_SHOWN = ((0, 0), (1, 0), (0, 1), (1, 1), (1, 3), (0, 3))
"""The worked examples: an explanation of `WORKED`, and a text of it. Half of them have right marks, in mixed order."""


def fuzzing_question(explanation: str, text: str, pair: tuple[str, str] = ("<<", ">>")) -> list[ChatMessage]:
    """The prompt that asks about one marked text. What is the same for all texts of an explanation comes first."""
    return [*_beginning(), ChatMessageUser(content=_question(explanation, text, pair))]


@cache
def _beginning() -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for i, j in _SHOWN:
        text, label = WORKED[i].labelled[j]
        messages.append(ChatMessageUser(content=_question(WORKED[i].explanation, text, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=str(label)))
    return messages


def _question(explanation: str, text: str, pair: tuple[str, str]) -> str:
    return f"{explanation_line(explanation)}\n{marks_line(pair)}\n{TEXT}: {text}"
