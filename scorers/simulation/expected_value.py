"""The activation that a grader expects on a token, from the log-probabilities of its answer's tokens."""

import re
from collections.abc import Sequence
from math import exp

from inspect_ai.model import Logprob

from inspect_autointerp.scorers.shared.parse_labels import Item
from inspect_autointerp.scorers.shared.token_spelling import Place, places

_DIGIT = re.compile(r"[0-9]")
_TWO_DIGITS = re.compile(r"[0-9][0-9]")
_VALUES = {str(value): value for value in range(11)}


def expected_values(tokens: Sequence[Logprob] | None, answer: str, items: Sequence[Item]) -> list[float | None]:
    """Σ v P(v) / Σ P(v) over the values that were considered at the place of each; None where it cannot be told.

    Tokens are matched to values by where they stand in the answer's text, see `token_spelling`. The alternatives to a
    token count where they differ from it by nothing but the value. Some tokenizers make 10 of the tokens `1` and `0`:
    then a `1` means 1 or 10, which the alternatives to the next token share out, and where that cannot be known,
    because another value than these two was chosen, nothing is told.

    Args:
        tokens: What the provider returned with the answer; None if it returned nothing.
        answer: The answer's text.
        items: The values read from it.
    """
    if tokens is None:
        return [None] * len(items)
    considered = (text for token in tokens for text in (token.token, *(c.token for c in token.top_logprobs or ())))
    whole = any(_TWO_DIGITS.search(text) for text in considered)
    there = places(tokens, answer, [item.start for item in items])
    return [
        None if place is None else _expected(tokens, place, item.value, whole)
        for place, item in zip(there, items, strict=True)
    ]


def _expected(tokens: Sequence[Logprob], place: Place, value: int, whole: bool) -> float | None:
    """Return the expected value at a place.

    Args:
        tokens: All of them.
        place: Where the value begins.
        value: The one chosen.
        whole: Whether this tokenizer has tokens of two digits, and 10 is one.
    """
    index, before, written = place.index, place.text[: place.start], place.text[place.start :]
    parted = value == 10 and written == "1"
    after = written.removeprefix("1" if parted else str(value))
    if not (parted or written.startswith(str(value))) or _DIGIT.search(after):
        return None  # the value is in parts, or another number is in its token
    mass = dict.fromkeys(range(11), 0.0)
    for text, logprob in place.alternatives:
        if text.startswith(before) and text.endswith(after):
            read = _VALUES.get(text[len(before) : len(text) - len(after)])
            if read is not None:
                mass[read] += exp(logprob)
    if not place.listed and sum(one > 0 for one in mass.values()) < 2:
        return None  # the likeliest hold no other value: how likely others were is not known
    if mass[1] and (parted or not whole):
        ten = _ten(tokens, index + 1) if written == "1" else None
        if ten is None:
            return None
        mass[1], mass[10] = mass[1] * (1 - ten), mass[10] + mass[1] * ten
    total = sum(mass.values())
    return sum(v * m for v, m in mass.items()) / total if total > 0 else None


def _ten(tokens: Sequence[Logprob], following: int) -> float | None:
    """Return the probability that the `1` before this token begins a 10; None without alternatives."""
    mass = {False: 0.0, True: 0.0}
    for candidate in (tokens[following].top_logprobs or ()) if following < len(tokens) else ():
        digits = re.match(r"[0-9]*", candidate.token)
        if digits and digits[0] in ("", "0"):
            mass[digits[0] == "0"] += exp(candidate.logprob)
    total = mass[False] + mass[True]
    return mass[True] / total if total > 0 else None
