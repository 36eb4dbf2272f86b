"""What a person sees while prep runs; on standard error, so that standard output stays clean."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


def spinner(what: str, *, shown: bool = True) -> AbstractContextManager:
    """Say what is under way, for as long as it takes."""
    return Console(stderr=True).status(f"{what} …") if shown else nullcontext()


@contextmanager
def token_bar(total: int, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how many tokens are done, how many a second, and how long the rest will take.

    Yields:
        A function to call with the number of tokens done so far.
    """
    columns = (
        TextColumn("prep"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} tokens, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not shown, refresh_per_second=2, console=Console(stderr=True)) as bar:
        task = bar.add_task("prep", total=total, rate=0.0)
        began = time.monotonic()

        def advance(done: int) -> None:
            bar.update(task, completed=done, rate=done / max(1e-9, time.monotonic() - began))

        yield advance
