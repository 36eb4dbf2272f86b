"""The prompt of output choice. When its wording changes, its version in `shared.specs` does."""

import json
from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.text.prompt_lines import (
    BEGINNING_LINE,
    LATENT,
    LINE_BREAK,
    MOST_PROBABLE,
    TEXT,
    explanation_line,
    numbered_line,
)
from inspect_autointerp.text.render import visible

SHOWN = 3
"""Texts in a question, the right one among them."""

_SYSTEM = f"""\
You find the text that a latent has influenced. {LATENT} While a language model writes, a latent can be amplified: the \
model then writes more of what the latent stands for.

A language model wrote on from the same beginning three times. Each time another latent was amplified, just as \
strongly. You get an explanation of one of the three latents, the beginning, and the three numbered texts that follow \
it. {LINE_BREAK}

Name the text that was written while the latent of the explanation was amplified. All three texts can be odd, so \
oddness tells you nothing; what a text shares with the beginning tells you nothing either. Look for what the \
explanation names.
"""
_PROMOTED = f"""
Below each text, the line `{MOST_PROBABLE.strip()}` lists the tokens that its latent makes most probable by itself.
"""
_ANSWER = """
Answer with the number of that text, for example `2`. Write only the number, without explaining it."""

_WORKED = (
    (
        "names of days of the week",
        "The ferry leaves the island",
        (" and the sea and the waves and", " on Monday and Tuesday, or on", ": if x == 0 then return"),
        ((" sea", " waves", " shore"), (" Tuesday", " Monday", " Sunday"), (" return", "==", " if")),
        2,
    ),
    (
        "the beginning of a list in Python",
        "She opened the box and took",
        (" it to the doctor, who gave her", " out her gold, her coins, her", " out the rows = [1, [2,"),
        ((" doctor", " nurse", " patient"), (" gold", " coins", " money"), (" [", "=[", " list")),
        3,
    ),
)


def output_choice_messages(
    explanation: str, beginning: str, texts: Sequence[str], promoted: Sequence[Sequence[str]] | None = None
) -> list[ChatMessage]:
    """The prompt that asks which of three texts was steered by the latent of an explanation.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.

    Args:
        explanation: The explanation; empty if none is given.
        beginning: The text that all three follow, on one line.
        texts: The three texts, each on one line.
        promoted: For each text, the tokens that its latent promotes; None to show none.
    """
    question = _question(explanation, beginning, texts, promoted)
    return [*_beginning(promoted is not None), ChatMessageUser(content=question)]


@cache  # the same objects each time, see `detection`
def _beginning(with_promoted: bool) -> list[ChatMessage]:
    system = _SYSTEM + (_PROMOTED if with_promoted else "") + _ANSWER
    messages: list[ChatMessage] = [ChatMessageSystem(content=system)]
    for explanation, beginning, texts, promoted, answer in _WORKED:
        question = _question(explanation, beginning, texts, promoted if with_promoted else None)
        messages.append(ChatMessageUser(content=question))
        messages.append(ChatMessageAssistant(content=str(answer)))
    return messages


def _question(explanation: str, beginning: str, texts: Sequence[str], promoted: Sequence[Sequence[str]] | None) -> str:
    lines = [explanation_line(explanation), "", f"{BEGINNING_LINE}{beginning}", ""]
    for i, text in enumerate(texts):
        lines.append(numbered_line(TEXT, i + 1, text))
        if promoted is not None:
            lines.append(
                MOST_PROBABLE + ", ".join(json.dumps(visible(token), ensure_ascii=False) for token in promoted[i])
            )
    return "\n".join(lines)
