"""The shards of a run on a Ray cluster, and their merge."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.progress import say, token_bar
from inspect_autointerp.prep.run.merge import merge
from inspect_autointerp.prep.run.run import prep_shard, shards_folder
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.run_state import STATE, STATES, Header
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.store.atomic import atomic_folder, refuse_existing, remove_folder
from inspect_autointerp.store.manifest import STORE, Manifest

RETRIES = 3
"""Number of times that a shard is run again after its worker was killed."""


def prep_on_cluster(
    job: Job,
    output: Path,
    workers: int | None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: bool = True,
) -> Manifest:
    """Share a run out among the workers of a Ray cluster, and merge what they found: bit for bit the single run.

    The cluster is the one that `RAY_ADDRESS` names or that runs on this machine; without one, a cluster of this machine
    alone is started. Workers need this package, and the subject and coders under the same names. Where the cluster has
    GPUs every worker takes one. A shard that is done lies beside the store until all are.

    Args:
        job: What to run.
        output: The store's folder.
        workers: How many shards to make; None for as many as there are GPUs, or else CPUs.
        overwrite: Replace a store, and shards, that are there.
        resume: Keep the shards that are done already.
        progress: Show what is under way.

    Raises:
        UserError: Ray is not installed, or something given cannot be used.
    """
    ray = _ray()
    refuse_existing(output, kind=STORE, overwrite=overwrite)
    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="error")
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    n = workers or gpus or int(resources.get("CPU", 1))
    say(f"{n} workers of a Ray cluster of {int(resources.get('CPU', 0))} CPUs and {gpus} GPUs", shown=progress)
    job = replace(job, device="cuda" if gpus else job.device)
    folder = shards_folder(output)
    shards = [shard for shard in (Shard(i, n) for i in range(1, n + 1)) if not _done(folder / shard.name, job, resume)]
    for shard in shards:
        refuse_existing(folder / shard.name, kind=STATES, overwrite=overwrite)
    with _Tally(ray) as tally:
        work = ray.remote(max_retries=RETRIES, num_cpus=1, num_gpus=1 if gpus else 0)(_work)
        running = {work.remote(job, shard, tally.add): shard for shard in shards}
        with token_bar(job.settings.tokens * len(shards) // n, shown=progress) as advance:
            told = 0
            while running:
                done, _ = ray.wait(list(running), timeout=1)
                for reference in done:
                    _keep(_result(ray, reference), folder / running.pop(reference).name, overwrite=overwrite)
                    del reference
                now = tally.total()
                advance(now, now - told)
                told = now
    manifest = merge(output, overwrite=overwrite, progress=progress)
    for number in range(1, n + 1):
        with suppress(UserError):  # a user's file in it stays
            remove_folder(folder / Shard(number, n).name, kind=STATES)
    with suppress(OSError):  # shards of another number of workers may be there
        folder.rmdir()
    return manifest


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UserError(f'--workers needs Ray ({error}): `pip install "inspect-autointerp[ray]"`') from error
    return ray


def _done(folder: Path, job: Job, resume: bool) -> bool:
    return resume and (folder / STATE).is_file() and Header.read(folder).asked_for(job)


def _work(job: Job, shard: Shard, tell: Callable[[int], None]) -> dict[str, np.ndarray]:
    """On a worker: run one shard, and return its files' bytes by path; a shared file system is not asked for."""
    with TemporaryDirectory() as name:
        folder = prep_shard(job, Path(name) / "store", shard, progress=False, tell=tell)
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): np.fromfile(path, dtype=np.uint8) for path in files}


def _result(ray: Any, reference: Any) -> dict[str, np.ndarray]:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"a worker failed {RETRIES + 1} times ({reason}); --resume keeps the finished shards"
        ) from error


def _keep(files: dict[str, np.ndarray], target: Path, *, overwrite: bool) -> None:
    with atomic_folder(target, kind=STATES, overwrite=overwrite) as folder:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            content.tofile(folder / name)


class _Tally:
    """Number of tokens that all workers have run, counted by an actor."""

    def __init__(self, ray: Any) -> None:
        class Counter:
            def __init__(self) -> None:
                self.n = 0

            def add(self, n: int) -> None:
                self.n += n

            def total(self) -> int:
                return self.n

        self._ray = ray
        self._counter = ray.remote(num_cpus=0)(Counter).remote()

    def __enter__(self) -> "_Tally":
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.kill(self._counter)

    @property
    def add(self) -> Callable[[int], None]:
        """To be called by workers."""
        counter = self._counter
        return lambda n: counter.add.remote(n)

    def total(self) -> int:
        """So far."""
        return self._ray.get(self._counter.total.remote())
