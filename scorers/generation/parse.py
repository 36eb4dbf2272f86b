"""Parser of a writer's answer: a JSON object of two lists of texts, with any text around it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError, final_answer
from inspect_autointerp.text.json_values import is_list

SIDES = ("active", "silent")
"""The names of the two lists."""
MAX_CHARACTERS = 4000
"""Longest text in characters; the prompt asks for one to three lines."""
_BEGIN = re.compile(r'\{\s*"(?:active|silent)"\s*:')


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of an answer."""

    active: tuple[str, ...]
    """On which the latent should fire."""
    silent: tuple[str, ...]
    """Near misses, on which it should not."""


def parse_written(reply: str, n: int) -> Written:
    r"""Read `{"active": [n texts], "silent": [n texts]}`.

    Line ends within a text may be `\n` or as they are. What is no character (half of a surrogate pair) becomes U+FFFD.

    Raises:
        AnswerError: There is no such object, or two that differ; it has other names, lists of another length, a name
            twice, something that is no text, or a text too long.
    """
    answer, _ = final_answer(reply, 50_000 + 2 * n * MAX_CHARACTERS)
    objects: list[dict[str, Any]] = []
    end, problem = 0, 'it holds no JSON object that begins with {"active": or {"silent":'
    for match in _BEGIN.finditer(answer):
        if match.start() < end:  # within one that was read
            continue
        try:
            content, end = _DECODER.raw_decode(answer, match.start())
        except (ValueError, RecursionError) as error:
            problem = f"its JSON cannot be read ({error})" if isinstance(error, ValueError) else "its JSON is too deep"
            break  # once is enough: to try at every brace would take the square of the answer's length
        if content not in objects:
            objects.append(content)
        if len(objects) > 1:  # at once: comparing with more and more would take the square of the answer's length
            raise AnswerError("it holds two JSON objects that differ")
    if not objects:
        raise AnswerError(problem)
    [content] = objects
    if set(content) != set(SIDES):
        raise AnswerError(f"its JSON object has the names {', '.join(map(repr, content))}, not 'active' and 'silent'")
    active, silent = (_texts(content[side], side, n) for side in SIDES)
    return Written(active, silent)


def _texts(content: object, side: str, n: int) -> tuple[str, ...]:
    if not is_list(content):
        raise AnswerError(f"{side} is not a list")
    if len(content) != n:
        raise AnswerError(f"{side} holds {len(content)} texts, not {n}")
    for i, text in enumerate(content, 1):
        if not isinstance(text, str):
            raise AnswerError(f"item {i} of {side} is not a text")
        if len(text) > MAX_CHARACTERS:
            raise AnswerError(f"text {i} of {side} has {len(text)} characters, more than {MAX_CHARACTERS}")
    return tuple(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in content)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name stands in it twice")
    return content


_DECODER = json.JSONDecoder(object_pairs_hook=_once, strict=False)  # a line end as it is, too
