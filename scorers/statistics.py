"""Per-latent statistics of a judged score: what the verdicts on its test contexts come to.

Two families. The *balanced* ones look at each kind of context by itself. The *population-weighted* ones (F1, AUPRC)
give each context the weight of the population it stands for, and so see an explanation that is too broad for a rare
latent, which the balanced ones do not (arXiv 2506.05774): with p the share of the corpus's windows on which the latent
fires, an activating context weighs p / n⁺ and a random non-activating one (1 − p) / n⁻.
"""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.scorers.judge import Verdict

DECILE_KEYS = [f"tpr_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = ["balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "effective_n", "unscored", *DECILE_KEYS]

UNDEFINED = float("nan")


def latent_statistics(
    contexts: Sequence[Context], verdicts: Sequence[Verdict], firing_share: float
) -> dict[str, float]:
    """All statistics of one latent, by name; NaN where one is undefined.

    Args:
        contexts: The test contexts.
        verdicts: One for each; unscored ones count in `unscored` and nowhere else.
        firing_share: p, in [0, 1].

    Returns:
        - `balanced_accuracy`: (tpr + tnr) / 2, in [0, 1].
        - `auroc`: from the probabilities; undefined unless every scored context has one.
        - `tpr`, `tnr`: shares of activating and of non-activating contexts judged right.
        - `tpr_decile_i`: the same among the activating contexts of decile i (10 the strongest).
        - `f1`, `auprc`: population-weighted; `auprc` needs probabilities.
        - `effective_n`: (Σw)² / Σw² over those weights: how many equal contexts the weighted ones amount to.
        - `unscored`: share of contexts without a verdict.
    """
    from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score

    scored = [i for i, verdict in enumerate(verdicts) if verdict.label is not None]
    truth = np.array([contexts[i].kind == "activating" for i in scored], dtype=int)
    said = np.array([verdicts[i].label for i in scored], dtype=int)
    decile = np.array([contexts[i].decile or 0 for i in scored])
    probability = [verdicts[i].probability for i in scored]
    values = dict.fromkeys(KEYS, UNDEFINED)
    values["unscored"] = 1 - len(scored) / len(contexts) if contexts else UNDEFINED
    positive, negative = truth.sum(), len(truth) - truth.sum()
    for key, of in zip(DECILE_KEYS, range(1, DECILES + 1), strict=True):
        if (decile == of).any():
            values[key] = float(said[decile == of].mean())
    if positive:
        values["tpr"] = float(recall_score(truth, said))
    if negative:
        values["tnr"] = float(recall_score(truth, said, pos_label=0))
    if not (positive and negative):
        return values
    values["balanced_accuracy"] = (values["tpr"] + values["tnr"]) / 2
    weight = np.where(truth == 1, firing_share / positive, (1 - firing_share) / negative)
    values["effective_n"] = float(weight.sum() ** 2 / (weight**2).sum())
    values["f1"] = float(f1_score(truth, said, sample_weight=weight, zero_division=0.0))
    if all(p is not None for p in probability):
        belief = np.array(probability, dtype=float)
        values["auroc"] = float(roc_auc_score(truth, belief))
        values["auprc"] = float(average_precision_score(truth, belief, sample_weight=weight))
    return values
