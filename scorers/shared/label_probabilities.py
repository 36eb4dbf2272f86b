"""Probabilities of labels, from the log-probabilities of the answer's tokens."""

import re
from collections.abc import Sequence
from math import exp

from inspect_ai.model import Logprob

from inspect_autointerp.scorers.shared.parse_labels import Item
from inspect_autointerp.scorers.shared.token_spelling import Place, places

_SIGNS = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}
_WORD = re.compile(r"[a-z0-9]+")


def label_probabilities(tokens: Sequence[Logprob] | None, answer: str, items: Sequence[Item]) -> list[float | None]:
    """P(1) / (P(0) + P(1)) at the place of each label, None where it cannot be told.

    Tokens are matched to labels by where they stand in the answer, never by count: providers drop tokens, and answers
    hold other digits, see `token_spelling`. The alternatives to a token count where they differ from it only by the
    label (`[1` and `[0`, `true` and `false`). A token that holds more than one label tells nothing.

    Args:
        tokens: What the provider returned with the answer; None if it returned nothing.
        answer: The answer's text.
        items: The labels read from it.
    """
    there = places(tokens, answer, [item.start for item in items])
    return [None if place is None else _probability(place, item) for place, item in zip(there, items, strict=True)]


def _probability(place: Place, item: Item) -> float | None:
    form, chosen = _split(place.text)
    if chosen is None or chosen != item.value:
        return None
    mass = {0: 0.0, 1: 0.0}
    for text, logprob in place.alternatives:
        other_form, label = _split(text)
        if label is not None and other_form == form:
            mass[label] += exp(logprob)
    if not mass[chosen] or not (place.listed or mass[1 - chosen]):
        return None  # the likeliest hold neither label: how likely the other one was is not known
    return mass[1] / (mass[0] + mass[1])


def _split(token: str) -> tuple[str, int | None]:
    """Return what is left of a token without its label, and the label: ` 1,` gives (`,`, 1)."""
    bare = token.strip().lower()
    words = list(_WORD.finditer(bare))
    if len(words) != 1 or words[0][0] not in _SIGNS:
        return bare, None
    return bare[: words[0].start()] + bare[words[0].end() :], _SIGNS[words[0][0]]
