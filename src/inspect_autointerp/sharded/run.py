"""Shards, several at a time, until all are done or the user has had enough."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.sharded.lifeline import PATIENCE
from inspect_autointerp.sharded.logs import Logs, find_logs, remove_superseded
from inspect_autointerp.sharded.plan import Plan
from inspect_autointerp.sharded.shard import Log, Outcome, Process, command, least_command, log_is_whole

_POLL = 0.5
"""Seconds between looks at the processes."""
_HOPELESS = 3
"""So many shards that fail before any latent is done fail for what they have in common."""


@dataclass
class Sweep:
    """Progress of a sharded evaluation."""

    plan: Plan
    log_dir: str
    log: Log
    logs: Logs
    failed: dict[int, str] = field(default_factory=dict[int, str])
    """Why, by shard."""
    done_now: int = 0
    """Latents done by the processes of this run, of shards that have ended."""

    @property
    def waiting(self) -> list[int]:
        """Shards to run."""
        return [n for n in range(1, len(self.plan.shards) + 1) if n not in self.logs.complete]

    @property
    def latents_kept(self) -> int:
        """Latents of complete shards."""
        return sum(len(self.plan.shards[shard - 1]) for shard in self.logs.complete)

    def take(self, shard: int, outcome: Outcome) -> None:
        """Note how a shard ended.

        Raises:
            UserError: The first ones all failed before they had done anything.
        """
        if outcome.problem is None and outcome.location is not None:
            self.logs.complete[shard] = outcome.location
            remove_superseded(self.logs, shard)
            return
        self.failed[shard] = outcome.problem or "no log"
        if len(self.failed) >= _HOPELESS and not self.done_now and not self.logs.complete:
            raise UserError(f"{len(self.failed)} shards failed before any latent was done: {self.failed[shard]}")

    def command(self, shard: int) -> list[str]:
        """Return what to run for a shard."""
        unfinished = self.logs.unfinished.get(shard, [None])[0]
        return command(self.plan, shard, self.log_dir, self.log, unfinished)


Show = Callable[[Sweep, int, int], None]
"""Shows a sweep, with the latents that running shards have done, and the number of these shards."""


def begin(plan: Plan, log_dir: str, log: Log) -> Sweep:
    """Take up a sweep where its logs are."""
    return Sweep(plan, log_dir, log, find_logs(log_dir, plan))


def run_locally(sweep: Sweep, processes: int, show: Show = lambda sweep, done, running: None) -> None:
    """Run all shards that are not complete; those that fail are in `sweep.failed`.

    Args:
        sweep: What to run.
        processes: At a time.
        show: Called about twice a second.

    Raises:
        Interrupted: The user asked to stop. What is done is kept.
        UserError: See `Sweep.take`.
    """
    waiting = sweep.waiting
    running: dict[int, Process] = {}
    finished: dict[int, Outcome] = {}
    with terminations_interrupt():
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    shard = waiting.pop(0)
                    running[shard] = Process(sweep.command(shard), sweep.log)
                for shard in [shard for shard, process in running.items() if process.ended()]:
                    process = running.pop(shard)
                    sweep.done_now += process.done()
                    outcome = process.wait()
                    if log_is_whole(outcome, sweep.log) and shard not in finished:
                        finished[shard] = outcome
                        running[shard] = Process(least_command(outcome))
                    else:  # a log that could not be made smaller is complete all the same
                        sweep.take(shard, finished.pop(shard, outcome))
                show(sweep, sum(process.done() for process in running.values()), len(running))
                if running:
                    time.sleep(_POLL)
        except KeyboardInterrupt:
            _stop(list(running.values()))
            running = {}
            raise Interrupted(left(sweep)) from None
        finally:
            _stop(list(running.values()))


def left(sweep: Sweep) -> str:
    """Return a message for a user who stopped a sharded evaluation."""
    done, n = len(sweep.logs.complete), len(sweep.plan.shards)
    return (
        f"stopped; {done} of {n} shards are complete in {sweep.log_dir}. Repeat the command to continue from there,"
        " with the latents that the logs of unfinished shards hold"
    )


@contextmanager
def terminations_interrupt() -> Generator[None]:
    """Within the block a scheduler's SIGTERM is as Ctrl-C; outside the main thread signals are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(processes: Sequence[Process]) -> None:
    """Have processes close their logs; those that take too long, or a second Ctrl-C, are killed."""
    try:
        for process in processes:
            process.stop()
        end = time.monotonic() + PATIENCE
        for process in processes:
            process.wait(max(0.0, end - time.monotonic()))
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        for process in processes:
            process.kill()
