"""Aggregate of several graders' labels, and each grader's error rates, by the model of Dawid and Skene.

Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm" (Applied Statistics 28,
1979): every context has a label that nobody sees, and each grader gives it with error rates of its own, independently
of the other graders. The unseen label is what the graders have in common. It is not whether the latent fires, which
the model never learns.

Weak priors keep rates off 0 and 1 and say that graders are better than chance; without them, labels and rates could
both be turned round. If two graders disagree, nothing shows which one is wrong, so rates need three.
"""

from dataclasses import dataclass

import numpy as np

PRIOR_RIGHT, PRIOR_WRONG = 4.0, 1.0
"""Pseudo-counts of right and of wrong labels, for each grader and each label."""
PRIOR_EACH = 1.0
"""Pseudo-count of contexts of each label."""
LEAST = 3
"""Graders that rates take."""
_ROUNDS, _CLOSE = 500, 1e-7
_TIE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """The result of `dawid_skene`."""

    probability: np.ndarray
    """float64 (context,): that the unseen label is 1; NaN where no grader gave a label."""
    misses: np.ndarray
    """float64 (grader,): share of contexts of label 1 to which a grader gives 0; NaN where that cannot be known."""
    false_alarms: np.ndarray
    """float64 (grader,): share of contexts of label 0 to which a grader gives 1; NaN where that cannot be known."""

    @property
    def label(self) -> np.ndarray:
        """float64 (context,): the likelier label; NaN where no grader gave one, and where both are as likely."""
        unknown = np.isnan(self.probability) | (np.abs(self.probability - 0.5) < _TIE)
        return np.where(unknown, np.nan, (self.probability > 0.5).astype(np.float64))


def dawid_skene(labels: np.ndarray, counts: np.ndarray | None = None) -> Consensus:
    """Estimate the unseen label of each context, and the error rates of each grader.

    Args:
        labels: float (context, grader): 1, 0, or NaN where a grader gave none.
        counts: float (context,): how often each row is there; once by default.

    Returns:
        With fewer than three graders that gave labels to the same contexts, rates are NaN and all graders count alike:
        two that disagree are a tie.
    """
    labels = np.asarray(labels, dtype=np.float64)
    known = ~np.isnan(labels)
    ones, zeros = np.where(known, labels, 0.0), np.where(known, 1 - labels, 0.0)
    weight = np.ones(len(labels)) if counts is None else np.asarray(counts, dtype=np.float64)
    weight = np.where(known.any(axis=1), weight, 0.0)
    judged = known[weight > 0]
    together = judged[judged.sum(axis=1) >= 2]
    learnable = judged.shape[1] >= LEAST and int(together.any(axis=0).sum()) >= LEAST
    right = np.full((2, labels.shape[1]), PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG))
    share = 0.5
    if learnable:
        total = known.sum(axis=1)
        probability = np.divide(ones.sum(axis=1), total, out=np.full(len(total), 0.5), where=total > 0)
        for _ in range(_ROUNDS):
            share, right = _rates(probability, ones, zeros, weight)
            before, probability = probability, _posterior(share, right, ones, zeros)
            if np.abs(probability - before).max(initial=0.0) < _CLOSE:
                break
    probability = np.where(known.any(axis=1), _posterior(0.5, right, ones, zeros), np.nan)
    wrong = np.where(learnable & (weight[:, None] * known > 0).any(axis=0), 1 - right, np.nan)
    return Consensus(probability=probability, misses=wrong[1], false_alarms=wrong[0])


def _rates(
    probability: np.ndarray, ones: np.ndarray, zeros: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the share of label 1, and the share of right labels of each grader: (label 0 or 1, grader)."""
    yes, no = weight * probability, weight * (1 - probability)
    share = (yes.sum() + PRIOR_EACH) / (weight.sum() + 2 * PRIOR_EACH)
    both = PRIOR_RIGHT + PRIOR_WRONG
    of_ones = (yes @ ones + PRIOR_RIGHT) / (yes @ (ones + zeros) + both)
    of_zeros = (no @ zeros + PRIOR_RIGHT) / (no @ (ones + zeros) + both)
    return float(share), np.stack([of_zeros, of_ones])


def _posterior(share: float, right: np.ndarray, ones: np.ndarray, zeros: np.ndarray) -> np.ndarray:
    """Return the probability of label 1 of each context."""
    for_one = np.log(share) + ones @ np.log(right[1]) + zeros @ np.log1p(-right[1])
    for_zero = np.log1p(-share) + zeros @ np.log(right[0]) + ones @ np.log1p(-right[0])
    return 1 / (1 + np.exp(np.clip(for_zero - for_one, -700, 700)))
