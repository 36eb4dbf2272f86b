"""What scorers that put texts to a grader have in common: the latent and its explanation first, the score last."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_ai.scorer import Metric, Score
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.answer_reasons import by_main_reason, counted
from inspect_autointerp.inspect_support.dataset import latent_named
from inspect_autointerp.inspect_support.evaluation import locate, one_line_errors
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.latent import Latent
from inspect_autointerp.scorers.shared.classification import KEYS, UNDEFINED
from inspect_autointerp.scorers.shared.metrics import estimate
from inspect_autointerp.store.store import Store


def judged_metrics(hard: Sequence[str] = HARD, keys: Sequence[str] = KEYS) -> dict[str, list[Metric]]:
    """An estimate of every statistic of these names; of hard kinds of negatives, where a score's values have them.

    A scorer's metrics are fixed before its arguments are known, so those of a kind are a pattern, which Inspect fits to
    the values there are.
    """
    return {key: [estimate()] for key in (*keys, *(f"*_{kind}" for kind in hard))}


def columns(hard: Sequence[str] = ()) -> list[str]:
    """The statistics that a viewer shows, the headline first."""
    balanced = (f"balanced_accuracy_{kind}" for kind in hard)
    return ["balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "unscored", *balanced]


def latent_of(state: TaskState, contexts: str | None, window: int | None) -> tuple[Store, Latent]:
    """The latent that a sample is about, and the store that has its contexts.

    Args:
        state: The sample's.
        contexts: The store, see `evaluation.locate`; by default the one that the sample is of, where it is still there.
        window: Tokens in a context, see `Store`.

    Raises:
        PrerequisiteError: The store cannot be opened, or is not the one that the sample was explained from: what the
            explainer saw could be among its test contexts.
    """
    here, key = state.metadata.get("contexts"), None
    if contexts is None and here and Path(here).is_dir():
        contexts, window = here, window or state.metadata.get("window")
    with one_line_errors():
        folder = locate(contexts)
        if folder == here:
            key = state.metadata.get("store_key")
        store = Store.open(folder, window, key)
        explained_from = Explanation.get(state).store
        if explained_from not in (None, store.digest):
            raise UserError(
                f"{store.folder}: store {store.digest} is not the one that {state.sample_id} was explained from,"
                f" {explained_from}; give that one as -S contexts=… (and -S window=… for what follows the slash)"
            )
        return store, latent_named(store, str(state.sample_id))


def made_by(grader: str, prompt: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a score's metadata says of how it was made: what has to agree for two scores to be compared.

    Args:
        grader: Its name.
        prompt: The version of its prompt.
        options: The scorer's arguments; where the store lies is left out.
    """
    return {
        "grader": grader,
        "prompt": prompt,
        "options": {name: value for name, value in options.items() if name != "contexts"},
    }


def without_explanation(explanation: Explanation, keys: Sequence[str], metadata: Mapping[str, Any]) -> Score:
    """The score where there is nothing to grade: unscored, with the reason."""
    return Score(
        value=dict.fromkeys(keys, UNDEFINED) | {"unscored": 1.0},
        reason=explanation.reason,
        explanation=f"Unscored: there is no explanation ({explanation.reason}).",
        metadata=dict(metadata),
    )


def judged_score(
    values: Mapping[str, float],
    text: str,
    reasons: Sequence[str | None],
    shown: str,
    metadata: Mapping[str, Any],
) -> Score:
    """The score of an explanation that was graded.

    Args:
        values: Its statistics.
        text: The explanation.
        reasons: Of each context, why it is unscored; None of a scored one.
        shown: What a reader of the log sees.
        metadata: See `made_by`; why contexts are unscored is added.
    """
    counts = counted(reason for reason in reasons if reason)
    totals = by_main_reason(counts)
    none_scored = bool(counts) and None not in reasons
    return Score(
        value={key: round(value, 4) for key, value in values.items()},  # far below its own uncertainty
        answer=text,
        reason=max(totals, key=totals.__getitem__) if none_scored else None,
        explanation=shown,
        metadata={**metadata, "unscored_reasons": counts},
    )


def too_few(counts: Mapping[str, int], kinds: Sequence[str], least: int) -> dict[str, dict[str, int]]:
    """For a score's metadata: of which kinds of negatives there were too few to score; nothing if of none."""
    found = {kind: counts.get(kind, 0) for kind in kinds if counts.get(kind, 0) < least}
    return {"too_few_contexts": found} if found else {}
