"""An exception at any statement of selection, checkpoint and writing: what goes on from there makes the same store."""

import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from inspect_autointerp import atomic, folder_kind, manifest, renames
from inspect_autointerp.errors import Interrupted
from inspect_autointerp.prep import (
    all_or_nothing,
    checkpoint,
    directions,
    held,
    interrupt,
    run,
    scan,
    selector,
    state,
    tensor_file,
    writer,
)
from inspect_autointerp.prep.held import Held
from inspect_autointerp.prep.job import Job
from inspect_autointerp.prep.selector import Selector
from inspect_autointerp.settings import Settings

Line = tuple[str, int]
Save = Callable[..., Path]
PARTS = {
    "selection": (all_or_nothing, held, scan, selector),
    "checkpoint": (checkpoint, directions, state, tensor_file),
    "writing": (atomic, folder_kind, interrupt, manifest, renames, run, writer),
}
NEVER = 1e6
MINUTES = {"selection": (0, NEVER), "checkpoint": (0,), "writing": (NEVER,)}
"""Between checkpoints."""
BEFORE = {
    "__init__",
    "_draft",
    "_entry",
    "_near",
    "directions",
    "_nearest",
    "_array",
    "_bins",
    "load",
    "_mix",
    "encode",
}
"""Functions that run before anything could be lost, or that change nothing."""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, save_coder: Save, subject_folder: Path, corpus_folder: Path) -> Job:
    """Two hookpoints, and selection that sorts out what it holds several times."""
    folder = tmp_path_factory.mktemp("coders")
    coders = [
        save_coder(folder / hook, "topk", k=4, d_sae=16, seed=seed, hook=f"model.{hook}")
        for seed, hook in enumerate(("layers.1", "layers.2.mlp"))
    ]
    settings = Settings(
        corpus=str(corpus_folder), tokens=450, context_length=64, window=16, sample=4, top=2, pool=8, min_active=0
    )
    return Job(subject=str(subject_folder), coders=[str(path) for path in coders], settings=settings, batch_size=2)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The subject is loaded once and runs once on each batch, and selection's memory is small."""
    monkeypatch.setattr(scan, "load_sites", lambda job, load=scan.load_sites: _once("sites", lambda: load(job)))
    monkeypatch.setattr(scan, "version", cache(scan.version))
    monkeypatch.setattr(scan, "Selector", partial(Selector, buffer=300))
    encode = scan.Scan.encode
    monkeypatch.setattr(
        scan.Scan, "encode", lambda self, batch: _once(batch.pos.tobytes(), lambda: encode(self, batch))
    )


_known: dict[object, Any] = {}


def _once(key: object, compute: Callable[[], Any]) -> Any:
    if key not in _known:
        _known[key] = compute()
    return _known[key]


