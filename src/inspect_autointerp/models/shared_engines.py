"""Models in memory that all samples of a task work with: made once, on first use, and let go when the task ends."""

import gc
import sys
import threading
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from inspect_ai.hooks import Hooks, RunEnd, TaskEnd, TaskStart, hooks

T = TypeVar("T")

_engines: dict[Hashable, Any] = {}
_making: dict[Hashable, anyio.Lock] = {}
_loading = threading.Lock()


async def shared(key: Hashable, make: Callable[[], T]) -> T:
    """The engine of that key, made in a thread if it is not there yet; others who want it wait.

    It is kept until `release`, which the end of the last running task calls where `release_at_task_end` was.

    Args:
        key: What tells it from all others, its kind included: `("likelihood", "gpt2")`.
        make: Makes it.

    Raises:
        Exception: What making it raised, to everyone who asks.
    """
    async with _making.setdefault(key, anyio.Lock()):
        if key not in _engines:
            _engines[key] = await anyio.to_thread.run_sync(_alone, make)
        return _engines[key]


def _alone(make: Callable[[], T]) -> T:
    """One at a time: transformers loads a model under a default device that all threads see."""
    with _loading:
        return make()


def lend(key: Hashable, engine: object) -> None:
    """Have an engine be the one of that key until `release`, in place of one that would be made."""
    _engines[key] = engine


def lent(key: Hashable) -> Any:
    """Return the engine of a key if there is one; None otherwise."""
    return _engines.get(key)


def release() -> None:
    """Let go of all engines: whoever still holds one keeps it alive, and nobody else does."""
    if not _engines:
        return
    _engines.clear()
    _making.clear()
    gc.collect()  # models hold cycles
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()  # what is free would otherwise stay with this process


@cache
def release_at_task_end() -> None:
    """Have engines let go of at the end of every task while no other runs, from now on.

    Called where a task is made, for the reason that `unscored_warning.warn_of_unscored` gives.
    """
    hooks(name="engines", description="Frees the memory of models when the last running task ends.")(_Release)


class _Release(Hooks):
    def __init__(self) -> None:
        self._running: set[str] = set()

    async def on_task_start(self, data: TaskStart) -> None:
        self._running.add(data.eval_id)

    async def on_task_end(self, data: TaskEnd) -> None:
        self._running.discard(data.eval_id)
        if not self._running:
            release()

    async def on_run_end(self, data: RunEnd) -> None:
        """Release everything: Inspect reports the end of a run but not of a failed task, and does one run at a time."""
        self._running.clear()
        release()
