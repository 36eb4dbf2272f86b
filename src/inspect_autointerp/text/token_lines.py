"""Texts token by token: how a grader is shown them, and how it says what it expects on each token.

One token per line, by its number: an answer that names number and token cannot slip by one without being caught.
"""

import re
from collections.abc import Iterable, Sequence

from inspect_autointerp.text.render import visible

SPACE = "␣"
"""Stands for a space: a token may be nothing else, and one with a space in front is another than one without."""
PART = "◌"
"""Stands for a token without characters of its own: part of a character that a later token completes."""
SILENT = "none"
END = "End"
EVERY = "every token, also for tokens at 0"
"""These words stand in the instructions where the answer is to name the silent tokens, too."""

_TEXT = re.compile(r"^Text \d+:$", re.MULTILINE)
_TOKEN = re.compile(r"^\d+\t(.*)$", re.MULTILINE)


def as_shown(tokens: Iterable[str]) -> list[str]:
    """Tokens as they stand on their lines, each without a tab and never empty: `" if"` as `"␣if"`, `""` as `"◌"`."""
    return [visible(token).replace(" ", SPACE) or PART for token in tokens]


def numbered(texts: Sequence[Sequence[str]]) -> str:
    """Texts, their tokens as `as_shown` gives them: a line `Text k:`, below it number, tab and token on a line each."""
    lines: list[str] = []
    for k, tokens in enumerate(texts, 1):
        lines += [f"Text {k}:", *(f"{i}\t{token}" for i, token in enumerate(tokens, 1))]
    return "\n".join(lines)


def spelled(texts: Sequence[Sequence[str]], values: Sequence[Sequence[int]], every: bool) -> str:
    """The answer that gives these activations.

    Args:
        texts: Of tokens as `as_shown` gives them.
        values: For each token of each text, 0 to 10.
        every: Whether tokens at 0 are named as well.
    """
    lines: list[str] = []
    for k, (tokens, given) in enumerate(zip(texts, values, strict=True), 1):
        named = [
            f"{i}\t{token}\t{value}"
            for i, (token, value) in enumerate(zip(tokens, given, strict=True), 1)
            if value or every
        ]
        lines += [f"Text {k}:", *named] if named else [f"Text {k}: {SILENT}"]
    return "\n".join([*lines, END])


def read_numbered(question: str) -> list[list[str]]:
    """The texts in a question, as tokens with their spaces; one without characters of its own is empty."""
    texts = _TEXT.split(question)[1:]
    return [[token.replace(PART, "").replace(SPACE, " ") for token in _TOKEN.findall(text)] for text in texts]


def places(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Return the characters of each of the consecutive tokens, as (start, end), in the text that they make."""
    spans: list[tuple[int, int]] = []
    at = 0
    for token in tokens:
        spans.append((at, at + len(token)))
        at += len(token)
    return spans
