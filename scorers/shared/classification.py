"""Statistics of a latent whose test contexts were labelled 1 or 0: balanced accuracy, AUROC, F1 and the like.

Two families. The *balanced* statistics look at each kind of context by itself, and compare every kind of negatives with
the activating contexts separately. The *population-weighted* ones (F1, AUPRC) give each context the weight of the
population it stands for, so that a false positive counts as often as it occurs in the corpus; balanced statistics hide
false positives of a rare latent (arXiv 2506.05774). With p the share of the corpus's windows on which the latent fires,
an activating context weighs p / n⁺ and a random non-activating one (1 − p) / n⁻. Harder negatives stand for no
population and get no weight. No weight helps where 100 random contexts contain hardly a false positive of a rare latent
(`planted.sanity`): importance-sampled ones do (`contexts.importance`). These take the place of random ones in every
statistic, each counting with its weight w where a random one counts 1, and (1 − p) w / Σw in the population.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import DECILES
from inspect_autointerp.scorers.shared.ranking import UNDEFINED, auroc, of_kind, of_population, weights_of

DECILE_KEYS = [f"tpr_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = [
    *("balanced_accuracy", "auroc", "tpr", "tnr", "f1", "precision", "auprc", "effective_n", "unscored"),
    "with_probability",
    "same_labels",
    *DECILE_KEYS,
]
TUNED = "balanced_accuracy_tuned"
"""There only where the grader was asked for probabilities, see `shared.threshold`."""
BALANCED = ("balanced_accuracy", "auroc", "tnr")
"""The statistics that there are for each harder kind of negatives too, as `auroc_neighbours`."""


def classification_statistics(verdicts: Sequence[Verdict], facts: LatentFacts) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each test context; unscored ones count in `unscored` and nowhere else. Where negatives of a
            hard kind have a `partner`, they are compared with their partners pair by pair, and not with all
            activating contexts.
        facts: The latent's firing share, the hard kinds, and how many contexts of one are enough.

    Returns:
        - `balanced_accuracy`: (tpr + tnr) / 2, in [0, 1], of activating against random contexts.
        - `auroc`: from the probabilities, over the scored contexts that have one; undefined where a side has none.
        - `tpr`, `tnr`: shares of activating and of random contexts that were labelled correctly.
        - `tpr_decile_i`: `tpr` of the activating contexts of decile i (10 the strongest).
        - `f1`, `precision`, `auprc`: population-weighted; `auprc` needs probabilities, and `precision` a context with
          the label 1.
        - `effective_n`: (Σw)² / Σw² over those weights, the number of equally weighted contexts they are worth.
        - `unscored`: share of contexts without a verdict, all kinds together.
        - `with_probability`: share of the scored contexts that have a probability, all kinds together: those that
          `auroc` and `auprc` are computed from.
        - `same_labels`: share of the grader's calls that got the commonest list of labels, see `share_of_same_labels`.
        - `balanced_accuracy_tuned`: `balanced_accuracy` where contexts are labelled 1 from `facts.threshold` on instead
          of from one half on; left out where that is None.
        - `balanced_accuracy_KIND`, `auroc_KIND`, `tnr_KIND`: of activating contexts against that hard kind alone.
    """
    values = dict.fromkeys([*KEYS, *(f"{name}_{kind}" for kind in facts.hard for name in BALANCED)], UNDEFINED)
    values["unscored"] = 1 - len(scored(verdicts)) / len(verdicts) if verdicts else UNDEFINED
    n_known = sum(verdict.probability is not None for verdict in scored(verdicts))
    values["with_probability"] = n_known / len(scored(verdicts)) if scored(verdicts) else UNDEFINED
    values["same_labels"] = share_of_same_labels(verdicts, facts.texts_per_call)
    activating, random = scored(of_kind(verdicts, "activating")), scored(of_population(verdicts))
    for decile, key in enumerate(DECILE_KEYS, 1):
        values[key] = _positive_rate([verdict for verdict in activating if verdict.decile == decile])
    values["tpr"] = _positive_rate(activating)
    if facts.threshold is not None:
        values[TUNED] = accuracy_at(facts.threshold, activating, random)
    values |= balanced_statistics(activating, random)
    for kind in facts.hard:
        if len(of_kind(verdicts, kind)) >= facts.min_contexts:
            positives, negatives = _compared(verdicts, activating, kind)
            values |= {f"{name}_{kind}": v for name, v in balanced_statistics(positives, negatives).items()}
    if activating and random:
        values |= population_statistics(activating, random, facts.firing_share)
    return values


