"""What an export says of the logs that it was made of: who explained and graded what, how, and how it came out."""

from typing import TYPE_CHECKING, Any

from inspect_autointerp.formats.records import finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inspect_ai.log import EvalLog

_METRICS = ("mean", "low", "high")
_PRIVATE = {"contexts", "explanations"}
"""Arguments of a task that are places on the user's machine."""
_HEADERS = {"extra_headers", "extra_body"}
"""Settings of a model that may hold secrets."""


def provenance(name: str, log: "EvalLog", made_by: "Mapping[str, str]") -> dict[str, Any]:
    """A log as an entry of `provenance.json`.

    Args:
        name: The log's.
        log: Its header.
        made_by: How its scores were made, as its samples say: `SCORE.grader`, `SCORE.prompt`, `SCORE.options`.

    Returns:
        A record for JSON. `scores` has by score the means over latents with their 95 % intervals, and of how many
        latents; None where undefined.
    """
    spec, about = log.eval, log.eval.metadata or {}
    scores: dict[str, Any] = {}
    for score in log.results.scores if log.results else []:
        entry = scores.setdefault(score.scorer, {"statistics": {}})
        entry |= {key: made_by.get(f"{score.scorer}.{key}") for key in ("grader", "prompt", "options")}
        metrics = {name.rpartition("_")[2]: finite(metric.value) for name, metric in score.metrics.items()}
        values = {key: metrics.get(key) for key in _METRICS}
        entry["statistics"][score.name] = values | {"n": score.scored_samples or 0}
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
