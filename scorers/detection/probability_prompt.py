"""The prompt of detection by probability: one text. When its wording changes, its version in `shared.specs` does."""

from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.scorers.detection.prompt import WORKED
from inspect_autointerp.text.prompt_lines import LATENT, LINE_BREAK, TEXT, explanation_line

_SYSTEM = f"""\
You predict from an explanation whether a latent is active on a text. {LATENT} The explanation says what it is \
active on.

You get the explanation and one text, cut from a longer text. {LINE_BREAK}

Decide from the explanation alone whether the latent is active on at least one of the text's tokens. Answer 1 if it is \
active and 0 if it is silent. Write only that digit."""
_SHOWN = ((0, 0), (1, 0), (0, 1), (1, 3), (1, 1), (0, 3))
"""The worked examples: an explanation of `WORKED`, and a text of it. Half of them are active, in mixed order."""


def detection_question(explanation: str, text: str) -> list[ChatMessage]:
    """The prompt that asks about one text. What is the same for all texts of an explanation comes first."""
    return [*_beginning(), ChatMessageUser(content=_question(explanation, text))]


@cache
def _beginning() -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for i, j in _SHOWN:
        text, label = WORKED[i].labelled[j]
        messages.append(ChatMessageUser(content=_question(WORKED[i].explanation, text)))
        messages.append(ChatMessageAssistant(content=str(label)))
    return messages


def _question(explanation: str, text: str) -> str:
    return f"{explanation_line(explanation)}\n{TEXT}: {text}"
