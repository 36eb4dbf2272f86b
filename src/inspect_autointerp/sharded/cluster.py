"""Shards as tasks of a Ray cluster."""

import tempfile
from pathlib import Path
from typing import Any

from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.sharded.run import Show, Sweep, left, terminations_interrupt
from inspect_autointerp.sharded.shard import Log, Outcome, Process, command, least_command, log_is_whole
from inspect_autointerp.store.remote import is_url

_RETRIES = 3
"""Number of times that a shard is run again after its worker was killed."""


def run_on_cluster(sweep: Sweep, show: Show = lambda sweep, done, running: None) -> None:
    """Run all shards that are not complete as tasks of one CPU each; those that fail are in `sweep.failed`.

    The cluster is the one that `RAY_ADDRESS` names or that runs on this machine; without one, a cluster of this machine
    alone is started. Workers need this package, the keys of the models, and the context store under the same name. A
    shard's log comes back when it is complete, or goes straight to a log folder that is a URL; so where that is no URL
    a shard that was begun is run anew.

    Args:
        sweep: What to run.
        show: Called about twice a second.

    Raises:
        Interrupted: The user asked to stop. Complete shards are kept.
        UserError: Ray is not installed; or see `Sweep.take`.
    """
    ray = _ray()
    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="error")
    work = ray.remote(max_retries=_RETRIES, num_cpus=1)(_work)
    straight = sweep.log_dir if is_url(sweep.log_dir) else None
    running: dict[Any, int] = {}
    for shard in sweep.waiting:
        unfinished = sweep.logs.unfinished.get(shard, [None])[0] if straight else None
        running[work.remote(sweep.plan, shard, straight, sweep.log, unfinished)] = shard
    with terminations_interrupt():
        try:
            while running:
                done, _ = ray.wait(list(running), timeout=0.5)
                for reference in done:
                    shard = running.pop(reference)
                    sweep.take(shard, _received(ray, reference, sweep, shard))
                show(sweep, 0, len(running))
        except KeyboardInterrupt:
            raise Interrupted(left(sweep)) from None
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _received(ray: Any, reference: Any, sweep: Sweep, shard: int) -> Outcome:
    try:
        outcome, content = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Outcome(None, (str(error).strip().splitlines() or [type(error).__name__])[-1])
    if content is not None:
        folder = Path(sweep.log_dir)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / Path(outcome.location).name
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(content)
        partial.replace(target)
        outcome = Outcome(str(target), outcome.problem)
    sweep.done_now += len(sweep.plan.shards[shard - 1]) if outcome.problem is None else 0
    return outcome


def _work(plan: Any, shard: int, log_dir: str | None, log: Log, unfinished: str | None) -> tuple[Outcome, bytes | None]:
    """On a worker: run a shard; its log's bytes, where there is no folder that all can write to."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = Process(command(plan, shard, log_dir or folder, log, unfinished), log).wait()
        if log_is_whole(outcome, log):
            Process(least_command(outcome)).wait()
        if log_dir or outcome.location is None:
            return outcome, None
        return outcome, Path(outcome.location.removeprefix("file://")).read_bytes()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UserError(f'--ray needs Ray ({error}): `pip install "inspect-autointerp[ray]"`') from error
    return ray
