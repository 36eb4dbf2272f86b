"""One shard: `inspect eval` in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inspect_autointerp.inspect_support.log_detail import LEAN
from inspect_autointerp.sharded import KEY
from inspect_autointerp.sharded.plan import Plan
from inspect_autointerp.sharded.worker_hooks import VARIABLE
from inspect_autointerp.text.json_values import is_dict

Log = Literal["full", "lean", "least"]

_LEAN = ("--no-log-realtime", "--no-log-model-api", "--no-score-display", "--acp-server=false", "--ctl-server=false")
"""Options that save what neither a finished log nor recovery needs: docs/performance.md, "What logs hold"."""
_TRACE = "INSPECT_TRACE_LEVEL"
"""The environment variable for what Inspect's traces hold; they cost a twentieth of a shard's time."""
_LONGEST = 400
"""Characters of a process's last words."""


@dataclass(frozen=True)
class Outcome:
    """The way in which a shard's process ended."""

    location: str | None
    """Location of its log, if it has one."""
    problem: str | None
    """Why the log is not complete; None where it is."""


def command(plan: Plan, shard: int, log_dir: str, log: Log, unfinished: str | None) -> list[str]:
    """The command that runs a shard, or runs what is missing of it.

    Args:
        plan: The sweep.
        shard: From 1.
        log_dir: Where its log goes.
        log: What is kept, see `autointerp eval-sharded`.
        unfinished: An earlier log of it, whose finished samples are taken over.
    """
    inspect = [sys.executable, "-m", "inspect_autointerp.sharded.inspect_cli"]
    common = ["--log-dir", log_dir, "--display", "log", "--json", *(() if log == "full" else _LEAN)]
    if unfinished:  # the log says what was asked for, and how
        return [*inspect, "eval-retry", unfinished, *common]
    reduced = log == "full" or plan.arguments.has("--epochs") or plan.arguments.has("--epochs-reducer")
    latents = ",".join(map(str, plan.shards[shard - 1]))
    return [
        *(
            *inspect,
            "eval",
            plan.task,
            *common,
            *(() if reduced else ("--epochs", "1", "--no-epochs-reducer")),
            *plan.arguments.given,
        ),
        *("-T", f"latents={latents}", "-T", f"min_contexts={plan.min_contexts}"),
        *("--metadata", f"{KEY}={json.dumps(plan.metadata(shard))}"),
    ]


def log_is_whole(outcome: Outcome, log: Log) -> bool:
    """Return whether a complete log has more in it than is to be kept."""
    return log == "least" and outcome.problem is None and outcome.location is not None


def least_command(outcome: Outcome) -> list[str]:
    """The command that makes a complete log smaller, see `least`."""
    return [sys.executable, "-m", "inspect_autointerp.sharded.strip_log", str(outcome.location)]


class Process:
    """A shard that is running. It ends with this process, see `lifeline`."""

    def __init__(self, words: list[str], log: Log = "lean") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="autointerp-sweep-")
        self._out, self._err, self._ticks = (Path(self._folder.name) / name for name in ("out", "err", "ticks"))
        self._ticks.touch()
        environment = os.environ | {VARIABLE: str(self._ticks)}
        if log != "full":
            environment.setdefault(_TRACE, "warning")
            environment.setdefault(LEAN, "1")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            # A session of its own: Ctrl-C in the terminal is for the sweep, which passes it on by the lifeline, stdin.
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=out, stderr=err, env=environment, start_new_session=True
            )

    def done(self) -> int:
        """Latents done so far."""
        return self._ticks.stat().st_size

    def ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Have it close its log and end."""
        if self._process.stdin:
            self._process.stdin.close()

    def kill(self) -> None:
        """End it at once; its log keeps what was written."""
        if not self.ended():
            self._process.kill()

    def wait(self, seconds: float | None = None) -> Outcome:
        """Wait for its end.

        Raises:
            TimeoutExpired: It has not ended by then.
        """
        code = self._process.wait(seconds)
        self.stop()  # closes this end of the pipe
        out, err = (path.read_text(encoding="utf-8", errors="replace") for path in (self._out, self._err))
        self._folder.cleanup()
        return _outcome(code, out, err)


def _outcome(code: int, out: str, err: str) -> Outcome:
    logs: list[dict[str, Any]] = []
    words: list[str] = []
    for line in out.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            words.append(line)
            continue
        if is_dict(record) and record.get("event") == "done":
            logs = record.get("logs", [])
    location = str(logs[0]["location"]) if logs else None
    if code == 0 and logs and all(log["status"] == "success" for log in logs):
        return Outcome(location, None)
    if code < 0:
        return Outcome(location, f"killed ({signal.Signals(-code).name})")
    return Outcome(location, _error(location) or _last_words([*words, *err.splitlines()]) or f"exit status {code}")


def _error(location: str | None) -> str | None:
    """Return what a log that is not complete says of that."""
    from inspect_ai.log import read_eval_log

    if location is None:
        return None
    log = read_eval_log(location, header_only=True)
    return log.error.message if log.error else f"status {log.status}"


def _last_words(lines: list[str]) -> str:
    told = [line.strip() for line in lines if line.strip()]
    if any(line.startswith("Traceback") for line in told):
        return told[-1][:_LONGEST]
    return " ".join(told)[-_LONGEST:]
