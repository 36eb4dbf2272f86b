"""The hooks of a shard's process: it saves memory, and reports each latent that is done."""

import gc
import logging
import os
from functools import cache
from pathlib import Path

from inspect_ai.hooks import Hooks, SampleEnd, hooks

from inspect_autointerp.inspect_support.log_detail import lean

VARIABLE = "INSPECT_AUTOINTERP_SWEEP"
"""The environment variable that holds the file in which a shard tells its sweep of each latent."""


@cache
def serve_sweep() -> None:
    """Be a sweep's shard, if one started this process. Called where a task is made, as `warn_of_unscored` is."""
    if VARIABLE in os.environ:
        _be_sparing()
        _Pulse.file = Path(os.environ[VARIABLE])
        hooks(name="sweep", description="Tells a sweep how far its shard has come.")(_Pulse)


def _be_sparing() -> None:
    """Spend less on what no log holds."""
    # Nearly all that an evaluation makes lives until its sample is written. Looked through as often as Python does by
    # default, it took a third of a shard's time.
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)
    inspect, trace = logging.getLogger("inspect_ai"), logging.getLevelNamesMapping().get("TRACE")
    if lean() and trace is not None and inspect.level == trace:  # no one has asked for anything as fine
        inspect.setLevel(trace + 1)


class _Pulse(Hooks):
    file: Path

    async def on_sample_end(self, data: SampleEnd) -> None:
        with self.file.open("ab") as file:
            file.write(b".")
