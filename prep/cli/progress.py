"""Progress of prep for a person to watch; on standard error, so that standard output stays clean."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

EVERY = 30.0
"""Seconds between two lines of progress where standard error is no terminal."""


def spinner(what: str, *, shown: bool = True) -> AbstractContextManager:
    """Say what is under way, for as long as it takes; in a separate line where standard error is no terminal."""
    console = Console(emoji=False, stderr=True)
    if shown and console.is_terminal:
        return console.status(f"{what} …")
    say(f"{what} …", shown=shown)
    return nullcontext()


def say(what: str, *, shown: bool = True) -> None:
    """Tell it in a separate line."""
    if shown:
        Console(emoji=False, stderr=True).print(what, markup=False, highlight=False, soft_wrap=True)


def memory() -> str:
    """The most that this process has held so far, on its GPUs where it uses any."""
    import torch

    if torch.cuda.is_initialized():
        held = [torch.cuda.max_memory_allocated(number) for number in range(torch.cuda.device_count())]
        return f"{sum(held) / 1e9:.1f} GB on GPU"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak * (1 if sys.platform == 'darwin' else 1024) / 1e9:.1f} GB"


@contextmanager
def token_bar(total: int, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show how many tokens are done, how many a second, the memory held, and how long the rest will take.

    Where standard error is no terminal, a line now and then says so.

    Yields:
        A function to call with the number of tokens that were read so far, and of those run since the last call.
    """
    console = Console(emoji=False, stderr=True)
    if shown and not console.is_terminal:
        yield _lines(total)
        return
    columns = (
        TextColumn("prep"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} tokens, {task.fields[rate]:,.0f}/s, {task.fields[memory]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not shown, refresh_per_second=2, console=console) as bar:
        task = bar.add_task("prep", total=total, rate=0.0, memory=memory())
        began, run = time.monotonic(), 0

        def advance(read: int, more: int) -> None:
            nonlocal run
            run += more
            bar.update(task, completed=read, rate=run / max(1e-9, time.monotonic() - began), memory=memory())

        yield advance


def _lines(total: int) -> Callable[[int, int], None]:
    """Return what `token_bar` yields where there is no bar."""
    began = last = time.monotonic()
    run, first = 0, None

    def advance(read: int, more: int) -> None:
        nonlocal run, last, first
        first = read - more if first is None else first  # a resumed run begins further on
        run, now = run + more, time.monotonic()
        if now - last >= EVERY:
            last = now
            seconds = (total - read) * (now - began) / (read - first) if read > first else 0
            left = f", {timedelta(seconds=round(seconds))} left" if seconds > 0 else ""
            say(f"{read:,} of {total:,} tokens, {run / (now - began):,.0f}/s{left}, {memory()}")

    say(f"reading up to {total:,} tokens …")
    return advance
