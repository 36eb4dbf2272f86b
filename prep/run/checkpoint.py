"""Checkpoints of a run, from which an interrupted run goes on."""

import time
from pathlib import Path

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.progress import say
from inspect_autointerp.prep.run.run_state import STATES, Found, Header
from inspect_autointerp.store.atomic import atomic_folder, remove_folder, sweep


class Checkpoint:
    """A run's state on disk, replaced now and then.

    Args:
        folder: Where it lies.
        minutes: How often it is written.
        resume: Whether to go on from one that is there.
        overwrite: Whether to put one aside that is there.
        progress: Say so when one is taken up.

    Raises:
        UserError: One is there, and neither is asked for; or something else is there.
    """

    def __init__(self, folder: Path, *, minutes: float, resume: bool, overwrite: bool, progress: bool = True) -> None:
        self.folder, self._seconds, self._resume, self._progress = folder, 60 * minutes, resume, progress
        if folder.exists() and not resume and not overwrite:
            raise UserError(f"{folder} holds an interrupted run; --resume continues it, --overwrite starts again")
        if folder.exists() and not resume:
            STATES.check(folder)
        self._saved_at, self._saved = time.monotonic(), 0

    def restore(self, header: Header, state: Found) -> int:
        """Take up what is there, if that is asked for; return the number of batches that are done.

        Raises:
            UserError: It is of another run.
        """
        if not self._resume or not self.folder.exists():
            return 0
        old = Header.read(self.folder)
        if not old.of_one_run(header) or old.shard.number != header.shard.number:
            raise UserError(
                f"{self.folder} holds an interrupted run with other settings, weights or package versions;"
                " --overwrite starts again"
            )
        state.absorb(self.folder)
        say(f"going on from batch {old.batches:,} of {self.folder}", shown=self._progress)
        self._saved = old.batches
        return old.batches

    @property
    def due(self) -> bool:
        """Return whether it is time to write one."""
        return time.monotonic() - self._saved_at >= self._seconds

    def save(self, header: Header, state: Found) -> None:
        """Replace what is there, if anything was done since and the state is whole.

        What an exception in the middle of a change has left behind would make another store: the checkpoint of before
        stays then.

        Raises:
            UserError: It cannot be written. The one before stays.
        """
        if header.batches > self._saved and state.can_be_saved:
            with atomic_folder(self.folder, kind=STATES, overwrite=True) as folder:
                state.save(folder, header)
            self._saved_at, self._saved = time.monotonic(), header.batches

    def remove(self) -> None:
        """Forget it: what it was for is done."""
        try:
            remove_folder(self.folder, kind=STATES)
        except UserError as error:  # it does not hold our files alone any longer
            say(str(error), shown=self._progress)
        sweep(self.folder)