def share_of_same_labels(verdicts: Sequence[Verdict], texts_per_call: int) -> float:
    """Return the share of a grader's answers that are the commonest one, in [0, 1].

    A grader that answers every call with one list, be it all zeros or a worked example's, reaches 1 and looks like an
    honest one in no other statistic but by being at chance. Contexts are in random order, so a grader that reads them
    gives many lists: of 40 calls of five texts with all labels right, half of them 1, the commonest list is a tenth.

    Args:
        verdicts: One for each test context, in the order in which they were shown.
        texts_per_call: Texts in a call; 0 where that is not known.

    Returns:
        NaN with fewer than two whole answers. A last call of fewer texts, and calls without an answer, do not count.
    """
    size = max(1, texts_per_call)
    calls = [verdicts[i : i + size] for i in range(0, len(verdicts) - size + 1, size)]
    answers = Counter(tuple(verdict.label for verdict in call) for call in calls if len(scored(call)) == size)
    n = answers.total()
    return max(answers.values()) / n if texts_per_call and n > 1 else UNDEFINED


def balanced_statistics(positives: Sequence[Verdict], negatives: Sequence[Verdict]) -> dict[str, float]:
    """Return the `BALANCED` statistics of scored verdicts: positives should be labelled 1, negatives 0."""
    tnr = 1 - _positive_rate(negatives)
    area = auroc(_probabilities(positives), _probabilities(negatives), weights_of(_with_probability(negatives)))
    return {"balanced_accuracy": (_positive_rate(positives) + tnr) / 2, "auroc": area, "tnr": tnr}


def accuracy_at(threshold: float, positives: Sequence[Verdict], negatives: Sequence[Verdict]) -> float:
    """Return the balanced accuracy of labels that are 1 where the probability is at least a threshold.

    Args:
        threshold: The threshold, in [0, 1]; NaN gives NaN.
        positives: Scored verdicts that should be labelled 1; those without a probability do not count.
        negatives: Those that should be labelled 0.
    """
    if threshold != threshold:
        return UNDEFINED
    sides = [
        [replace(one, label=int((one.probability or 0) >= threshold)) for one in _with_probability(side)]
        for side in (positives, negatives)
    ]
    return balanced_statistics(*sides)["balanced_accuracy"]


def population_statistics(
    activating: Sequence[Verdict], random: Sequence[Verdict], firing_share: float
) -> dict[str, float]:
    """Return `f1`, `precision`, `auprc` and `effective_n` of scored verdicts, weighted as the module says."""
    truth, weight = _weighted(activating, random, firing_share)
    label = np.array([verdict.label for verdict in (*activating, *random)], dtype=int)
    true_positives = float(weight[(truth & label) == 1].sum())
    labelled, positives = float(weight[label == 1].sum()), float(weight[truth == 1].sum())
    values = {
        "effective_n": float(weight.sum() ** 2 / (weight**2).sum()),
        "f1": 2 * true_positives / (labelled + positives) if labelled + positives else 0.0,
        "precision": true_positives / labelled if labelled else UNDEFINED,
    }
    high, low = _with_probability(activating), _with_probability(random)
    if high and low:
        from sklearn.metrics import average_precision_score

        truth, weight = _weighted(high, low, firing_share)
        precision = average_precision_score(truth, _probabilities([*high, *low]), sample_weight=weight)
        values["auprc"] = float(precision)
    return values


def _weighted(
    activating: Sequence[Verdict], random: Sequence[Verdict], firing_share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels 1 and then 0 of the contexts, and the weight of the population that each stands for."""
    truth = np.repeat([1, 0], [len(activating), len(random)])
    weights = weights_of(random)
    shares = np.full(len(random), 1 / len(random)) if weights is None else weights / weights.sum()
    return truth, np.concatenate(
        [np.full(len(activating), firing_share / len(activating)), (1 - firing_share) * shares]
    )


def scored(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that have a label."""
    return [verdict for verdict in verdicts if verdict.label is not None]


def _compared(verdicts: Sequence[Verdict], activating: list[Verdict], kind: str) -> tuple[list[Verdict], list[Verdict]]:
    """Return the scored verdicts that a hard kind's statistics compare: positives, and negatives of that kind."""
    negatives = of_kind(verdicts, kind)
    if not any(negative.partner is not None for negative in negatives):
        return activating, scored(negatives)
    pairs = [(verdicts[negative.partner], negative) for negative in negatives if negative.partner is not None]
    pairs = [pair for pair in pairs if len(scored(pair)) == 2]  # a pair counts if both are scored
    return [positive for positive, _ in pairs], [negative for _, negative in pairs]


def _positive_rate(verdicts: Sequence[Verdict]) -> float:
    """Return the share of scored verdicts with label 1, each at its weight; NaN of none."""
    labels = [verdict.label for verdict in verdicts if verdict.label is not None]
    return float(np.average(labels, weights=weights_of(scored(verdicts)))) if labels else UNDEFINED


def _with_probability(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.probability is not None]


def _probabilities(verdicts: Sequence[Verdict]) -> np.ndarray:
    """Return the probabilities of those that have one, float64 (verdict,)."""
    known = [verdict.probability for verdict in verdicts if verdict.probability is not None]
    return np.array(known, dtype=np.float64)
