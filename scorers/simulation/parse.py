"""Parser of a grader's answer on single tokens, line by line against the tokens of the prompt."""

import re
from collections.abc import Sequence

from inspect_autointerp.scorers.shared.parse_labels import AnswerError, Item
from inspect_autointerp.scorers.shared.parsing.doubt import hedged
from inspect_autointerp.scorers.shared.parsing.final_answer import final_answer
from inspect_autointerp.text.token_lines import END, SILENT, SPACE

_NUMBER = re.compile(r"([\s>|*#-]*)([0-9]+)", re.ASCII)
_NOTHING = rf"{SILENT}|silent|no (?:active |activating )?(?:tokens?|activations?)"
_HEAD = re.compile(rf"text\s?#?([0-9]{{1,4}})(?:[\s:.*(–—-]{{1,6}}({_NOTHING}))?", re.IGNORECASE)
_SILENT = re.compile(_NOTHING, re.IGNORECASE)
_REMARK = re.compile(r"[ \t]*\([^()]*[^()\W\d_][^()]*\)$")
_FIGURES = re.compile(r"(?<![0-9])(\()?((?:10|[0-9]))(?:\.0|\s?/\s?10)?(?(1)\))$")
_DECORATION = " \t>*_#-`.:()"
_WRAPPED = (('"', '"'), ("'", "'"), ("`", "`"), ("**", "**"), ("“", "”"))

Answered = list[list[Item | None]]
"""Per text and token what the answer says of it; None where it does not name the token."""


def parse_aligned(reply: str, texts: Sequence[Sequence[str]], every: bool = False) -> Answered:
    """Read the activations, whole numbers from 0 to 10, that an answer gives to tokens.

    Each text has its head, and below it lines of number, token and activation. A line counts if its token is the one of
    that number; white space, quotes and Markdown around it do not matter. Prose may stand before the first head and
    after the `End`, which has to be there: without it nobody knows whether the answer goes on.

    Args:
        reply: What the grader said.
        texts: The tokens, as `token_lines.as_shown` gives them.
        every: Whether every token has to be named.

    Raises:
        AnswerError: Heads or the `End` are missing, a line does not fit its token, a token is named twice or, with
            `every`, not at all.
    """
    longest = 10_000 + sum(100 + 4 * len(token) for tokens in texts for token in tokens)
    answer, offset = final_answer(reply, longest)
    activations: Answered = [[None] * len(tokens) for tokens in texts]
    closed: list[bool] = []  # per text so far, whether it was said to be silent
    at, ended = offset, False
    for full in answer.splitlines(keepends=True):
        line, begin = full.rstrip(), at
        at += len(full)
        bare = line.strip(_DECORATION)
        head = _HEAD.fullmatch(bare)
        number = _NUMBER.match(line)
        inside = bool(closed) and not ended
        if not bare or line.lstrip().startswith("```"):
            continue
        if ended and (head or number):
            raise AnswerError(f"something follows the line {END}: {_quoted(line)}")
        if head:
            if int(head[1]) != len(closed) + 1 or len(closed) == len(texts):
                raise AnswerError(
                    f"{_quoted(line)} is out of place: there are {len(texts)} texts, and each is named once, in order"
                )
            closed.append(bool(head[2]))
        elif inside and bare.lower() == END.lower():
            ended = True
        elif inside and _SILENT.fullmatch(bare) and not any(activations[len(closed) - 1]):
            closed[-1] = True
        elif number and inside:
            k = len(closed)
            i, item = _item(line, begin, number, texts[k - 1], k)
            if closed[-1]:
                raise AnswerError(f"Text {k} is marked `none`, but an active token follows")
            if activations[k - 1][i] is not None:
                raise AnswerError(f"Text {k}: token {i + 1} is named twice")
            activations[k - 1][i] = item
        elif inside or number:
            raise AnswerError(f"{_quoted(line)} neither names a text nor has a token of one")
    if len(closed) < len(texts):
        raise AnswerError(f"the line `Text {len(closed) + 1}:` is missing")
    if not ended:
        raise AnswerError(f"its last line is not {END}, so it may have been cut off")
    if every:
        for k, row in enumerate(activations, 1):
            if None in row:
                raise AnswerError(f"Text {k}: token {row.index(None) + 1} is missing")
    return activations


