"""State that changes in several steps, and knows when it was interrupted between them."""

from collections.abc import Iterator
from contextlib import contextmanager


class AllOrNothing:
    """State that is either whole or marked as broken for good.

    Copying it before every change would make each change undoable, at twice the memory. Instead an exception in the
    middle of a change (Ctrl-C, no memory left) leaves a mark, and a marked state is neither saved nor used again: the
    last checkpoint is what a run goes on from.
    """

    whole = True
    """True if all changes that were begun came to their end."""

    @contextmanager
    def change(self) -> Iterator[None]:
        """Enclose steps that have to happen together.

        Raises:
            RuntimeError: An earlier change was interrupted.
        """
        if not self.whole:
            raise RuntimeError("the selection is incomplete, since a change was interrupted; start again")
        self.whole = False
        yield
        self.whole = True
