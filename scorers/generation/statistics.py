"""Statistics of generation: how strongly a latent fires on texts that were written for it, and on near misses."""

from collections.abc import Sequence

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.scorers.shared.ranking import UNDEFINED, auroc, of_kind

KEYS = [
    *("balanced_accuracy", "balanced_accuracy_median", "auroc"),
    *("tpr", "tnr", "tpr_median", "tnr_median", "unscored"),
]
ACTIVE, NEAR_MISS = "active", "near_miss"
"""The kinds of texts: those on which the latent should fire, and those on which it should not."""


def generation_statistics(verdicts: Sequence[Verdict], facts: LatentFacts) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each text; its `value` is the largest activation on it, None where the text does not count.
        facts: The latent's `median` maximum, and how many texts of a kind are enough (`min_contexts`).

    Returns:
        - `tpr`, `tnr`: the share of active texts on which it fires at all (any activation above 0), and of near misses
          on which it does not.
        - `tpr_median`, `tnr_median`: the same of "fires at least as strongly as in the median".
        - `balanced_accuracy`, `balanced_accuracy_median`: the mean of the two; chance is 0.5.
        - `auroc`: how often the largest activation on an active text is above that on a near miss; ties count half.
        - `unscored`: the share of texts that do not count.
    """
    counted = [verdict for verdict in verdicts if verdict.value is not None]
    active, near = (_values(of_kind(counted, kind), facts.min_contexts) for kind in (ACTIVE, NEAR_MISS))
    values = dict.fromkeys(KEYS, UNDEFINED) | {"auroc": auroc(active, near)}
    values["unscored"] = 1 - len(counted) / len(verdicts) if verdicts else UNDEFINED
    values["tpr"] = _share([value > 0 for value in active])
    values["tnr"] = _share([value <= 0 for value in near])
    if facts.median == facts.median:
        values["tpr_median"] = _share([value >= facts.median for value in active])
        values["tnr_median"] = _share([value < facts.median for value in near])
    for name in ("", "_median"):
        values[f"balanced_accuracy{name}"] = (values[f"tpr{name}"] + values[f"tnr{name}"]) / 2
    return values


def _values(verdicts: Sequence[Verdict], least: int) -> list[float]:
    """Return the values; none where there are fewer than `least`."""
    values = [verdict.value for verdict in verdicts if verdict.value is not None]
    return values if len(values) >= least else []


def _share(correct: Sequence[bool]) -> float:
    return sum(correct) / len(correct) if correct else UNDEFINED
