"""The samples of a log of this project, read some hundreds at a time."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

from inspect_autointerp.errors import UserError
from inspect_autointerp.text.render import visible

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

_TOGETHER = 256
"""Samples that are read together at the least."""
_PARTS = 128
"""In how many parts a large log is read: for each Inspect reads the log's directory, which grows with the log."""
_UNUSED = {"messages", "events", "attachments", "store", "output"}
_SHOWN = 60
"""Characters of a task's name that a message shows."""


def read_header(path: str) -> "EvalLog":
    """Return a log's header.

    Raises:
        UserError: It cannot be read, or is not of this project.
    """
    from inspect_ai.log import read_eval_log

    try:
        log = read_eval_log(path, header_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such log") from None
    except Exception as error:
        raise unreadable(path, error) from error
    if "inspect_autointerp" not in (log.eval.metadata or {}):
        task = visible(log.eval.task[:_SHOWN])
        raise UserError(f"{path}: this log comes from another project (task {task}) and has no explanations")
    return log


def read_samples(path: str, log: "EvalLog", latents: Sequence[str] | None = None) -> Iterator["EvalSample"]:
    """Read a log's samples without messages and events, in order; a part of them is in memory at a time.

    Args:
        path: Of the log.
        log: Its header.
        latents: Ids of those to read; by default all.

    Raises:
        UserError: A sample cannot be read, or there is none of a latent.
    """
    from inspect_ai.log import read_eval_log_samples_by_id

    wanted = _there(path, log)
    if latents is not None:
        known = list(dict.fromkeys(str(id) for id, _ in wanted))
        if unknown := [latent for latent in latents if latent not in set(known)]:
            raise UserError(f"{path}: it holds no latent {unknown[0]}; it holds {_some(known)}")
        wanted = [(id, epoch) for id, epoch in wanted if str(id) in set(latents)]
    for begin in range(0, len(wanted), size := max(_TOGETHER, len(wanted) // _PARTS)):
        try:
            part = read_eval_log_samples_by_id(path, wanted[begin : begin + size], exclude_fields=_UNUSED)
        except Exception as error:
            raise unreadable(path, error) from error
        yield from part


def unreadable(path: str, error: Exception) -> UserError:
    """Return the message about a log that is cut short or broken: it can fail in any layer."""
    return UserError(f"{path}: not a readable Inspect log ({type(error).__name__})")


def _there(path: str, log: "EvalLog") -> list[tuple[str | int, int]]:
    """Return the ids and epochs of the samples that a log holds: all of them, unless it was interrupted."""
    from inspect_ai.log import read_eval_log_sample_summaries

    if log.status == "success":
        return list(product(log.eval.dataset.sample_ids or [], range(1, (log.eval.config.epochs or 1) + 1)))
    try:
        return [(sample.id, sample.epoch) for sample in read_eval_log_sample_summaries(path)]
    except Exception as error:
        raise unreadable(path, error) from error


def _some(names: Sequence[str], most: int = 5) -> str:
    """Return a few of many names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}" if names else "none"
