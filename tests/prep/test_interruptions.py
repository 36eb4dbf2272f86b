"""An exception at statements of selection, checkpoint and writing: what goes on from there makes the same store."""

import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from inspect_autointerp.errors import Interrupted
from inspect_autointerp.prep.run import all_or_nothing, checkpoint, interrupt, run, run_state, scan
from inspect_autointerp.prep.select import decoder_directions, retained, selector
from inspect_autointerp.prep.select.retained import Held
from inspect_autointerp.prep.select.selector import Selector
from inspect_autointerp.prep.write import tensor_file, writer
from inspect_autointerp.store import atomic, folder_kind, manifest, renames

Line = tuple[str, int]
Make = Callable[..., Path]
PARTS = {
    "selection": (all_or_nothing, retained, scan, selector),
    "checkpoint": (checkpoint, decoder_directions, run_state, tensor_file),
    "writing": (atomic, folder_kind, interrupt, manifest, renames, run, writer),
}
EVERY = int(os.environ.get("INTERRUPT_EVERY", "3"))
"""Only every third line of a part, which takes a minute; `INTERRUPT_EVERY=1 pytest …` interrupts at each."""
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


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Signal handlers are put back, wherever the run that had set its own was interrupted."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


def boundaries(make: Make, folder: Path, part: str) -> list[tuple[Line, int, float]]:
    """Lines of a part that a run gets to, with one of the times that it does and minutes between checkpoints."""
    hits = {}
    make(folder / "warm")
    for minutes in MINUTES[part]:
        with Tracer(PARTS[part]) as tracer:
            make(folder / str(minutes), minutes)
        hits[minutes] = tracer.hits
    draw = random.Random(part)
    lines = sorted(set().union(*hits.values()))
    chosen = [(line, draw.choice([minutes for minutes in hits if line in hits[minutes]])) for line in lines[::EVERY]]
    return [(line, draw.randint(1, hits[minutes][line]), minutes) for line, minutes in chosen]


@pytest.mark.parametrize("part", PARTS)
def test_run_interrupted_at_a_statement_resumes_to_same_bytes(
    fast_prep: Make, fast_store: dict[str, bytes], tmp_path: Path, part: str
) -> None:
    for number, (line, time, minutes) in enumerate(boundaries(fast_prep, tmp_path / "whole", part)):
        error = (KeyboardInterrupt, MemoryError)[number % 2]
        folder = tmp_path / str(number)
        with Tracer(PARTS[part], (line, time), error) as tracer, suppress(error):
            fast_prep(folder, minutes)
        assert tracer.raised, f"{line} was not reached again"
        if not (folder / "store").exists():
            fast_prep(folder, minutes, resume=True)
        assert contents(folder / "store") == fast_store, f"{error.__name__} at {line}, time {time}, {minutes}"


@pytest.mark.parametrize("minutes", [0, NEVER], ids=["checkpoints", "none"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_run_interrupted_wherever_rows_are_sorted_out_resumes_to_same(
    fast_prep: Make,
    fast_store: dict[str, bytes],
    tmp_path: Path,
    minutes: float,
    error: type[BaseException],
) -> None:
    """Each time that selection takes its blocks apart, in the middle of it."""
    with pytest.MonkeyPatch.context() as patch:
        calls = count_cuts(patch)
        fast_prep(tmp_path / "whole", minutes)
    assert len(calls) > 4
    for number in range(len(calls)):
        folder = tmp_path / str(number)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(error):
            count_cuts(patch, number, error)
            fast_prep(folder, minutes)
        fast_prep(folder, minutes, resume=True)
        assert contents(folder / "store") == fast_store, f"call {number}"


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
    fast_prep: Make, fast_store: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
        with pytest.raises(Interrupted, match=r"^interrupted while the store was written; --resume continues from"):
            fast_prep(tmp_path, NEVER)
    assert not ahead
    assert [path.name for path in tmp_path.iterdir()] == ["store.checkpoint"]
    with monkeypatch.context() as patch:
        patch.setattr(scan.Scan, "fold", lambda *_: pytest.fail("nothing is left to run"))
        fast_prep(tmp_path, NEVER, resume=True)
    assert contents(tmp_path / "store") == fast_store


def test_second_signal_in_a_checkpoint_keeps_the_one_before(
    fast_prep: Make, fast_store: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
            fast_prep(tmp_path)
    assert run_state.Header.read(tmp_path / "store.checkpoint").batches == 1
    fast_prep(tmp_path, resume=True)
    assert contents(tmp_path / "store") == fast_store


def interrupt_self() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_state_interrupted_in_a_change_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    one = Selector(4)
    monkeypatch.setattr(Held, "sort_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.state()
    monkeypatch.undo()
    assert not one.whole
    for use in (one.state, one.finish):
        with pytest.raises(RuntimeError, match="incomplete, since a change was interrupted; start again"):
            use()