def _quoted(line: str) -> str:
    return f"the line “{line[:60]}”"


def _item(line: str, begin: int, number: re.Match[str], tokens: Sequence[str], k: int) -> tuple[int, Item]:
    """Which token a line names, from 0, and the activation that it gives; `begin` is where it stands in the answer."""
    i = int(number[2]) if len(number[2]) < 5 else 0
    if not 1 <= i <= len(tokens):
        raise AnswerError(f"Text {k} has no token {number[2][:9]}: {_quoted(line)}")
    after = number.end() + 2 * (number[1].endswith("**") and line.startswith("**", number.end()))
    body, wrong = line[after:].rstrip(" \t|."), None
    remark = _REMARK.search(body)  # `8 (an animal)`: it may go, if that leaves an activation
    without = body[: remark.start()] if remark and not hedged(remark[0], "") else body
    for shorter in dict.fromkeys((body, without)):
        closing = len(shorter) - len(shorter.rstrip("*`\"'"))
        shorter, close = shorter[: len(shorter) - closing], shorter[len(shorter) - closing :]
        figures = _FIGURES.search(shorter)
        if figures is None:
            continue
        echo = shorter[: figures.start()].removesuffix(close[::-1])
        if not echo[-1:].isspace() and not echo.endswith((":", "=", ",", "|", "→")):
            continue  # as in 7.5, -3 or 7/12, or right after the token
        wrong = echo
        if any(_same(rest, tokens[i - 1], tokens) for rest in _without_separators(echo)):
            start = begin + after + figures.start(2)
            return i - 1, Item(int(figures[2]), start, start + len(figures[2]))
    if wrong is None:
        raise AnswerError(
            f"Text {k}, token {i}: {_quoted(line)} does not end, after a tab, in a whole number from 0 to 10"
        )
    raise AnswerError(f"Text {k}: token {i} is “{tokens[i - 1]}”, and {_quoted(line)} has another one")


def _without_separators(echo: str) -> list[str]:
    """Return readings of the token between a line's number and its activation: as it is, or without separators."""
    if not echo.startswith("\t"):
        echo = echo.removeprefix(echo[0]) if echo[:1] in tuple(".):,=") else echo
        if echo.strip().startswith("|"):
            return [echo.strip()[1:].removesuffix("|")]
    elif echo.endswith("\t"):
        return [echo]
    bare = echo.strip()
    sign = next((sign for sign in ("->", "=>", ":", "=", ",", "→") if bare.endswith(sign)), "")
    sign = sign or ("-" if bare.endswith((" -", '"-')) else "–" if bare.endswith(" –") else "")
    shorter = [bare.removesuffix(sign)] if sign and not echo.endswith("\t") else []
    return [echo, *shorter] if echo.startswith("\t") else shorter or [bare if not echo.endswith("\t") else echo]


def _same(echo: str, token: str, tokens: Sequence[str]) -> bool:
    """Return whether an echo is a token, up to white space; or, if it is no other token, up to quotes."""
    if _dense(echo) == _dense(token):
        return True
    echo = echo.strip()
    if any(_dense(echo) == _dense(other) for other in tokens):
        return False
    return any(
        len(echo) >= len(left + right)
        and echo.startswith(left)
        and echo.endswith(right)
        and _dense(echo[len(left) : len(echo) - len(right)]) == _dense(token)
        for left, right in _WRAPPED
    )


def _dense(text: str) -> str:
    return "".join(text.replace(SPACE, " ").split())
