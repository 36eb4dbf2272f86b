"""Intervals of one latent's statistics at the natural base rate, from importance-sampled contexts.

They cover what was drawn: the activating contexts, and which windows of the population were looked at. The grader's
randomness is not in them.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from inspect_autointerp.inspect_support.verdicts import IMPORTANCE, LatentFacts, Verdict
from inspect_autointerp.scorers.shared.ranking import UNDEFINED, of_kind, weights_of

KEY = "intervals"
"""The name of the intervals in a score's metadata."""


class Interval(NamedTuple):
    """An interval in [0, 1]; NaN where undefined."""

    low: float
    high: float


def base_rate_intervals(verdicts: Sequence[Verdict], facts: LatentFacts, level: float = 0.95) -> dict[str, Interval]:
    """Return intervals of `tnr`, `f1` and `precision` of labelled contexts; empty without importance-sampled ones.

    F1 and precision rise with the TPR and fall with the false positive rate. Their intervals are what they are at the
    corners of the two rates' joint interval, and so cover at least as often as those do together. Precision is defined
    wherever something can be labelled, so its interval may be there where it is NaN.

    Args:
        verdicts: One for each test context; unscored ones do not count.
        facts: The latent's firing share.
        level: Share of draws whose interval holds the value for the whole population, in (0, 1).
    """
    activating, silent = (
        [verdict for verdict in of_kind(verdicts, kind) if verdict.label is not None]
        for kind in ("activating", IMPORTANCE)
    )
    if not (activating and silent):
        return {}
    labels = np.array([verdict.label for verdict in activating], dtype=float)
    hits, alarms = clopper_pearson(labels.mean(), len(labels), sqrt(level)), false_positive_rate(silent, sqrt(level))
    alone, p = false_positive_rate(silent, level), facts.firing_share
    return {
        "tnr": Interval(1 - alone.high, 1 - alone.low),
        "f1": Interval(_f1(p, hits.low, alarms.high), _f1(p, hits.high, alarms.low)),
        "precision": Interval(_precision(p, hits.low, alarms.high), _precision(p, hits.high, alarms.low)),
    }


def base_rate_metadata(verdicts: Sequence[Verdict], facts: LatentFacts) -> dict[str, dict[str, list[float]]]:
    """Return the intervals as a score's metadata has them: under `intervals`, by statistic, rounded."""
    intervals = base_rate_intervals(verdicts, facts)
    rounded = {name: [round(bound, 4) for bound in interval] for name, interval in intervals.items()}
    return {KEY: rounded} if rounded else {}


def false_positive_rate(silent: Sequence[Verdict], level: float = 0.95) -> Interval:
    """Return the interval of the share of a population that is labelled 1, from labelled contexts with weights.

    A context of weight 1 stands for itself and is certain. The others are worth (Σw)² / Σw² contexts drawn alike
    (Kish), and more where they are a good part of all windows. That is cautious: where false positives are among the
    windows that were drawn oftener, the estimate is better than that.

    Args:
        silent: Scored contexts on which the latent is silent.
        level: Share of draws whose interval holds the rate of the whole population.
    """
    weights, labels = weights_of(silent), np.array([verdict.label for verdict in silent], dtype=float)
    weights = np.ones(len(labels)) if weights is None else weights
    drawn = weights > 1
    certain, rest = float(labels[~drawn].sum()), float(weights[drawn].sum())
    total = float(weights.sum())
    if not drawn.any():
        return Interval(certain / total, certain / total)
    n = rest**2 / float((weights[drawn] ** 2).sum()) / (1 - drawn.sum() / rest)
    low, high = clopper_pearson(float(weights[drawn] @ labels[drawn]) / rest, n, level)
    return Interval((certain + rest * low) / total, (certain + rest * high) / total)


def clopper_pearson(share: float, n: float, level: float = 0.95) -> Interval:
    """Return Clopper and Pearson's interval of a share of n things, where n need not be whole (Korn and Graubard)."""
    from scipy.special import betaincinv

    hits, tail = share * n, (1 - level) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if share > 0 else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if share < 1 else 1.0
    return Interval(low, high)


def _f1(p: float, tpr: float, fpr: float) -> float:
    return 2 * p * tpr / (p * tpr + p + (1 - p) * fpr) if p else UNDEFINED


def _precision(p: float, tpr: float, fpr: float) -> float:
    labelled = p * tpr + (1 - p) * fpr
    return p * tpr / labelled if labelled else UNDEFINED
