"""Provenance of an export: who explained and graded what in its logs, how, and with which results."""

from typing import TYPE_CHECKING, Any

from inspect_autointerp.formats.records import finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inspect_ai.log import EvalLog

    from inspect_autointerp.statistics.estimates import Estimate

_PRIVATE = {"contexts", "explanations"}
"""Arguments of a task that are places on the user's machine."""
_HEADERS = {"extra_headers", "extra_body"}
"""Settings of a model that may hold secrets."""


def provenance(
    name: str, log: "EvalLog", made_by: "Mapping[str, str]", estimates: "Mapping[str, Mapping[str, Estimate]]"
) -> dict[str, Any]:
    """Describe a log as an entry of `provenance.json`.

    Args:
        name: The log's name.
        log: Its header.
        made_by: How its scores were made, as its samples say: `SCORE.grader`, `SCORE.prompt`, `SCORE.options`.
        estimates: By score and statistic, the mean over latents.

    Returns:
        A record for JSON. `scores` has by score the means over latents with their 95 % intervals, and of how many
        latents; None where undefined.
    """
    spec, about = log.eval, log.eval.metadata or {}
    scores: dict[str, Any] = {}
    for score, statistics in estimates.items():
        how = {key: made_by.get(f"{score}.{key}") for key in ("grader", "prompt", "options")}
        means = {
            statistic: {key: finite(value) for key, value in estimate._asdict().items()}
            for statistic, estimate in statistics.items()
        }
        scores[score] = {"statistics": means, **how}
    return {
        "log": name,
        "task": spec.task,
        "created": str(spec.created),
        "status": log.status,
        "explainer": {
            "model": spec.model,
            "config": spec.model_generate_config.model_dump(mode="json", exclude_none=True, exclude=_HEADERS),
            "task_args": {key: value for key, value in spec.task_args.items() if key not in _PRIVATE},
        },
        **{key: about.get(key) for key in ("subject", "coder", "hookpoint", "store", "grader", "latents_skipped")},
        "packages": spec.packages,
        "scores": scores,
    }
