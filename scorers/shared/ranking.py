"""Statistics of a latent whose test contexts were ranked by a value: how often activating ones rank above others."""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.contexts.negatives import POPULATION
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import DECILES

DECILE_KEYS = [f"auroc_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = ["auroc", "unscored", *DECILE_KEYS]
UNDEFINED = float("nan")


def ranking_statistics(verdicts: Sequence[Verdict], facts: LatentFacts) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each test context. The higher its `value`, the better the context fits the explanation;
            verdicts without a value count in `unscored` and nowhere else.
        facts: The hard kinds of negatives, and how many contexts of one are enough.

    Returns:
        - `auroc`: how often an activating context's value is above a random one's, in [0, 1]; ties count half.
          Importance-sampled contexts take the place of random ones, each at its weight.
        - `unscored`: share of contexts without a value, all kinds together.
        - `auroc_decile_i`: of the activating contexts of decile i (10 the strongest) against all random ones.
        - `auroc_KIND`: of activating contexts against that hard kind alone.
    """
    values = dict.fromkeys([*KEYS, *(f"auroc_{kind}" for kind in facts.hard)], UNDEFINED)
    ranked = [verdict for verdict in verdicts if verdict.value is not None]
    if verdicts:
        values["unscored"] = 1 - len(ranked) / len(verdicts)
    activating, random = of_kind(ranked, "activating"), of_population(ranked)
    values["auroc"] = _auroc(activating, random)
    for decile, key in enumerate(DECILE_KEYS, 1):
        values[key] = _auroc([verdict for verdict in activating if verdict.decile == decile], random)
    for kind in facts.hard:
        if len(of_kind(verdicts, kind)) >= facts.min_contexts:
            values[f"auroc_{kind}"] = _auroc(activating, of_kind(ranked, kind))
    return values


def of_kind(verdicts: Sequence[Verdict], kind: str) -> list[Verdict]:
    """Return the verdicts on contexts of a kind."""
    return [verdict for verdict in verdicts if verdict.kind == kind]


def of_population(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts on contexts that stand for all windows on which the latent is silent."""
    return [verdict for verdict in verdicts if verdict.kind in POPULATION]


def weights_of(verdicts: Sequence[Verdict]) -> np.ndarray | None:
    """Return the weights of verdicts, float64 (verdict,); None where all count alike."""
    weights = [verdict.weight for verdict in verdicts]
    if all(weight is None for weight in weights):
        return None
    return np.array([1.0 if weight is None else weight for weight in weights], dtype=np.float64)


def auroc(
    positives: Sequence[float] | np.ndarray,
    negatives: Sequence[float] | np.ndarray,
    weights: np.ndarray | None = None,
) -> float:
    """Return P(a positive > a negative) + ½ P(they are equal); NaN where there are none of either.

    The same as scikit-learn's `roc_auc_score`, without its checks, which take many times as long on 200 values.

    Args:
        positives: Values, (positive,).
        negatives: Values, (negative,).
        weights: Weights of the negatives, above 0, float (negative,); all alike by default.
    """
    if not (len(positives) and len(negatives)):
        return UNDEFINED
    values = np.asarray(negatives, dtype=np.float64)
    if weights is not None:
        order = np.argsort(values, kind="stable")
        sums = np.concatenate([[0.0], np.cumsum(weights[order])])
        below, upto = (sums[np.searchsorted(values[order], positives, side=side)] for side in ("left", "right"))
        return float((below + upto).sum() / (2 * len(positives) * sums[-1]))
    ordered = np.sort(values)
    below, upto = (np.searchsorted(ordered, positives, side=side) for side in ("left", "right"))
    return float((below + upto).sum() / (2 * len(positives) * len(negatives)))


def _auroc(positives: Sequence[Verdict], negatives: Sequence[Verdict]) -> float:
    high, low = ([verdict for verdict in side if verdict.value is not None] for side in (positives, negatives))
    above, below = ([verdict.value for verdict in side if verdict.value is not None] for side in (high, low))
    return auroc(above, below, weights_of(low))
