"""Verdicts: what a score rests on, context by context, as columns in `Score.metadata["verdicts"]`.

Statistics, reports, cards and exports are made from these, and `autointerp verify` computes statistics from them again.
The texts are not repeated: a context is its first token's position in the store's corpus.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import nan
from typing import Any

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.json_values import is_finite_number, is_mapping

IMPORTANCE = "importance"
"""The kind of contexts that have weights."""
KEY = "verdicts"
"""The name of the columns in a score's metadata."""
_DECIMALS = 9
"""Decimals of a probability: graders that are sure of everything still rank contexts by what is left."""
_DIGITS = 7
"""Significant digits of a value, about those of float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a score on one context, or on one text or prompt of its own.

    A field that a score has no use for is None, and its column is left out of the log. Probabilities and values are
    rounded when a verdict is made, so that statistics are computed from the very numbers that the log holds.
    """

    kind: str
    """A `latent.Kind`; `active` or `near_miss` for a text that was written; `prompt` for the beginning of a context;
    `steered` or `foil` for a text that was steered with the latent or with another one."""
    start: int | None = None
    """Position of the context's first token in the store's corpus."""
    document: int | None = None
    """Number of the document that holds the context, from 0."""
    decile: int | None = None
    """Decile of an activating context, 1 (weakest) to 10."""
    weight: float | None = None
    """Number of windows that an importance-sampled context counts for, 1 or more; None of other kinds."""
    neighbour: int | None = None
    """The other latent of the hookpoint that fires in the context, of the kinds `neighbours`, `cooccurring` and
    `intruder`. Reconstruction: the latent whose vector was compared."""
    cosine: float | None = None
    """Cosine of the latent's direction with that of `neighbour`, in [-1, 1], of the kind `neighbours`; None where the
    store does not say."""
    in_other: int | None = None
    """1 if the latent fires in an activating context in the other one of two subjects, too; 0 if only in this one. None
    where the store has one subject, or does not say."""
    label: int | None = None
    """The grader's label, 1 or 0; for intruder and output choice, 1 for the text that was named; for discrimination, 1
    for the texts of the candidate that was named. None where unscored."""
    probability: float | None = None
    """The grader's probability of label 1, in [0, 1]; None where it is not known. For discrimination, that the text's
    candidate is named."""
    value: float | None = None
    """Value that ranks contexts: a cosine, nats, or an activation in the coder's units. None where unscored."""
    rating: int | None = None
    """FADE: the grader's rating of how clearly a text expresses the explanation, 0, 1 or 2. None where unscored."""
    values: Sequence[float] | None = None
    """Simulation: the activation predicted for each token, from 0 to 10. Intervention: nats by which each foil rises.
    None where unscored."""
    partner: int | None = None
    """Fuzzing: which verdict, from 0, is of the activating context whose marks this negative wears."""
    question: int | None = None
    """Intruder, discrimination, output choice: the number of the question that showed this text, from 0. FADE: the
    number of the prompt that a steered text follows."""
    text: str | None = None
    """Generation and output choice: the text that was written. Intervention: the prompt."""
    continuations: Mapping[str, str] | None = None
    """Intervention: what the subject wrote after the prompt, `clean` and `steered`."""
    reason: str | None = None
    """Why it is unscored."""

    def __post_init__(self) -> None:
        """Round probability, weight and values."""
        if self.weight is not None:
            object.__setattr__(self, "weight", _significant(self.weight))
        if self.probability is not None:
            object.__setattr__(self, "probability", round(float(self.probability), _DECIMALS))
        if self.value is not None:
            object.__setattr__(self, "value", _significant(self.value))
        if self.values is not None:
            object.__setattr__(self, "values", [_significant(value) for value in self.values])


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentFacts:
    """Facts about a latent that statistics need beside its verdicts."""

    firing_share: float = nan
    """Share of the corpus's windows on which it fires, in [0, 1]."""
    hard: tuple[str, ...] = ()
    """Kinds of negatives that get statistics of their own."""
    min_contexts: int = 1
    """Fewer contexts of a hard kind than this, or fewer texts, leave their statistics undefined."""
    texts_per_call: int = 0
    """Texts that the grader was asked about in one call, in the order of the verdicts; 0 where that is not known."""
    threshold: float | None = None
    """Probability from which a context counts as active, chosen on the explain split; NaN where none could be chosen,
    and None where the grader wrote its labels."""
    median: float = nan
    """Median of the latent's maxima on its activating test contexts, in the coder's units."""


