"""What the explainer reads, and how its answer is read."""

import json
import re
from collections.abc import Sequence
from math import ceil

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.latent import Context
from inspect_autointerp.render import active_tokens, delimiters, marked, visible

VERSION = "explain/1"
"""Changes whenever the wording below does: scores of explanations from different prompts are told apart by it."""

MAX_LISTED = 10
"""Activating tokens listed per example."""

_SYSTEM = """\
You find out what one latent of a language model responds to. A latent is a direction inside the model that is silent \
on most text and active on some tokens.

You get examples of text on which it was active. The tokens on which it was active stand between delimiters that are \
named at the top; the delimiters are not part of the text. ⏎ stands for the end of a line. Below each example the \
active tokens are listed with their strength, from 1 (weak) to 10 (the strongest of all).

Look for what the active tokens have in common, in themselves or in what stands around them, and say it so that \
somebody could predict from new text whether and where the latent will be active.
- Be specific, and cover all examples, weak ones included. Leave out what only some of them share.
- One short sentence or phrase. No list of examples, nothing about delimiters, strengths or "the latent".
- You may think first. The last line of your answer must be

EXPLANATION: <your explanation>"""

_WORKED = (
    (
        ("<<", ">>"),
        (
            ("We took the ferry across the bay <<on>> <<Tuesday>>, and", '" on": 3, " Tuesday": 10'),
            ("the shop is closed every <<Sunday>>⏎from noon", '" Sunday": 9'),
            ("see you next <<Fri>>day, she wrote", '" Fri": 8'),
        ),
        "The active tokens are days of the week, whole or begun; a preposition before one is weakly active.\n"
        "EXPLANATION: names of days of the week",
    ),
    (
        ("<<", ">>"),
        (
            ("for row in table<<:>>⏎    total += row[2]", '":": 10'),
            ("while not done<<:>>⏎    step()", '":": 9'),
            ("if x is None<<:>>⏎        return", '":": 9'),
        ),
        "The colon is active each time it ends a line that opens a block of Python code.\n"
        "EXPLANATION: the colon that opens an indented block of Python code",
    ),
    (
        ("<<", ">>"),
        (
            ("the soup was far <<better>> than I had", '" better": 10'),
            ("a <<tall>><<er>> fence would have kept", '" tall": 4, "er": 9'),
            ("it takes <<less>> time than walking", '" less": 7'),
        ),
        "Each active token makes or ends a comparative.\nEXPLANATION: comparative forms of adjectives and adverbs",
    ),
)


def explain_messages(contexts: Sequence[Context]) -> list[ChatMessage]:
    """The prompt that asks for an explanation of the latent that is active in these contexts.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for pair, examples, answer in _WORKED:
        messages.append(ChatMessageUser(content=_listing(pair, examples)))
        messages.append(ChatMessageAssistant(content=answer))
    pair = delimiters(contexts)
    maximum = max((context.max_activation for context in contexts), default=0.0)
    examples = [(marked(context, pair), _strengths(context, maximum)) for context in contexts]
    messages.append(ChatMessageUser(content=_listing(pair, examples)))
    return messages


def _listing(pair: tuple[str, str], examples: Sequence[tuple[str, str]]) -> str:
    lines = [f"Active tokens stand between {pair[0]} and {pair[1]}."]
    for number, (text, strengths) in enumerate(examples, 1):
        lines += ["", f"Example {number}: {text}", f"Active: {strengths}"]
    return "\n".join(lines)


def _strengths(context: Context, maximum: float) -> str:
    """The activating tokens with ⌈10 · activation / maximum⌉, strongest ten at the most, in order of the text."""
    active = [i for i, is_active in enumerate(active_tokens(context)) if is_active]
    strongest = sorted(sorted(active, key=lambda i: -context.activations[i])[:MAX_LISTED])
    tokens = context.tokens()
    return ", ".join(
        f"{json.dumps(visible(tokens[i]), ensure_ascii=False)}: {ceil(10 * float(context.activations[i]) / maximum)}"
        for i in strongest
    )


_ANSWER = re.compile(r"^[\s*_#>`]*explanation[\s*_`]*:[\s*_`]*(.*?)[\s*_`]*$", re.IGNORECASE | re.MULTILINE)


def parse_explanation(answer: str) -> str | None:
    """The text after the last `EXPLANATION:`; None where there is none or nothing follows it."""
    found = _ANSWER.findall(answer)
    text = found[-1].strip() if found else ""
    return text if text and not text.startswith("<your explanation>") else None
