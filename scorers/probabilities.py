"""How sure a grader was of each label, from the log-probabilities of its answer's tokens."""

from bisect import bisect_right
from collections.abc import Sequence
from math import exp

from inspect_ai.model import Logprob

from inspect_autointerp.scorers.answers import Item


def label_probabilities(tokens: Sequence[Logprob] | None, answer: str, items: Sequence[Item]) -> list[float | None]:
    """P(1) / (P(0) + P(1)) at the place of each label, None where it cannot be told.

    Tokens are matched to labels by where they stand in the answer, never by count: providers drop tokens, and answers
    hold other digits. Where the tokens do not spell the answer, nothing is told. The alternatives to a token count
    where they differ from it by nothing but the label (`[1` and `[0`, `true` and `false`).

    Args:
        tokens: What the provider returned with the answer; None if it returned nothing.
        answer: The answer's text.
        items: The labels read from it.
    """
    found = located(tokens, answer, [item.start for item in items])
    return [None if place is None or tokens is None else _probability(tokens[place[0]]) for place in found]


def located(tokens: Sequence[Logprob] | None, answer: str, places: Sequence[int]) -> list[tuple[int, int] | None]:
    """For each place in an answer the token that stands there, by its number, and which of the token's characters.

    None where the tokens do not spell the answer; reasoning may stand before it.
    """
    ends, spelled = [], ""
    for token in tokens or ():
        spelled += token.token
        ends.append(len(spelled))
    offset = spelled.rfind(answer) if answer else -1
    if offset < 0:
        return [None] * len(places)
    found = [bisect_right(ends, offset + place) for place in places]
    return [
        (index, offset + place - (ends[index - 1] if index else 0)) if index < len(ends) else None
        for index, place in zip(found, places, strict=True)
    ]


def _probability(token: Logprob) -> float | None:
    form, _ = _split(token.token)
    mass = {0: 0.0, 1: 0.0}
    for candidate in token.top_logprobs or ():
        candidate_form, label = _split(candidate.token)
        if label is not None and candidate_form == form:
            mass[label] += exp(candidate.logprob)
    total = mass[0] + mass[1]
    return mass[1] / total if total > 0 else None


_SIGNS = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}


def _split(token: str) -> tuple[str, int | None]:
    """What is left of a token without its label, and the label: ` 1,` gives (`,`, 1)."""
    bare = token.replace("Ġ", "").replace("▁", "").strip().lower()
    for sign, label in _SIGNS.items():
        if bare.count(sign) == 1 and not bare.replace(sign, "").isalnum():
            return bare.replace(sign, ""), label
    return bare, None
