"""Advice at the end of a run that did not finish: what a repetition pays for again.

Inspect itself names the command that goes on with the log.
"""

from asyncio import CancelledError
from functools import cache
from logging import getLogger

from inspect_ai.hooks import Hooks, RunEnd, hooks

ADVICE = (
    "interrupted: the same command takes explanations that were paid for out of the cache, and asks the grader again;"
    " give --cache from the start to keep the grader's answers, too. `inspect eval-retry` keeps what is done."
)


@cache
def advise_at_run_end() -> None:
    """Have runs that were interrupted end with advice, from now on.

    Called where a task is made, for the reason that `unscored_warning.warn_of_unscored` gives.
    """
    hooks(name="interruption", description="Says how to continue after an interruption.")(_Advise)


class _Advise(Hooks):
    async def on_run_end(self, data: RunEnd) -> None:
        if is_interrupted(data):
            getLogger(__name__).warning(ADVICE)


def is_interrupted(data: RunEnd) -> bool:
    """Return whether a run was ended by its user or by an error."""
    if not data.logs:  # so Inspect says of a Ctrl-C, mostly without an exception
        return isinstance(data.exception, KeyboardInterrupt | CancelledError | None)
    return any(log.status in ("cancelled", "error") for log in data.logs)
