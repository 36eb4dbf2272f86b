"""Work that is queued to one model."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.models.batching import Batches


@given(st.lists(st.lists(st.integers(), max_size=7), max_size=6), st.integers(1, 5))
def test_everyone_gets_the_answers_to_his_own_questions(asked: list[list[int]], at_once: int) -> None:
    seen: list[int] = []

    def work(questions: list[int]) -> list[int]:
        seen.append(len(questions))
        return [2 * question for question in questions]

    async def main() -> list[list[int]]:
        batches = Batches(work, at_once)
        return await asyncio.gather(*(batches(questions) for questions in asked))

    assert asyncio.run(main()) == [[2 * question for question in questions] for questions in asked]
    n = sum(map(len, asked))
    assert seen == [at_once] * (n // at_once) + [n % at_once] * (n % at_once > 0), "batches are full but for the last"


def test_the_loop_goes_on_and_no_two_batches_run_at_once() -> None:
    running, most = 0, 0
    go = threading.Event()

    def work(questions: list[int]) -> list[int]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        assert go.wait(10), "the event loop stood still"
        running -= 1
        return questions

    async def main() -> None:
        batches = Batches(work, 1)
        waiting = [asyncio.create_task(batches([i])) for i in range(3)]
        await asyncio.sleep(0.01)
        go.set()
        await asyncio.gather(*waiting)

    asyncio.run(main())
    assert most == 1


def test_an_error_reaches_those_whose_questions_it_hit_and_nobody_else() -> None:
    def work(questions: list[str]) -> Sequence[str]:
        if "bad" in questions:
            raise RuntimeError("no")
        return questions

    async def main() -> tuple[object, ...]:
        batches = Batches(work, 2)
        return tuple(
            await asyncio.gather(batches(["a", "b"]), batches(["bad"]), batches(["c"]), return_exceptions=True)
        )

    good, bad, along = asyncio.run(main())
    assert good == ["a", "b"]
    assert isinstance(bad, RuntimeError)
    assert along == ["c"], "it stood in the same batch, and was tried again alone"


def test_one_who_goes_away_leaves_the_others_their_answers() -> None:
    started = threading.Event()

    def work(questions: list[int]) -> list[int]:
        started.set()
        threading.Event().wait(0.05)
        return questions

    async def main() -> list[int]:
        batches = Batches(work, 4)
        first, second = asyncio.create_task(batches([1])), asyncio.create_task(batches([2]))
        while not started.is_set():
            await asyncio.sleep(0.001)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second

    assert asyncio.run(main()) == [2]
