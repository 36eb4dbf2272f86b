"""A progress bar over the corpus's tokens."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


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
    with Progress(*columns, disable=not shown, refresh_per_second=2) as bar:
        task = bar.add_task("prep", total=total, rate=0.0)
        began = time.monotonic()

        def advance(done: int) -> None:
            bar.update(task, completed=done, rate=done / max(1e-9, time.monotonic() - began))

        yield advance
