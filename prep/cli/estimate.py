"""Estimate of a run: tokens, latents, memory, disk and time, measured on a few of its batches."""

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from inspect_autointerp.prep.cli.progress import memory, say, spinner
from inspect_autointerp.prep.corpus.chat_report import chat_example, chat_report
from inspect_autointerp.prep.corpus.chat_tokens import ChatReader
from inspect_autointerp.prep.corpus.conversations import Message
from inspect_autointerp.prep.corpus.documents import corpus_documents
from inspect_autointerp.prep.corpus.splits import split_warning
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.scan import Scan
from inspect_autointerp.prep.select.density import crowded
from inspect_autointerp.prep.select.selector import Selector
from inspect_autointerp.store.settings import Settings

_BATCHES, _SECONDS = 20, 20.0
"""Limits of a trial: batches of the corpus, and seconds."""
_LATENT, _ROW, _ENTRY = 750, 45, 9
"""Bytes that selection holds per latent, window kept and activation on it. A row is of 25 bytes and an activation of 4;
a third as many again wait to be sorted out, and the rest lies in the gaps that allocation leaves."""
_STORED_ROW, _STORED_ENTRY = 9, 6
"""Bytes of the same in a store."""


def kept_windows(settings: Settings, n_latents: int, n_windows: float, firing: float) -> float:
    """Return how many windows of latents are kept, at most.

    Args:
        settings: How many per latent and split, and in the pool.
        n_latents: Width of the coder.
        n_windows: Complete windows of the corpus.
        firing: Latents that fire in a window, on average.
    """
    own = min(2 * (settings.sample + settings.top) * n_latents, n_windows * firing)
    return own + min(settings.pool, n_windows) * firing


def state_bytes(n_latents: int, windows: float, entries: float) -> float:
    """Memory of a hookpoint's selection at its peak; `python -m benchmarks.prep --only memory` compares it.

    Args:
        n_latents: Width of the coder.
        windows: See `kept_windows`.
        entries: Activations in a kept window, on average.
    """
    return n_latents * _LATENT + windows * (_ROW + entries * _ENTRY)


def stored_bytes(windows: float, entries: float) -> float:
    """Disk space of a hookpoint's postings; see `state_bytes`."""
    return windows * (_STORED_ROW + entries * _STORED_ENTRY)


def estimate(job: Job, *, shards: int = 1, progress: bool = True) -> None:
    """Load everything, run a few batches, and print what all of it would take.

    Args:
        job: What to run.
        shards: Among how many processes the corpus is shared out.
        progress: Show what is under way.

    Raises:
        UserError: As the run itself would.
    """
    scan, settings = Scan(job, progress=progress), job.settings
    texts = corpus_documents(settings)
    if scan.chunker.chat:
        texts = _with_example(scan.chunker.chat, texts)
    with spinner("trying a few batches", shown=progress):
        began, warming, seconds, tried = time.monotonic(), 0.0, 0.0, 0
        batches = scan.chunker.batches(texts)
        for number, batch in islice(batches, _BATCHES):
            clock = time.monotonic()
            scan.fold(batch, number)
            took, n_tokens = time.monotonic() - clock, int((batch.pos >= 0).sum())
            if number == 0:  # it warms up
                warming = n_tokens / took
            else:
                seconds, tried = seconds + took, tried + n_tokens
            if time.monotonic() - began > _SECONDS:
                break
    n_windows = scan.chunker.n_windows  # those tried: the next lines only read on
    with spinner("looking for documents of both splits", shown=progress):
        while split_warning(scan.chunker.test, settings) and next(batches, None):
            pass
    table = Table(title="estimate for this run", title_justify="left", show_header=False)
    table.add_row("tokens", f"{settings.tokens:,} at most, {settings.tokens // shards:,} in each of {shards} shards")
    held = stored = 0.0
    for name, selector in scan.found.selectors.items():
        entries, firing = _measured(selector, n_windows)
        kept = kept_windows(settings, selector.n_latents, settings.tokens / settings.window, firing)
        held, stored = held + state_bytes(selector.n_latents, kept, entries), stored + stored_bytes(kept, entries)
        counts = f"{selector.n_latents:,}; {firing:,.0f} fire in a window; {kept:,.0f} windows kept"
        table.add_row(f"latents at {name}", counts)
    now = f"{memory()} for the model, its coders and these batches"
    table.add_row("memory", f"{now}, and up to {decimal(int(held))} for kept windows")
    table.add_row("disk", f"up to {decimal(int(stored + settings.tokens * scan.chunker.dtype.itemsize))}")
    rate, how = (
        (tried / seconds, "") if tried else (warming, ", from the first batch only, which is slower than the others")
    )
    table.add_row("time", f"{_time(settings.tokens / shards, rate)} tokens a second on {job.device}{how}")
    Console(emoji=False).print(table)
    for line in chat_report(scan.chunker):
        say(line, shown=progress)
    if warning := split_warning(scan.chunker.test, settings):
        say(warning, shown=progress)
    for line in crowded(scan.found.selectors, scan.coders, scan.n_windows):
        say(line, shown=progress)


def _with_example(chat: ChatReader, conversations: Iterable[list[Message]]) -> Iterator[list[Message]]:
    """Yield the conversations, and print the first that can be used with its roles."""
    pending = True
    for messages in conversations:
        if pending and (parts := list(chat_example(chat, messages))):
            table = Table("role", "text", "tokens", "count", title="a conversation as the subject reads it")
            table.title_justify = "left"
            for role, text, n_tokens, n_counted in parts:
                table.add_row(role, Text(text.replace("\n", "⏎")), f"{n_tokens}", f"{n_counted}" if n_counted else "–")
            Console(emoji=False).print(table)
            pending = False
        yield messages


def _time(tokens: float, rate: float) -> str:
    return f"{timedelta(seconds=round(tokens / rate))} at {rate:,.0f}" if rate else "unknown, at 0"


def _measured(selector: Selector, n_windows: int) -> tuple[float, float]:
    """Activations in a window in which a latent fires, and latents that fire in a window."""
    windows = int(selector.n_windows.sum())
    return float(selector.histogram.sum()) / max(1, windows), windows / max(1, n_windows)
