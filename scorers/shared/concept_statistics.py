"""Statistics of an explanation of several concepts: what each explains, and how far apart they are."""

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

import numpy as np

from inspect_autointerp.inspect_support.explanation import Concept
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models.text_vectors import mean_cosine

CONCEPT_LABELS = {"n_concepts": "concepts", "polysemanticity": "polysemanticity", "one_concept": "by one concept"}
"""Statistics that a score has beside its own where concepts are judged, with their column titles."""


def coverage(concepts: Sequence[Concept], verdicts: Sequence[Sequence[Verdict]]) -> list[dict[str, Any]]:
    """Return which share of the activating contexts each concept explains.

    Args:
        concepts: The concepts.
        verdicts: By concept, a verdict for each context.

    Returns:
        Of each concept `text`, `weight`, and these shares in [0, 1], None where undefined:

        - `explains`: of the activating contexts that have a label for it, those that it explains (label 1).
        - `only`: of the activating contexts that have a label for every concept, those that only this one explains.
        - `false_alarms`: of the non-activating contexts that have a label for it, all kinds, those with the label 1.
    """
    labels = _matrix(verdicts)
    active = np.array([verdict.kind == "activating" for verdict in verdicts[0]], dtype=bool)
    whole = active & ~np.isnan(labels).any(axis=0)
    alone = whole & (labels.sum(axis=0) == 1)
    rows: list[dict[str, Any]] = []
    for concept, own in zip(concepts, labels, strict=True):
        shares = {
            "explains": _share(own[active & ~np.isnan(own)] == 1),
            "only": _share((own == 1)[whole] & alone[whole]),
            "false_alarms": _share(own[~active & ~np.isnan(own)] == 1),
        }
        rows.append({"text": concept.text, "weight": concept.weight} | {k: rounded(v) for k, v in shares.items()})
    return rows


def share_of_one(verdicts: Sequence[Sequence[Verdict]]) -> float:
    """Return which share of the activating contexts exactly one concept explains; NaN of none.

    Args:
        verdicts: By concept, a verdict for each context; contexts without a label for every concept do not count.
    """
    labels = _matrix(verdicts)
    active = np.array([verdict.kind == "activating" for verdict in verdicts[0]], dtype=bool)
    whole = active & ~np.isnan(labels).any(axis=0)
    return _share(labels[:, whole].sum(axis=0) == 1)


def polysemanticity(concepts: Sequence[str], vectors: Callable[[Sequence[str]], Any]) -> float:
    """Return 1 − the mean cosine over pairs of concepts, in [0, 2]: how far apart they are; NaN of fewer than two.

    PRISM (arXiv 2506.15538) reports the mean cosine itself, so a small number there is a large one here.
    """
    return 1 - mean_cosine(vectors(concepts)) if len(concepts) > 1 else nan


def _matrix(verdicts: Sequence[Sequence[Verdict]]) -> np.ndarray:
    """Labels, float64 (concept, context); NaN where unscored."""
    return np.array([[nan if one.label is None else one.label for one in own] for own in verdicts], dtype=np.float64)


def _share(true: np.ndarray) -> float:
    return float(true.mean()) if len(true) else nan


def rounded(value: float) -> float | None:
    """Return a share as logs have it; None where it is undefined."""
    return None if np.isnan(value) else round(value, 4)
