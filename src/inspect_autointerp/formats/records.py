"""Records that are read from every format, and that every format is written from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspect_autointerp.inspect_support.explanation import Concept
from inspect_autointerp.text.render import visible

_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
_SHOWN = 60
"""Characters of a source's own text that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One explanation of one latent, as a format has it; what a format has no place for is None or empty."""

    place: str
    """Place in the source: `FILE:LINE`, or the file alone."""
    index: int
    hookpoint: str | None = None
    """Source's name of the hookpoint or the coder: Neuronpedia's `layer`, say. None: it names none."""
    model: str | None = None
    """Source's name of the subject."""
    text: object = None
    """The explanation as found: anything but a string is a fault, None means that there is none."""
    reason: str | None = None
    """Why there is none, where the source says it."""
    explainer: str | None = None
    """The model that wrote it."""
    method: str | None = None
    """Method: our solver and the version of its prompt, Neuronpedia's `typeName`, …"""
    author: str | None = None
    """Who wrote it or had it written: Neuronpedia's `authorId`."""
    created: str | None = None
    """When it was written, as ISO 8601: Neuronpedia's `createdAt`."""
    written_for: str | None = None
    """The latent that it was written for, where that is another one (a floor)."""
    store: str | None = None
    """Digest of the context store that it was written from."""
    trained_on: str | None = None
    """Scores that its writer was trained on, separated by commas; None where the source does not say."""
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    """Its scores by name; ours are `SCORE.STATISTIC`, the headline of each score first, NaN where undefined."""
    cost: Mapping[str, float] = field(default_factory=dict[str, float])
    """Costs, by the names of `models.spending`, as far as the source gives them."""
    made_by: Mapping[str, str] = field(default_factory=dict[str, str])
    """Provenance of its scores: `SCORE.grader`, `SCORE.prompt`, `SCORE.options` (JSON)."""
    concepts: Sequence[Mapping[str, Any]] = ()
    """Its concepts, where it names several things: of each `text` and `weight`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppliedText:
    """A latent's explanation, and what its source says of it."""

    text: str
    place: str
    """Place in the source: `FILE:LINE`, or the file alone."""
    explainer: str | None
    """The model that wrote it; None where the source does not say."""
    method: str | None
    """Method that wrote it; None where the source does not say."""
    written_for: str | None
    """The latent that it was written for, where the source says that it was another one (a floor)."""
    store: str | None
    """Digest of the context store that it was written from; None where unknown."""
    scores: Mapping[str, float]
    """The source's own scores of it, by its names for them."""
    trained_on: str | None = None
    """Scores that its writer was trained on, separated by commas; None where the source does not say."""
    cost: Mapping[str, float] = field(default_factory=dict[str, float])
    """Costs, by the names of `models.spending`, as far as the source gives them."""
    concepts: tuple[Concept, ...] = ()
    """Its concepts, where it names several things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a latent that the source names is without an explanation."""

    place: str
    latent: int
    reason: str
    """One word: `empty_explanation`, `explanation_too_long`, `nul_in_explanation`, `no_explanation`, …"""


@dataclass(frozen=True, kw_only=True)
class Supplied:
    """Explanations that a source has for one hookpoint."""

    source: str
    format: str
    sha256: str
    """Digest of the file's bytes, or of the names and digests of the files read from a folder."""
    texts: dict[int, SuppliedText]
    """By the latent's index."""
    problems: list[Problem]
    passed_over: int
    """Rows of other hookpoints, of others than the `by` asked for, or that `repeated` does not take."""


def parse_index(value: Any) -> int | None:
    """A latent's index, from a whole number or its decimal digits; None where it is neither."""
    if isinstance(value, str) and _INDEX.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def is_unicode(text: str) -> bool:
    """Return whether a text can be written at all: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def short(value: object) -> str:
    """A value of the source for a message: on one line, and never long."""
    text = value if isinstance(value, str) else repr(value) if isinstance(value, int | float | None) else None
    if text is None:
        return f"a {type(value).__name__}"
    return visible(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")


def finite(value: object) -> float | None:
    """A number as float; None where it is none, or undefined."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value) if abs(value) < 1e300 else float("nan")
    return number if number == number else None


def headlines(scores: Mapping[str, float]) -> dict[str, float]:
    """Return the headline statistic of each score, from `SCORE.STATISTIC` values, where it is defined."""
    first: dict[str, tuple[str, float]] = {}
    for name, value in scores.items():
        first.setdefault(name.partition(".")[0], (name, value))
    return {name: value for name, value in first.values() if value == value}
