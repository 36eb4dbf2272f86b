"""FADE's four numbers (arXiv 2502.16994), and what each is where ratings say nothing.

The formulas are those of the repository brunibrun/FADE. With G = 2 AUROC − 1, the Gini coefficient of two samples:

- clarity: |G| of the activations on texts written from the explanation against those on natural texts.
- responsiveness: |G| of the activations on natural texts rated 2 against those rated 0.
- purity: the average precision of the same; where G < 0, of the activations with the sign turned.
- faithfulness: (max over factors of the share of steered texts rated 2 − that share without steering) / (1 − the
  latter), at least 0.

An absolute value and a maximum are above 0 by luck alone. So there are also G with its sign, the purity of a random
order, and the difference in shares at a factor that was chosen on other prompts.
"""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.scorers.shared.ranking import UNDEFINED, auroc, of_kind

KEYS = [
    *("responsiveness_signed", "clarity", "responsiveness", "purity", "faithfulness"),
    *("clarity_signed", "purity_chance", "faithfulness_held_out", "rated_2", "unscored"),
]
WRITTEN, STEERED = "active", "steered"
"""Kinds of texts beside contexts: written from the explanation, and written by the subject at a factor (`value`)."""


def fade_statistics(verdicts: Sequence[Verdict], facts: LatentFacts) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each text. Of a context, `value` is the largest activation and `rating` the grader's; of a
            text that was written from the explanation, `value` is the largest activation; of a steered text, `value` is
            the factor (0 without steering), `rating` the grader's, and `question` the number of its prompt.
        facts: The share of windows on which the latent fires, and how many written texts are enough (`min_contexts`).

    Returns:
        - `clarity`, `responsiveness`, `purity`, `faithfulness`: as the module says. Contexts count in clarity so that
          activating ones have the weight that they have in the corpus.
        - `clarity_signed`, `responsiveness_signed`: the Gini coefficients with their signs, in [−1, 1].
        - `purity_chance`: the share of contexts rated 2 among those rated 0 or 2: purity of a random order, nearly.
        - `faithfulness_held_out`: the difference in shares at the factor that is best on the other half of the prompts,
          the mean of both ways, in [−1, 1].
        - `rated_2`: the share of rated contexts with the rating 2.
        - `unscored`: the share of texts, of all kinds, without what they are there for.
    """
    values = dict.fromkeys(KEYS, UNDEFINED)
    if verdicts:
        values["unscored"] = float(np.mean([not _is_scored(verdict) for verdict in verdicts]))
    contexts = [verdict for verdict in verdicts if verdict.kind not in (WRITTEN, STEERED)]
    values["clarity_signed"] = _clarity(contexts, of_kind(verdicts, WRITTEN), facts)
    values["clarity"] = abs(values["clarity_signed"])
    rated = [verdict for verdict in contexts if verdict.rating is not None]
    clear, absent = (_activations([one for one in rated if one.rating == rating]) for rating in (2, 0))
    if rated:
        values["rated_2"] = len(clear) / len(rated)
    values["responsiveness_signed"] = gini(clear, absent)
    values["responsiveness"] = abs(values["responsiveness_signed"])
    if len(clear) and len(absent):
        values["purity_chance"] = len(clear) / (len(clear) + len(absent))
        values["purity"] = _purity(clear, absent, turned=values["responsiveness_signed"] < 0)
    steered = [verdict for verdict in of_kind(verdicts, STEERED) if verdict.rating is not None]
    values["faithfulness"] = _faithfulness(steered)
    values["faithfulness_held_out"] = _held_out(steered)
    return values


def gini(positives: np.ndarray, negatives: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return 2 AUROC − 1, in [−1, 1]; NaN where there are none of either; the weights are of the negatives."""
    return 2 * auroc(positives, negatives, weights) - 1


def _is_scored(verdict: Verdict) -> bool:
    return (verdict.value if verdict.kind == WRITTEN else verdict.rating) is not None


def _activations(verdicts: Sequence[Verdict]) -> np.ndarray:
    """Return the values, float64 (verdict,)."""
    return np.array([verdict.value for verdict in verdicts if verdict.value is not None], dtype=np.float64)


def _clarity(contexts: Sequence[Verdict], written: Sequence[Verdict], facts: LatentFacts) -> float:
    texts = _activations(written)
    sides = [[one for one in contexts if (one.kind == "activating") == active] for active in (True, False)]
    shares = (facts.firing_share, 1 - facts.firing_share)
    if len(texts) < facts.min_contexts or not all(sides) or not 0 < facts.firing_share < 1:
        return UNDEFINED
    weights = [np.full(len(side), share / len(side)) for side, share in zip(sides, shares, strict=True)]
    return gini(texts, np.concatenate([_activations(side) for side in sides]), np.concatenate(weights))


def _purity(clear: np.ndarray, absent: np.ndarray, *, turned: bool) -> float:
    from sklearn.metrics import average_precision_score

    activations = np.concatenate([clear, absent])
    labels = np.concatenate([np.ones(len(clear)), np.zeros(len(absent))])
    return float(average_precision_score(labels, -activations if turned else activations))


def _shares(steered: Sequence[Verdict]) -> dict[float, float]:
    """Return by factor the share of texts that are rated 2; factors in order of their size, 0 first."""
    factors = sorted({float(verdict.value or 0) for verdict in steered}, key=lambda factor: (abs(factor), factor))
    return {
        factor: float(np.mean([one.rating == 2 for one in steered if (one.value or 0) == factor])) for factor in factors
    }


def _faithfulness(steered: Sequence[Verdict]) -> float:
    shares = _shares(steered)
    if 0 not in shares or len(shares) < 2 or shares[0] == 1:
        return UNDEFINED
    return max(max(shares.values()) - shares[0], 0.0) / (1 - shares[0])


def _held_out(steered: Sequence[Verdict]) -> float:
    halves = [_shares([one for one in steered if (one.question or 0) % 2 == half]) for half in (0, 1)]
    differences: list[float] = []
    for chosen_on, measured_on in (halves, halves[::-1]):
        factors = {factor: share for factor, share in chosen_on.items() if factor and factor in measured_on}
        if 0 in measured_on and factors:
            differences.append(measured_on[max(factors, key=factors.__getitem__)] - measured_on[0])
    return float(np.mean(differences)) if len(differences) == len(halves) else UNDEFINED
