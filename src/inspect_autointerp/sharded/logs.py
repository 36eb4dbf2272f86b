"""The logs of a sweep in a folder: which shards are complete, and which were begun."""

from dataclasses import dataclass, field
from pathlib import Path

import fsspec
from inspect_ai.log import list_eval_logs, read_eval_log

from inspect_autointerp.sharded import KEY
from inspect_autointerp.sharded.plan import Plan
from inspect_autointerp.text.json_values import is_dict


@dataclass(frozen=True)
class Logs:
    """The logs that exist of a sharded evaluation."""

    complete: dict[int, str] = field(default_factory=dict[int, str])
    """A log by shard."""
    unfinished: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """Others of it, the newest first, by shard."""
    unreadable: list[str] = field(default_factory=list[str])
    """Logs of which it cannot be said what they are of."""


def find_logs(folder: str, plan: Plan) -> Logs:
    """Read the headers of all logs in a folder; there may be none, and no folder."""
    logs = Logs()
    if "://" not in folder and not Path(folder).exists():
        return logs
    for info in list_eval_logs(folder):  # the newest first
        try:
            log = read_eval_log(info, header_only=True)
        except Exception:  # a log cut short can fail in any layer
            logs.unreadable.append(info.name)
            continue
        shard = (log.eval.metadata or {}).get(KEY)
        if not is_dict(shard) or shard.get("id") != plan.id:
            continue
        if log.status == "success":
            logs.complete.setdefault(shard["shard"], info.name)
        else:
            logs.unfinished.setdefault(shard["shard"], []).append(info.name)
    return logs


def remove_superseded(logs: Logs, shard: int) -> None:
    """Remove a shard's unfinished logs: it is complete, and the new log has their samples."""
    for path in logs.unfinished.pop(shard, []):
        fs, place = fsspec.core.url_to_fs(path)
        fs.rm(place)
