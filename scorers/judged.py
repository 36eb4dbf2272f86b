"""What scorers that put texts to a grader have in common: the latent and its explanation first, the score last."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai.scorer import Metric, Score
from inspect_ai.solver import TaskState

from inspect_autointerp.explanation import Explanation
from inspect_autointerp.latent import Latent
from inspect_autointerp.negatives import HARD
from inspect_autointerp.scorers.judge import Verdict
from inspect_autointerp.scorers.metrics import estimate
from inspect_autointerp.scorers.statistics import KEYS, UNDEFINED
from inspect_autointerp.store import Store


def judged_metrics(hard: Sequence[str] = HARD) -> dict[str, list[Metric]]:
    """An estimate of every statistic; of hard kinds of negatives, where a score's values have them.

    A scorer's metrics are fixed before its arguments are known, so those of a kind are a pattern, which Inspect fits to
    the values there are.
    """
    return {key: [estimate()] for key in (*KEYS, *(f"*_{kind}" for kind in hard))}


def columns(hard: Sequence[str] = ()) -> list[str]:
    """The statistics that a viewer shows, the headline first."""
    balanced = (f"balanced_accuracy_{kind}" for kind in hard)
    return ["balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "unscored", *balanced]


def latent_of(state: TaskState, store: Store) -> Latent:
    """The latent that a sample is about."""
    hookpoint, _, index = str(state.sample_id).rpartition("/")
    return store.latent(hookpoint, int(index))


def without_explanation(explanation: Explanation, keys: Sequence[str]) -> Score:
    """The score where there is nothing to grade: unscored, with the reason."""
    return Score(
        value=dict.fromkeys(keys, UNDEFINED) | {"unscored": 1.0},
        reason=explanation.reason,
        explanation=f"Unscored: there is no explanation ({explanation.reason}).",
    )


def judged_score(
    values: Mapping[str, float], text: str, verdicts: Sequence[Verdict], shown: str, metadata: Mapping[str, Any]
) -> Score:
    """The score of an explanation that was graded.

    Args:
        values: Its statistics.
        text: The explanation.
        verdicts: What the grader said.
        shown: What a reader of the log sees.
        metadata: What else the log is to hold; why texts are unscored is added.
    """
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.reason)
    any_label = any(verdict.label is not None for verdict in verdicts)
    return Score(
        value={key: round(value, 4) for key, value in values.items()},  # far below its own uncertainty
        answer=text,
        reason=None if any_label or not reasons else reasons.most_common(1)[0][0],
        explanation=shown,
        metadata={**metadata, "unscored_reasons": dict(reasons)},
    )


def too_few(counts: Mapping[str, int], kinds: Sequence[str], least: int) -> dict[str, dict[str, int]]:
    """For a score's metadata: of which kinds of negatives there were too few to score; nothing if of none."""
    found = {kind: counts.get(kind, 0) for kind in kinds if counts.get(kind, 0) < least}
    return {"too_few_contexts": found} if found else {}
