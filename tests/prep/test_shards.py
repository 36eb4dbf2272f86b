"""However a corpus is shared out, and wherever a run was stopped, the store is the single run's to the last bit."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.prep.run import scan
from inspect_autointerp.prep.run.merge import merge
from inspect_autointerp.prep.run.run import prep, prep_shard, shards_folder
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.scan import Scan
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.store import atomic
from inspect_autointerp.store.settings import Settings

Save = Callable[..., Path]


@pytest.fixture(scope="module")
def job(
    subject_folder: Path,
    sae_folder: Path,
    corpus_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    save_coder: Save,
) -> Job:
    """Two hookpoints, and a corpus of which every text is there twice: their windows' priorities tie."""
    corpus = tmp_path_factory.mktemp("twice")
    for copy in range(2):
        for path in corpus_folder.iterdir():
            (corpus / f"{copy}-{path.name}").write_bytes(path.read_bytes())
    other = save_coder(tmp_path_factory.mktemp("coder"), "jumprelu", hook="model.layers.2.mlp")
    settings = Settings(corpus=str(corpus), tokens=6000, context_length=64, window=32, sample=6, top=3, pool=30)
    return Job(subject=str(subject_folder), coders=[str(sae_folder), str(other)], settings=settings, batch_size=4)


@pytest.fixture(scope="module")
def single(job: Job, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("single") / "store"
    prep(job, folder, progress=False)
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stop_after(monkeypatch: pytest.MonkeyPatch, batches: int, how: Callable[[], Any]) -> None:
    """Let the batch of that number, from 1, run and then do something."""
    fold, done = Scan.fold, 0

    def counted(self: Scan, batch: Any, number: int) -> None:
        nonlocal done
        fold(self, batch, number)
        done += 1
        if done == batches:
            how()

    monkeypatch.setattr(Scan, "fold", counted)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_shards_merged_are_the_single_run(job: Job, single: dict[str, bytes], tmp_path: Path, n: int) -> None:
    for i in reversed(range(1, n + 1)):
        assert prep_shard(job, tmp_path / "store", Shard(i, n), progress=False).name == f"{i}-of-{n}"
    merge(tmp_path / "store", progress=False)
    assert contents(tmp_path / "store") == single


@pytest.mark.parametrize("batches", [1, 9])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_interrupted_goes_on_to_the_same_store(
    job: Job, single: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int, number: int
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, batches, lambda: os.kill(os.getpid(), number))
        with pytest.raises(Interrupted, match=r"^interrupted after [\d,]+ tokens; --resume continues from there$"):
            prep(job, tmp_path / "store", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["store.checkpoint"]
    message = r"store.checkpoint holds an interrupted run; --resume continues it, --overwrite starts again$"
    with pytest.raises(UserError, match=message):
        prep(job, tmp_path / "store", progress=False)
    ran: list[int] = []
    fold = Scan.fold
    monkeypatch.setattr(Scan, "fold", lambda *arguments: (ran.append(1), fold(*arguments))[1])
    prep(job, tmp_path / "store", resume=True, progress=False)
    assert contents(tmp_path / "store") == single
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    whole: list[int] = ran[:]
    ran.clear()
    prep(job, tmp_path / "again", progress=False)
    assert len(ran) - len(whole) == batches, "what was done is not done again"


def test_a_second_interruption_does_not_wait(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    stop_after(monkeypatch, 2, lambda: (interrupt(), interrupt()))
    with pytest.raises(KeyboardInterrupt):
        prep(job, tmp_path / "store", progress=False)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_signals_are_left_alone(job: Job, single: dict[str, bytes], tmp_path: Path) -> None:
    thread = threading.Thread(target=prep, args=(job, tmp_path / "store"), kwargs={"progress": False})
    thread.start()
    thread.join()
    assert contents(tmp_path / "store") == single


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_a_failure_between_batches_keeps_what_was_done(
    job: Job, single: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fail() -> None:
        raise error

    with monkeypatch.context() as patch:
        original = scan.corpus_documents

        def broken(*arguments: Any, **options: Any):
            for number, text in enumerate(original(*arguments, **options)):
                if number == 4:
                    fail()
                yield text

        patch.setattr(scan, "corpus_documents", broken)
        patch.setattr("inspect_autointerp.prep.corpus.tokens.AT_ONCE", 1)
        with pytest.raises(error):
            prep(job, tmp_path / "store", progress=False)
    prep(job, tmp_path / "store", resume=True, progress=False)
    assert contents(tmp_path / "store") == single


def test_a_failure_within_selection_does_not_pass_for_a_state(
    job: Job, single: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_autointerp.prep.select.selector import Selector

    with monkeypatch.context() as patch:
        calls, add = [], Selector.add

        def broken(self: Selector, *arguments: Any) -> None:
            calls.append(1)
            if len(calls) == 8:  # the second hookpoint of the fourth batch
                raise MemoryError
            add(self, *arguments)

        patch.setattr(Selector, "add", broken)
        with pytest.raises(MemoryError):
            prep(job, tmp_path / "store", progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "where", ["run.run.write_hookpoint", "write.writer._decile_edges"]
)  # before the first block, and after
def test_a_failure_while_the_store_is_written_keeps_the_pass(
    job: Job, single: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with monkeypatch.context() as patch:

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(f"inspect_autointerp.prep.{where}", full)
        message = r"store: cannot be written \(No space left on device\); nothing was changed$"
        with pytest.raises(UserError, match=message):
            prep(job, tmp_path / "store", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["store.checkpoint"]
    monkeypatch.setattr(Scan, "fold", lambda *_: pytest.fail("nothing is left to run"))
    prep(job, tmp_path / "store", resume=True, progress=False)
    assert contents(tmp_path / "store") == single


def test_a_full_disk_at_a_checkpoint_keeps_the_one_before(
    job: Job, single: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        saved, save = [], scan.Found.save

        def limited(self: Any, folder: Path, header: Any) -> None:
            saved.append(header.batches)
            if len(saved) > 2:
                raise OSError(28, "No space left on device")
            save(self, folder, header)

        patch.setattr(scan.Found, "save", limited)
        with pytest.raises(UserError, match=r"store\.checkpoint: cannot be written \(No space left on device\)"):
            prep(job, tmp_path / "store", checkpoint_minutes=0, progress=False)
    assert saved[:2] == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["store.checkpoint"]
    prep(job, tmp_path / "store", resume=True, progress=False)
    assert contents(tmp_path / "store") == single


def test_a_killed_process_leaves_the_previous_store_and_a_checkpoint(
    job: Job, single: dict[str, bytes], tmp_path: Path
) -> None:
    """kill −9, for real, while every batch writes a checkpoint."""
    small = replace(job, settings=replace(job.settings, tokens=500))
    prep(small, tmp_path / "store", progress=False)
    before = contents(tmp_path / "store")
    script = f"""
from pathlib import Path
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.run import prep
from inspect_autointerp.store.settings import Settings
prep({job!r}, Path({str(tmp_path / "store")!r}), overwrite=True, checkpoint_minutes=0, progress=False)
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 120
    while not (tmp_path / "store.checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    half = atomic._partial(tmp_path / "store.checkpoint")  # as if killed while one more checkpoint was written
    (tmp_path / f"{half}0").mkdir()
    (tmp_path / f"{half}0.lock").touch()
    assert contents(tmp_path / "store") == before
    prep(job, tmp_path / "store", resume=True, overwrite=True, progress=False)
    assert contents(tmp_path / "store") == single
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_shard_that_is_done_is_not_run_again(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prep_shard(job, tmp_path / "store", Shard(2, 7), progress=False)
    monkeypatch.setattr(Scan, "run", lambda *_: pytest.fail("it is done"))
    prep_shard(job, tmp_path / "store", Shard(2, 7), resume=True, progress=False)
    with pytest.raises(UserError, match=r"2-of-7 exists; give another --output, or --overwrite$"):
        prep_shard(job, tmp_path / "store", Shard(2, 7), progress=False)
    other = replace(job, settings=replace(job.settings, seed=1))
    with pytest.raises(UserError, match=r"2-of-7 exists; give another --output, or --overwrite$"):
        prep_shard(other, tmp_path / "store", Shard(2, 7), resume=True, progress=False)


def test_a_checkpoint_of_another_run_is_refused(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 2, interrupt)
        with pytest.raises(Interrupted):
            prep(job, tmp_path / "store", progress=False)
    for other in (replace(job, settings=replace(job.settings, seed=1)), replace(job, batch_size=5)):
        with pytest.raises(
            UserError, match=r"holds an interrupted run with other settings, weights or package versions"
        ):
            prep(other, tmp_path / "store", resume=True, progress=False)
    prep(replace(job, batch_size=5), tmp_path / "store", overwrite=True, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_shards_that_do_not_belong_together_are_refused(job: Job, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(UserError, match=r"store\.shards: it holds no finished shards; make them with"):
        merge(store, progress=False)
    small = replace(job, settings=replace(job.settings, tokens=800))
    for i in (1, 3):
        prep_shard(small, store, Shard(i, 3), progress=False)
    with pytest.raises(UserError, match=r"store\.shards: of 3 shards 2 are missing$"):
        merge(store, progress=False)
    prep_shard(replace(small, settings=replace(small.settings, seed=5)), store, Shard(2, 3), progress=False)
    with pytest.raises(UserError, match=r"2-of-3 and .+1-of-3 come from different runs"):
        merge(store, progress=False)
    corpus = Path(job.settings.corpus)
    changed = tmp_path / "changed"
    changed.mkdir()
    for path in corpus.iterdir():
        (changed / path.name).write_text(path.read_text(encoding="utf-8") + "!", encoding="utf-8")
    hidden = corpus.rename(corpus.with_name("hidden"))
    changed.rename(corpus)
    try:
        prep_shard(small, store, Shard(2, 3), overwrite=True, progress=False)
    finally:
        corpus.rename(changed)
        hidden.rename(corpus)
    with pytest.raises(UserError, match=r"2-of-3 and .+1-of-3 read different texts"):
        merge(store, progress=False)
    prep_shard(small, store, Shard(2, 3), overwrite=True, progress=False)
    broken = shards_folder(store) / "3-of-3" / "hookpoints" / "layers.1" / "selector.safetensors"
    broken.write_bytes(b"x")
    with pytest.raises(UserError, match=r"3-of-3: a file is missing or broken"):
        merge(store, progress=False)
    assert not store.exists()


def test_half_as_many_chunks_go_at_once_where_memory_does_not_suffice(
    job: Job,
    single: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    encode = Scan._encode

    def small(self: Scan, batch: Any, first: int) -> Any:
        if self._rows > 1:
            raise torch.OutOfMemoryError
        return encode(self, batch, first)

    with monkeypatch.context() as patch:
        patch.setattr(Scan, "_encode", small)
        prep(job, tmp_path / "store", progress=True)
    assert contents(tmp_path / "store") == single
    message = capsys.readouterr().err
    assert "out of memory: from here on 2 chunks at once" in message
    assert "out of memory: from here on 1 chunk at once" in message

    def none(*_: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Scan, "_encode", none)
    with pytest.raises(UserError, match=r"^a single chunk of 64 tokens is too large for the memory of cpu; give"):
        prep(job, tmp_path / "other", progress=False)


@pytest.mark.parametrize(("text", "expected"), [("1/1", Shard(1, 1)), ("2/7", Shard(2, 7))])
def test_a_shard_is_given_as_a_fraction(text: str, expected: Shard) -> None:
    assert Shard.parse(text) == expected


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "1/2/3", "", "-1/3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^--shard "):
        Shard.parse(text)


def test_a_launcher_says_which_shard_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Shard.parse(None) is None
    with pytest.raises(UserError, match=r"^--shard auto works under torchrun or srun only; give i/n$"):
        Shard.parse("auto")
    for name, value in {"SLURM_PROCID": "4", "SLURM_STEP_NUM_TASKS": "6", "SLURM_LOCALID": "1"}.items():
        monkeypatch.setenv(name, value)
    assert Shard.parse("auto") == Shard.parse(None) == Shard(5, 6, local=1)
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert Shard.parse(None) == Shard(1, 2)
    assert Shard.parse("3/3") == Shard(3, 3)
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    assert Shard.parse(None) is None
