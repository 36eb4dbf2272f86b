"""An exception at any statement of selection, checkpoint and writing: what goes on from there makes the same store."""

import random
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from inspect_autointerp import atomic, folder_kind, manifest, renames
from inspect_autointerp.prep import (
    all_or_nothing,
    checkpoint,
    directions,
    held,
    interrupt,
    rows,
    run,
    scan,
    selection,
    selector,
    state,
    tensor_file,
    writer,
)
from inspect_autointerp.prep.job import Job
from inspect_autointerp.prep.selector import Selector
from inspect_autointerp.settings import Settings

Line = tuple[str, int]
Save = Callable[..., Path]
PARTS = {
    "selection": (all_or_nothing, held, rows, scan, selector),
    "checkpoint": (checkpoint, directions, state, tensor_file),
    "writing": (atomic, folder_kind, interrupt, manifest, renames, run, selection, writer),
}
BEFORE = {"__init__", "_draft", "_entry", "_near", "directions", "_nearest", "_array", "_bins", "load", "_mix"}
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
        corpus=str(corpus_folder), tokens=600, context_length=64, window=16, sample=4, top=2, pool=8, min_active=0
    )
    return Job(subject=str(subject_folder), coders=[str(path) for path in coders], settings=settings, batch_size=2)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The subject is loaded once, and selection's memory is small."""
    monkeypatch.setattr(scan, "load_sites", _loaded)
    monkeypatch.setattr(scan, "Selector", partial(Selector, buffer=300))


@cache
def _sites(subject: str, coders: tuple[str, ...], load: Callable) -> Any:
    return load(Job(subject=subject, coders=list(coders), settings=Settings()))


def _loaded(job: Job, load: Callable = scan.load_sites) -> Any:
    return _sites(job.subject, tuple(job.coders), load)


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

    def __init__(self, modules: tuple, target: tuple[Line, int] | None = None, error: type | None = None) -> None:
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


def boundaries(job: Job, folder: Path, part: str, minutes: float) -> list[tuple[Line, int]]:
    """Every line of a part that a run gets to, with one of the times that it does."""
    with Tracer(PARTS[part]) as tracer:
        make(job, folder, minutes)
    draw = random.Random(f"{part} {minutes}")
    return [(line, draw.randint(1, n)) for line, n in sorted(tracer.hits.items())]


@pytest.mark.parametrize("minutes", [0, 1e6], ids=["checkpoints", "none"])
@pytest.mark.parametrize("part", PARTS)
def test_run_interrupted_at_any_statement_resumes_to_same_bytes(
    job: Job, single: dict[str, bytes], tmp_path: Path, part: str, minutes: float
) -> None:
    lines = boundaries(job, tmp_path / "whole", part, minutes)
    assert contents(tmp_path / "whole" / "store") == single
    for number, target in enumerate(lines):
        error = (KeyboardInterrupt, MemoryError)[number % 2]
        folder = tmp_path / str(number)
        with Tracer(PARTS[part], target, error) as tracer:
            try:
                make(job, folder, minutes)
            except error:
                pass
        assert tracer.raised, f"{target} was not reached again"
        if not (folder / "store").exists():
            make(job, folder, minutes, resume=True)
        assert contents(folder / "store") == single, f"{error.__name__} at {target}"
