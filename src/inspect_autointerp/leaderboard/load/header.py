"""The explainer and the scores that a log's header names."""

from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog

from inspect_autointerp.inspect_support.stated_estimates import stated_estimates
from inspect_autointerp.statistics.estimates import Estimate
from inspect_autointerp.text.json_values import is_dict

FLOORS = ("shuffled", "constant", "verbose", "empty")


def solver_of(log: EvalLog) -> tuple[str, dict[str, Any], bool]:
    """Return the name of the solver that explained, its options, and whether it took explanations from a file."""
    arguments = log.eval.task_args
    wanted = arguments.get("explainer", "explain")
    options: dict[str, Any] = dict(wanted) if is_dict(wanted) else {"name": wanted}
    if log.eval.solver:  # --solver, in place of the task's
        options = {"name": log.eval.solver.rpartition("/")[2], **(log.eval.solver_args or {})}
    solver, file = str(options.pop("name", "explain")), arguments.get("explanations")
    if file is not None:
        options["file"], solver = Path(str(file)).name, "supply" if solver == "explain" else solver
    return solver, options, options.get("file") is not None


def trained_on_of(log: EvalLog) -> set[str]:
    """Return the scores that a log's explainer was trained on, as the user said (`trained_on`)."""
    named = solver_of(log)[1].get("trained_on") or ()
    return {str(part).strip() for part in (named.split(",") if isinstance(named, str) else named)}


def scorers_of(log: EvalLog) -> list[str]:
    """Return the names of the scores that a log has results of."""
    return list(dict.fromkeys(score.scorer for score in (log.results.scores if log.results else [])))


def header_estimates(log: EvalLog) -> dict[str, dict[str, Estimate]]:
    """Return, by score and statistic, the estimates that the header states; n is 0 where it does not say."""
    scores = log.results.scores if log.results else []
    counts = {(score.scorer, score.name): score.scored_samples or 0 for score in scores}
    nan = float("nan")
    return {
        scorer: {
            statistic: Estimate(
                **({"mean": nan, "low": nan, "high": nan} | parts), n=counts.get((scorer, statistic), 0)
            )
            for statistic, parts in statistics.items()
        }
        for scorer, statistics in stated_estimates(log).items()
    }