def make(job: Job, folder: Path, minutes: float = 0, **options: Any) -> None:
    run.prep(job, folder / "store", checkpoint_minutes=minutes, progress=False, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def single(job: Job, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("single")
    make(job, folder)
    return contents(folder / "store")


class Tracer:
    """Counts how often each line of some modules begins, and raises an error when one does for the n-th time."""

    def __init__(
        self,
        modules: tuple,
        target: tuple[Line, int] | None = None,
        error: type[BaseException] | None = None,
    ) -> None:
        self.files = {str(module.__file__) for module in modules}
        self.target, self.error = target, error
        self.hits: Counter[Line] = Counter()
        self.raised = False

    def __enter__(self) -> "Tracer":
        self._before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _called(self, frame: FrameType, event: str, _: object) -> Any:
        code = frame.f_code
        return self._line if code.co_filename in self.files and code.co_name not in BEFORE else None

    def _line(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            line = (frame.f_code.co_filename, frame.f_lineno)
            self.hits[line] += 1
            if self.error and not self.raised and self.target == (line, self.hits[line]):
                self.raised = True
                raise self.error
        return self._line


def boundaries(job: Job, folder: Path, part: str) -> list[tuple[Line, int, float]]:
    """Every line of a part that a run gets to, with one of the times that it does and minutes between checkpoints."""
    hits = {}
    make(job, folder / "warm")
    for minutes in MINUTES[part]:
        with Tracer(PARTS[part]) as tracer:
            make(job, folder / str(minutes), minutes)
        hits[minutes] = tracer.hits
    draw = random.Random(part)
    lines = sorted(set().union(*hits.values()))
    chosen = [(line, draw.choice([minutes for minutes in hits if line in hits[minutes]])) for line in lines]
    return [(line, draw.randint(1, hits[minutes][line]), minutes) for line, minutes in chosen]


@pytest.mark.parametrize("part", PARTS)
def test_run_interrupted_at_any_statement_resumes_to_same_bytes(
    job: Job, single: dict[str, bytes], tmp_path: Path, part: str
) -> None:
    for number, (line, time, minutes) in enumerate(boundaries(job, tmp_path / "whole", part)):
        error = (KeyboardInterrupt, MemoryError)[number % 2]
        folder = tmp_path / str(number)
        with Tracer(PARTS[part], (line, time), error) as tracer, suppress(error):
            make(job, folder, minutes)
        assert tracer.raised, f"{line} was not reached again"
        if not (folder / "store").exists():
            make(job, folder, minutes, resume=True)
        assert contents(folder / "store") == single, f"{error.__name__} at {line}, time {time}, {minutes}"


@pytest.mark.parametrize("minutes", [0, NEVER], ids=["checkpoints", "none"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_run_interrupted_wherever_rows_are_sorted_out_resumes_to_same(
    job: Job, single: dict[str, bytes], tmp_path: Path, minutes: float, error: type[BaseException]
) -> None:
    """Each time that selection takes its blocks apart, in the middle of it."""
    with pytest.MonkeyPatch.context() as patch:
        calls = count_cuts(patch)
        make(job, tmp_path / "whole", minutes)
    assert len(calls) > 4
    for number in range(len(calls)):
        folder = tmp_path / str(number)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(error):
            count_cuts(patch, number, error)
            make(job, folder, minutes)
        make(job, folder, minutes, resume=True)
        assert contents(folder / "store") == single, f"call {number}"


def count_cuts(patch: pytest.MonkeyPatch, at: int | None = None, error: type[BaseException] = Exception) -> list[int]:
    """Count the calls of `Held._cuts`, which has blocks and waiting rows in its hands, and let one of them fail."""
    calls, cuts = [], Held._cuts

    def counted(self: Held, n_rows: int) -> list[int]:
        calls.append(n_rows)
        if len(calls) - 1 == at:
            raise error
        return cuts(self, n_rows)

    patch.setattr(Held, "_cuts", counted)
    return calls


def test_one_signal_while_the_store_is_written_waits_and_is_resumable(
    job: Job, single: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, cuts, ahead = Selector.finish, Held._cuts, [interrupt_self]

    def interrupted(self: Held, n_rows: int) -> list[int]:
        while ahead:
            ahead.pop()()
        return cuts(self, n_rows)

    def finishing(self: Selector) -> Any:
        patch.setattr(Held, "_cuts", interrupted)
        return finish(self)

    with monkeypatch.context() as patch:
        patch.setattr(Selector, "finish", finishing)
        with pytest.raises(Interrupted, match=r"^interrupted while the store was written; --resume goes on from"):
            make(job, tmp_path, NEVER)
    assert not ahead
    assert [path.name for path in tmp_path.iterdir()] == ["store.checkpoint"]
    with monkeypatch.context() as patch:
        patch.setattr(scan.Scan, "fold", lambda *_: pytest.fail("nothing is left to run"))
        make(job, tmp_path, NEVER, resume=True)
    assert contents(tmp_path / "store") == single


def test_second_signal_in_a_checkpoint_keeps_the_one_before(
    job: Job, single: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, cuts = [], Held._cuts

    def interrupted(self: Held, n_rows: int) -> list[int]:
        calls.append(n_rows)
        if len(calls) == 4:  # in the second checkpoint, with the rows of the second hookpoint in hand
            interrupt_self()
            interrupt_self()
        return cuts(self, n_rows)

    with monkeypatch.context() as patch:
        patch.setattr(scan, "Selector", Selector)  # which sorts out at checkpoints alone
        patch.setattr(Held, "_cuts", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(job, tmp_path)
    assert state.Header.read(tmp_path / "store.checkpoint").batches == 1
    make(job, tmp_path, resume=True)
    assert contents(tmp_path / "store") == single


def interrupt_self() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_state_interrupted_in_a_change_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Selector(4)
    monkeypatch.setattr(Held, "sort_out", lambda *_: interrupt_self())
    with pytest.raises(KeyboardInterrupt):
        one.state()
    monkeypatch.undo()
    assert not one.whole
    for use in (one.state, one.finish):
        with pytest.raises(RuntimeError, match="incomplete since a change of it was interrupted; start anew"):
            use()
