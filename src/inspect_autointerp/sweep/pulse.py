"""What a shard's process tells the sweep that started it, while that lives: a byte for each latent that is done."""

import os
import signal
from functools import cache
from pathlib import Path
from threading import current_thread, main_thread

from inspect_ai.hooks import Hooks, SampleEnd, hooks

VARIABLE = "INSPECT_AUTOINTERP_SWEEP"
"""The environment variable that holds the number of the sweep's process and the file to tell it in, with a colon."""


@cache
def tell_sweep() -> None:
    """Have the sweep told, if one started this process. Called where a task is made, as `warn_of_unscored` is."""
    if VARIABLE in os.environ:
        parent, _, file = os.environ[VARIABLE].partition(":")
        _Pulse.parent, _Pulse.file = int(parent), Path(file)
        hooks(name="sweep", description="Tells a sweep how far its shard has come.")(_Pulse)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and current_thread() is main_thread():
            # Of a sweep in the background: that Ctrl-C is not for it says nothing of what it sends its shards.
            signal.signal(signal.SIGINT, signal.default_int_handler)


class _Pulse(Hooks):
    parent: int
    file: Path

    async def on_sample_end(self, data: SampleEnd) -> None:
        if os.getppid() != self.parent:  # it was killed; taken up again it would pay for the same calls beside this one
            signal.raise_signal(signal.SIGINT)
            return
        with self.file.open("ab") as file:
            file.write(b".")
