"""Means and intervals that a log's header states: what Inspect printed at the end of the evaluation."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalMetric, EvalScore

_PARTS = {"mean": "mean", "ci_low": "low", "ci_high": "high", "low": "low", "high": "high"}
"""By the name of a metric, the part of an estimate; logs before 0.2 say `low` and `high`."""
_HUGE = 1e38


def stated_estimates(log: "EvalLog") -> dict[str, dict[str, dict[str, float]]]:
    """Return what a log's header states of each score.

    Where epochs are reduced in several ways, a statistic is that of the first.

    Returns:
        By score and statistic `mean`, `low` and `high`, as far as they are stated; NaN where undefined. Logs from now
        on state the statistics of `ScoreSpec.summary`, older ones all.
    """
    stated: dict[str, dict[str, dict[str, float]]] = {}
    seen: set[tuple[str, str]] = set()
    for score in log.results.scores if log.results else []:
        of_score = stated.setdefault(score.scorer, {})
        if (score.scorer, score.name) in seen:
            continue
        seen.add((score.scorer, score.name))
        for key, metric in score.metrics.items():
            statistic, part = _meaning(score, key, metric)
            value = float(metric.value)
            if part is not None:
                of_score.setdefault(statistic, {})[part] = value if abs(value) < _HUGE else float("nan")
    return stated


def _meaning(score: "EvalScore", key: str, metric: "EvalMetric") -> tuple[str, str | None]:
    """Return the statistic that a metric is of, and which part of its estimate."""
    statistic = (metric.params or {}).get("statistic")
    if isinstance(statistic, str):
        return statistic, "mean" if metric.group == "average" else _PARTS.get(metric.name)
    older = key.rsplit("/", 1)[-1]  # a log of an older version: PACKAGE/estimate_mean, and a score per statistic
    return score.name, _PARTS.get(older.removeprefix("estimate_")) if older.startswith("estimate_") else None
