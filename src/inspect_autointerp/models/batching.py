"""Work for one model in memory that many samples hand in at once: done in batches, off the event loop."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True)
class _Slot(Generic[A]):
    """Place for one answer."""

    done: bool = False
    answer: A | None = None
    error: Exception | None = None


class Batches(Generic[Q, A]):
    """Questions from anywhere in an event loop, answered in batches by one function, in one thread at a time.

    Whoever waits for an answer does the next batch, of his own questions and others', so there is no task of its own
    to start or to stop. Questions are taken in the order in which they came.

    Args:
        work: Answers a list of questions, in their order; it runs in a thread.
        at_once: Questions in a batch, at most.
    """

    def __init__(self, work: Callable[[list[Q]], Sequence[A]], at_once: int) -> None:
        self._work, self._at_once = work, at_once
        self._pending: deque[tuple[Q, _Slot[A]]] = deque()
        self._lock = anyio.Lock()
        self._one_at_a_time = Lock()

    async def __call__(self, questions: Sequence[Q]) -> list[A]:
        """The answers, in the order of the questions.

        Raises:
            Exception: What the function raised on one of them. Where it fails on a batch, each question of that batch
                is tried alone, so an error reaches only those who asked for it.
        """
        slots: list[_Slot[A]] = [_Slot() for _ in questions]
        self._pending.extend(zip(questions, slots, strict=True))
        while not all(slot.done for slot in slots):
            async with self._lock:
                if not all(slot.done for slot in slots):
                    await self._next()
        for slot in slots:
            if slot.error is not None:
                raise slot.error
        return [slot.answer for slot in slots]  # pyright: ignore[reportReturnType]

    async def _next(self) -> None:
        batch = [self._pending.popleft() for _ in range(min(self._at_once, len(self._pending)))]
        with anyio.CancelScope(shield=True):  # others wait for this batch too
            await anyio.to_thread.run_sync(self._answer, batch)

    def _answer(self, batch: list[tuple[Q, _Slot[A]]]) -> None:
        """Done in the thread: whoever started it may be gone. Without questions it waits for the one before."""
        with self._one_at_a_time:
            if not batch:
                return
            try:
                self._work_on(batch)
            except Exception as error:
                if len(batch) == 1:
                    batch[0][1].error = error
                else:
                    for one in batch:  # alone, so that nobody pays for another's question
                        try:
                            self._work_on([one])
                        except Exception as own_error:
                            one[1].error = own_error
            for _, slot in batch:
                slot.done = True

    def _work_on(self, batch: list[tuple[Q, _Slot[A]]]) -> None:
        answers = self._work([question for question, _ in batch])
        for (_, slot), answer in zip(batch, answers, strict=True):
            slot.answer = answer
