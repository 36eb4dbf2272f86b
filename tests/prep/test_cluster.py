"""A Ray cluster of this machine makes the store of the single run, though a worker be killed."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.run.cluster import prep_on_cluster
from inspect_autointerp.prep.run.run import prep, prep_shard, shards_folder
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.store.settings import Settings

ray = pytest.importorskip("ray")

CODER = '''
"""A coder that kills its process, once for each file that is not there."""
import os, signal
from pathlib import Path
from inspect_autointerp.prep.coders.triples import above

class Coder:
    source, architecture, n_latents, d_in, hookpoint = "own", "own", 32, 32, "layers.1"
    sha256, decoder, encoder, model_name = "0" * 64, None, None, None
    batches = 0

    def encode(self, x):
        self.batches += 1
        mark = Path(os.environ["KILL_ONCE"]) if "KILL_ONCE" in os.environ else None
        if mark and self.batches == 4 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return above(x, 0.0, "own")

def make(device="cpu"):
    return Coder()
'''


@pytest.fixture(scope="module")
def mark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster of two workers; the file that says that a worker was killed."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "killed_coder.py").write_text(CODER, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": path, "KILL_ONCE": str(folder / "mark"), "OMP_NUM_THREADS": "1"}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": environment})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder / "mark"
    ray.shutdown()


@pytest.fixture(scope="module")
def job(subject_folder: Path, corpus_folder: Path, mark: Path) -> Job:
    settings = Settings(corpus=str(corpus_folder), tokens=4000, context_length=64, sample=6, top=3, pool=30)
    return Job(subject=str(subject_folder), coders=["killed_coder:make"], settings=settings, batch_size=4)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_cluster_replaces_a_killed_worker_without_change(job: Job, mark: Path, tmp_path: Path) -> None:
    prep(job, tmp_path / "single", progress=False)
    prep_on_cluster(job, tmp_path / "store", 2, progress=False)
    assert mark.exists(), "a worker was killed"
    assert contents(tmp_path / "store") == contents(tmp_path / "single")
    assert {path.name for path in tmp_path.iterdir()} == {"single", "store"}


def test_shards_that_are_done_are_kept(job: Job, mark: Path, tmp_path: Path) -> None:
    mark.touch()
    prep(job, tmp_path / "single", progress=False)
    prep_shard(job, tmp_path / "store", Shard(2, 3), progress=False)
    before = (shards_folder(tmp_path / "store") / "2-of-3" / "state.json").stat().st_mtime_ns
    with pytest.raises(UserError, match=r"2-of-3 exists; give another --output, or --overwrite$"):
        prep_on_cluster(job, tmp_path / "store", 3, progress=False)
    assert (shards_folder(tmp_path / "store") / "2-of-3" / "state.json").stat().st_mtime_ns == before
    (shards_folder(tmp_path / "store") / "thesis.txt").write_text("mine")
    prep_on_cluster(job, tmp_path / "store", 3, resume=True, progress=False)
    assert contents(tmp_path / "store") == contents(tmp_path / "single")
    assert contents(shards_folder(tmp_path / "store")) == {"thesis.txt": b"mine"}, "the shards alone are removed"


def test_a_mistake_is_told_as_without_a_cluster(job: Job, mark: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^corpus .+: no such file or folder$"):
        prep_on_cluster(
            replace(job, settings=replace(job.settings, corpus=str(tmp_path / "no.txt"))),
            tmp_path / "store",
            2,
            progress=False,
        )
    assert list(tmp_path.iterdir()) == []
