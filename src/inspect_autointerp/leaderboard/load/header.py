"""What the header of a log says of its explainer and of its scores."""

from pathlib import Path
from typing import Any, NamedTuple

from inspect_ai.log import EvalLog, EvalScore

FLOORS = ("shuffled", "constant", "empty")
_METRICS = ("estimate_mean", "estimate_low", "estimate_high")
"""What `scorers.shared.metrics.estimate` leaves in a log; Inspect puts the package's name in front."""
_HUGE = 1e38


class Estimate(NamedTuple):
    """A mean over latents, with its 95 % interval; NaN where undefined."""

    mean: float
    low: float
    high: float
    n: int
    """Latents that have a value."""


def solver_of(log: EvalLog) -> tuple[str, dict[str, Any], bool]:
    """Return the name of the solver that explained, its options, and whether it took explanations from a file."""
    arguments = log.eval.task_args
    wanted = arguments.get("explainer", "explain")
    options = dict(wanted) if isinstance(wanted, dict) else {"name": wanted}
    if log.eval.solver:  # --solver, in place of the task's
        options = {"name": log.eval.solver.rpartition("/")[2], **(log.eval.solver_args or {})}
    solver, file = str(options.pop("name", "explain")), arguments.get("explanations")
    if file is not None:
        options["file"], solver = Path(str(file)).name, "supply" if solver == "explain" else solver
    return solver, options, options.get("file") is not None


def scores_of(log: EvalLog) -> dict[str, list[EvalScore]]:
    """Return the statistics of each score, by the score's name in the log.

    Where epochs are reduced in several ways, a statistic is that of the first.
    """
    by_scorer: dict[str, dict[str, EvalScore]] = {}
    for score in log.results.scores if log.results else []:
        by_scorer.setdefault(score.scorer, {}).setdefault(score.name, score)
    return {scorer: list(scores.values()) for scorer, scores in by_scorer.items()}


def estimate_parts(score: EvalScore) -> dict[str, float]:
    """Return the `mean`, `low` and `high` of a statistic, as far as the header has them; NaN where undefined."""
    value = {name.rsplit("/", 1)[-1]: float(metric.value) for name, metric in score.metrics.items()}
    return {
        name.partition("_")[2]: value[name] if abs(value[name]) < _HUGE else float("nan")
        for name in _METRICS
        if name in value
    }


def estimates_of(scores: list[EvalScore]) -> dict[str, Estimate]:
    """Return a score's estimates by statistic."""
    nan = float("nan")
    return {
        score.name: Estimate(*({"mean": nan, "low": nan, "high": nan} | estimate_parts(score)).values(),
                             n=score.scored_samples or 0)
        for score in scores
    }  # fmt: skip
