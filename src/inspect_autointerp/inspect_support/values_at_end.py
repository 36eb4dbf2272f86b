"""The hook that writes the values of an evaluation beside its log, for the leaderboard (`load.values_file`)."""

import os
from functools import cache
from logging import getLogger

import fsspec
from anyio import to_thread
from inspect_ai.hooks import Hooks, TaskEnd, hooks

VARIABLE = "INSPECT_AUTOINTERP_VALUES"
LEAST = 100
"""Latents of a log from which on there is a file: fewer are read in the time that a file takes to open."""
_OFF = ("0", "off", "false", "no")


@cache
def keep_values_at_task_end() -> None:
    """Have evaluations write the file, from now on; called where a task is made, see `unscored_warning`."""
    hooks(name="values", description="Writes the values of all latents beside the log, for the leaderboard.")(_Keep)


class _Keep(Hooks):
    def enabled(self) -> bool:
        return os.environ.get(VARIABLE, "").lower() not in _OFF

    async def on_task_end(self, data: TaskEnd) -> None:
        log = data.log
        if log.status != "success" or "inspect_autointerp" not in (log.eval.metadata or {}) or not log.location:
            return
        if log.results is None or log.results.completed_samples < LEAST:
            return
        try:
            await to_thread.run_sync(keep_values, log.location)
        except Exception as error:  # the log has everything: an evaluation never fails for want of this file
            getLogger(__name__).warning(f"values of {log.location} are not kept beside it ({error or type(error)})")


def has_values(path: str) -> bool:
    """Return whether there is such a file beside a log."""
    from inspect_autointerp.leaderboard.load.values_file import SUFFIX

    fs, place = fsspec.core.url_to_fs(path + SUFFIX)
    return fs.exists(place)


def keep_values(path: str) -> None:
    """Write the file for a log that is complete.

    Raises:
        Exception: The log cannot be read, or the file not be written; errors are those of the layers below.
    """
    from inspect_autointerp.leaderboard.load.log_values import summarized
    from inspect_autointerp.leaderboard.load.values_file import write_values_file

    write_values_file(path, summarized(path))
