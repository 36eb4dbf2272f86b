"""Advice at the end of a run that did not come to its end: how to go on without paying twice."""

from functools import cache
from logging import getLogger

from inspect_ai.hooks import Hooks, RunEnd, hooks
from inspect_ai.log import EvalLog


@cache
def advise_at_run_end() -> None:
    """Have runs that were interrupted end with advice, from now on.

    Called where a task is made, for the reason that `unscored.warn_of_unscored` gives.
    """
    hooks(name="interruption", description="Says how to go on after an interruption.")(_Advise)


class _Advise(Hooks):
    async def on_run_end(self, data: RunEnd) -> None:
        for log in data.logs:
            line = advice(log)
            if line:
                getLogger(__name__).warning(line)


def advice(log: EvalLog) -> str | None:
    """Return how to go on with the evaluation of a log; None if it came to its end."""
    if log.status not in ("cancelled", "error") or "inspect_autointerp" not in (log.eval.metadata or {}):
        return None
    cached = "The same command takes explanations out of the cache; with --cache, the grader's answers too."
    return f"interrupted: `inspect eval-retry {log.location}` keeps the latents that are done. {cached}"
