"""Concepts of an explanation in a row of a table: a list of texts, or of objects with `text` and `weight`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_autointerp.formats.records import finite, is_unicode, short
from inspect_autointerp.text.json_values import is_dict, is_list

MOST = 50
"""Concepts of one explanation: each is a question of its own to a grader."""


def row_concepts(value: object) -> list[dict[str, Any]]:
    """Read the concepts of a row.

    Args:
        value: A list, the JSON of one, or None.

    Returns:
        Of each concept `text` and `weight`; empty where there are none.

    Raises:
        ValueError: It is something else. The message says what, to follow the place of the row.
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(f"concepts are {short(value)}, which is not JSON") from None
    if not is_list(value):
        raise ValueError(f"concepts are {short(value)}; give a list of texts, or of objects with text and weight")
    return [_concept(one) for one in value]


def concept_problem(concepts: Sequence[Mapping[str, Any]], longest: int) -> str | None:
    """Return why the concepts of an explanation cannot be used, in one word; None if they can.

    Args:
        concepts: As `row_concepts` returns them.
        longest: Characters that all together may have.
    """
    texts = [str(concept["text"]) for concept in concepts]
    if len(texts) > MOST:
        return "too_many_concepts"
    if sum(map(len, texts)) > longest:
        return "explanation_too_long"
    return "nul_in_explanation" if any("\0" in text for text in texts) else None


def _concept(one: object) -> dict[str, Any]:
    text, weight = (one.get("text"), one.get("weight")) if is_dict(one) else (one, None)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(
            f"a concept is {short(one if not is_dict(one) else text)}; it must be a text that is not empty"
        )
    if not is_unicode(text):
        raise ValueError("a concept has half a surrogate pair, which is not valid Unicode")
    number = finite(weight)
    if weight is not None and number is None:
        raise ValueError(f"the weight of a concept is {short(weight)}; it must be a number")
    return {"text": text, "weight": number}
