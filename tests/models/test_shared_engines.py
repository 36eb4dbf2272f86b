"""Models in memory that a task's samples share."""

import asyncio
import gc
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.models import shared_engines
from inspect_autointerp.models.shared_engines import release, release_at_task_end, shared


class Engine:
    pass


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    release()
    yield
    release()


def test_one_engine_is_made_for_all_who_ask_at_once() -> None:
    made: list[str] = []

    def make(name: str) -> Engine:
        made.append(name)
        return Engine()

    async def main() -> list[Engine]:
        asked = [shared(name, lambda name=name: make(name)) for name in "aab"]
        return list(await asyncio.gather(*asked))

    first, second, other = asyncio.run(main())
    assert first is second
    assert other is not first
    assert sorted(made) == ["a", "b"]


def test_engines_of_different_keys_are_made_one_at_a_time() -> None:
    # transformers has one default device for all threads while it loads, so two at once spoil each other
    running: list[int] = [0]
    most: list[int] = []

    def make() -> Engine:
        running[0] += 1
        most.append(running[0])
        time.sleep(0.02)
        running[0] -= 1
        return Engine()

    async def main() -> None:
        await asyncio.gather(*(shared(name, make) for name in "abcd"))

    asyncio.run(main())
    assert most == [1, 1, 1, 1]


def test_what_making_raises_is_raised_to_all_and_tried_anew() -> None:
    async def main() -> list[object]:
        def fail() -> Engine:
            raise ValueError("no weights")

        failed = await asyncio.gather(shared("a", fail), shared("a", fail), return_exceptions=True)
        return [*failed, await shared("a", Engine)]

    *failed, made = asyncio.run(main())
    assert all(isinstance(error, ValueError) for error in failed)
    assert isinstance(made, Engine)


def test_the_end_of_a_task_frees_its_engine(tmp_path: Path) -> None:
    alive: list[weakref.ref[Engine]] = []

    @solver
    def use() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            alive.append(weakref.ref(await shared("engine", Engine)))
            return state

        return solve

    release_at_task_end()
    task = Task(dataset=[Sample(input="a"), Sample(input="b")], solver=use())
    for n in (1, 2):
        [log] = inspect_eval(task, model="none/none", log_dir=str(tmp_path), display="none")
        assert log.status == "success"
        gc.collect()
        assert len(alive) == 2 * n
        assert [ref() for ref in alive] == [None] * (2 * n)
        assert not shared_engines._engines


def test_the_end_of_a_task_that_fails_frees_it_too(tmp_path: Path) -> None:
    @solver
    def fail() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            await shared("engine", Engine)
            raise ValueError("no")

        return solve

    release_at_task_end()
    task = Task(dataset=[Sample(input="a")], solver=fail())
    [log] = inspect_eval(task, model="none/none", log_dir=str(tmp_path), display="none")
    assert log.status == "error"
    assert not shared_engines._engines


def test_a_task_that_still_runs_keeps_it() -> None:
    hook = shared_engines._Release()
    events: list[Any] = [SimpleNamespace(eval_id=id) for id in ("one", "other")]

    async def main() -> tuple[bool, bool]:
        await shared("engine", Engine)
        for event in events:
            await hook.on_task_start(event)
        await hook.on_task_end(events[0])
        kept = bool(shared_engines._engines)
        await hook.on_task_end(events[1])
        return kept, bool(shared_engines._engines)

    assert asyncio.run(main()) == (True, False)