_FIELDS = tuple(field.name for field in fields(Verdict))
_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("kind", "text", "reason"), str),
    **dict.fromkeys(("start", "document", "decile", "neighbour", "in_other", "label", "rating"), int),
    **dict.fromkeys(("partner", "question"), int),
    **dict.fromkeys(("probability", "value", "weight", "cosine"), (int, float)),
    "values": list,
    "continuations": dict,
}
_RANGES = {
    "label": (0, 1),
    "in_other": (0, 1),
    "rating": (0, 2),
    "decile": (1, DECILES),
    "probability": (0, 1),
    "cosine": (-1, 1),
    "weight": (1, 2**63 - 1),
} | {name: (0, 2**63 - 1) for name in ("start", "document", "neighbour", "partner", "question")}


def locate_contexts(store: Store, contexts: Sequence[Context]) -> list[dict[str, Any]]:
    """Return for each context the fields that say which it is: those from `kind` to `in_other`."""
    documents = store.document(np.array([context.start for context in contexts], dtype=np.int64)).tolist()
    return [
        {
            "kind": context.kind,
            "start": context.start,
            "document": document,
            "decile": context.decile,
            "weight": context.weight,
            "neighbour": context.neighbour,
            "cosine": context.cosine,
            "in_other": None if context.in_other is None else int(context.in_other),
        }
        for context, document in zip(contexts, documents, strict=True)
    ]


def to_columns(verdicts: Iterable[Verdict]) -> dict[str, list[Any]]:
    """Return the verdicts as columns, in the order of the fields; columns without any value are left out."""
    rows = list(verdicts)
    columns = {name: [getattr(row, name) for row in rows] for name in _FIELDS}
    return {name: column for name, column in columns.items() if any(value is not None for value in column)}


def from_columns(columns: object, where: str = "verdicts") -> list[Verdict]:
    """Inverse of `to_columns`.

    Args:
        columns: By field, one value per verdict.
        where: What errors call them.

    Raises:
        UserError: A column is unknown or missing, is as long as no other, or holds a value of another type or outside
            its range.
    """
    if not columns:
        return []
    if not is_mapping(columns) or not all(isinstance(column, list) for column in columns.values()):
        raise UserError(f"{where}: must be lists by name")
    if unknown := sorted(set(columns) - set(_FIELDS)):
        raise UserError(f"{where}: unknown column {unknown[0]}; there are {', '.join(_FIELDS)}")
    if "kind" not in columns or len({len(column) for column in columns.values()}) != 1:
        raise UserError(f"{where}: must have the column kind, and columns of one length")
    for name, column in columns.items():
        for value in column:
            if value is not None and (isinstance(value, bool) or not isinstance(value, _TYPES[name])):
                raise UserError(f"{where}: column {name} holds {type(value).__name__} {str(value)[:40]!r}")
            if value is not None and (allowed := _misfit(name, value, len(column))):
                raise UserError(f"{where}: column {name} holds {str(value)[:40]}, which is not {allowed}")
    if None in columns["kind"]:
        raise UserError(f"{where}: column kind holds null")
    weights = columns.get("weight") or [None] * len(columns["kind"])
    if any((kind == IMPORTANCE) != (weight is not None) for kind, weight in zip(columns["kind"], weights, strict=True)):
        raise UserError(f"{where}: contexts of the kind {IMPORTANCE}, and no others, must have a weight")
    return [Verdict(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def recorded_verdicts(metadata: Mapping[str, Any] | None, where: str = "verdicts") -> list[Verdict]:
    """Return the verdicts in a score's metadata; none where it has none.

    Raises:
        UserError: See `from_columns`.
    """
    return from_columns((metadata or {}).get(KEY) or {}, where)


def _misfit(name: str, value: Any, n: int) -> str | None:
    """Return what a field of one of n verdicts may hold, where a value of the right type is not that; else None."""
    if name in ("probability", "value", "values", "weight", "cosine"):
        numbers = value if name == "values" else [value]
        if not all(map(is_finite_number, numbers)):
            return "a finite number"
    low, high = _RANGES.get(name, (None, None))
    high = n - 1 if name == "partner" else high
    if low is not None and high is not None and not low <= value <= high:
        return f"in [{low}, {high}]"
    return None


def _significant(value: float) -> float:
    """Round to significant digits; a whole number becomes an integer, which takes fewer bytes in a log."""
    value = float(f"{float(value):.{_DIGITS}g}")
    return int(value) if value.is_integer() else value
