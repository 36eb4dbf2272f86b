"""Per-latent statistics of a judged score: what the verdicts on its test contexts come to.

Two families. The *balanced* ones look at each kind of context by itself, and every kind of negative is set against the
activating contexts apart from the others. The *population-weighted* ones (F1, AUPRC) give each context the weight of
the population it stands for, and so weigh a false alarm as the corpus does; the balanced ones do not, which shows where
a latent is rare (arXiv 2506.05774). With p the share of the corpus's windows on which the latent fires, an activating
context weighs p / n⁺ and a random non-activating one (1 − p) / n⁻. Harder negatives stand for no population
and do not enter. What no weight can mend: of a rare latent's false alarms 100 random contexts hardly hold one
(`planted.sanity`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.scorers.shared.judge import Verdict

DECILE_KEYS = [f"tpr_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = [
    *("balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "effective_n", "unscored", "with_probability"),
    *DECILE_KEYS,
]
BALANCED = ("balanced_accuracy", "auroc", "tnr")
"""What there is for each harder kind of negative as well, as `auroc_neighbours`."""

UNDEFINED = float("nan")


def statistics_keys(hard: Sequence[str] = ()) -> list[str]:
    """The names of a latent's statistics, where harder kinds of negatives were tested on besides random ones."""
    return [*KEYS, *(f"{name}_{kind}" for kind in hard for name in BALANCED)]


def latent_statistics(
    contexts: Sequence[Context],
    verdicts: Sequence[Verdict],
    firing_share: float,
    hard: Sequence[str] = (),
    min_contexts: int = 1,
    like: Mapping[int, int] | None = None,
) -> dict[str, float]:
    """All statistics of one latent, by name; NaN where one is undefined.

    Args:
        contexts: The test contexts.
        verdicts: One for each; unscored ones count in `unscored` and nowhere else.
        firing_share: p, in [0, 1].
        hard: Kinds of negatives that get statistics of their own.
        min_contexts: Fewer contexts of a hard kind than this leave its statistics undefined.
        like: By the number of a negative, that of the activating context it was made like. Those of a hard kind are
            then set against these, pair by pair, and not against all.

    Returns:
        - `balanced_accuracy`: (tpr + tnr) / 2, in [0, 1], of activating against random contexts.
        - `auroc`: from the probabilities, over the scored contexts that have one; undefined where a side has none.
        - `tpr`, `tnr`: shares of activating and of random contexts judged right.
        - `tpr_decile_i`: the same among the activating contexts of decile i (10 the strongest).
        - `f1`, `auprc`: population-weighted; `auprc` needs probabilities.
        - `effective_n`: (Σw)² / Σw² over those weights: how many equal contexts the weighted ones amount to.
        - `unscored`: share of contexts without a verdict, all kinds together.
        - `with_probability`: share of the scored contexts that have a probability, all kinds together: what `auroc` and
          `auprc` speak of.
        - `balanced_accuracy_KIND`, `auroc_KIND`, `tnr_KIND`: of activating contexts against that hard kind alone.
    """
    values = dict.fromkeys(statistics_keys(hard), UNDEFINED)
    n_scored = sum(verdict.label is not None for verdict in verdicts)
    values["unscored"] = 1 - n_scored / len(contexts) if contexts else UNDEFINED
    known = sum(verdict.label is not None and verdict.probability is not None for verdict in verdicts)
    values["with_probability"] = known / n_scored if n_scored else UNDEFINED
    of_kind: dict[str, list[int]] = {kind: [] for kind in ("activating", "random", *hard)}
    for i, context in enumerate(contexts):
        of_kind[context.kind].append(i)
    right, wrong = (scored([verdicts[i] for i in of_kind[kind]]) for kind in ("activating", "random"))
    for key, decile in zip(DECILE_KEYS, range(1, DECILES + 1), strict=True):
        values[key] = _rate([v for c, v in zip(contexts, verdicts, strict=True) if c.decile == decile])
    values["tpr"] = _rate(right)
    values |= balanced(right, wrong)
    for kind in hard:
        found = [verdicts[i] for i in of_kind[kind]]
        against = right if like is None else [verdicts[like[i]] for i in of_kind[kind]]
        if like is not None:  # a pair counts if both are scored
            pairs = [pair for pair in zip(found, against, strict=True) if len(scored(pair)) == 2]
            found, against = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if len(of_kind[kind]) >= min_contexts:
            values |= {f"{name}_{kind}": value for name, value in balanced(against, scored(found)).items()}
    if not (right and wrong):
        return values
    truth, weight = _weighted(len(right), len(wrong), firing_share)
    values["effective_n"] = float(weight.sum() ** 2 / (weight**2).sum())
    said = np.array([verdict.label for verdict in (*right, *wrong)], dtype=int)
    found, claimed, there = (float(weight[which].sum()) for which in ((truth & said) == 1, said == 1, truth == 1))
    values["f1"] = 2 * found / (claimed + there) if claimed + there else 0.0
    sure, unsure = _beliefs(right), _beliefs(wrong)
    if len(sure) and len(unsure):
        from sklearn.metrics import average_precision_score

        truth, weight = _weighted(len(sure), len(unsure), firing_share)
        belief = np.concatenate([sure, unsure])
        values["auprc"] = float(average_precision_score(truth, belief, sample_weight=weight))
    return values


def _weighted(n_right: int, n_wrong: int, firing_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return labels 1 and then 0 of so many contexts, and the weight of the population that each stands for."""
    truth = np.array([1] * n_right + [0] * n_wrong)
    return truth, np.where(truth == 1, firing_share / n_right, (1 - firing_share) / n_wrong)


def balanced(right: Sequence[Verdict], wrong: Sequence[Verdict]) -> dict[str, float]:
    """The `BALANCED` statistics of verdicts that should be 1 against verdicts that should be 0, all of them scored."""
    tnr = 1 - _rate(wrong)
    sure, unsure = _beliefs(right), _beliefs(wrong)
    auroc = UNDEFINED
    if len(sure) and len(unsure):
        from sklearn.metrics import roc_auc_score

        truth = np.repeat([1, 0], [len(sure), len(unsure)])
        auroc = float(roc_auc_score(truth, np.concatenate([sure, unsure])))
    return {"balanced_accuracy": (_rate(right) + tnr) / 2, "auroc": auroc, "tnr": tnr}


def scored(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those with a label."""
    return [verdict for verdict in verdicts if verdict.label is not None]


def _rate(verdicts: Sequence[Verdict]) -> float:
    """The share of the scored ones that say 1; NaN of none."""
    labels = [verdict.label for verdict in verdicts if verdict.label is not None]
    return float(np.mean(labels)) if labels else UNDEFINED


def _beliefs(verdicts: Sequence[Verdict]) -> np.ndarray:
    """Return the probabilities of those that have one, float64 (verdict,)."""
    known = [verdict.probability for verdict in verdicts if verdict.probability is not None]
    return np.array(known, dtype=np.float64)
