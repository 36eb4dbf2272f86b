"""Work whose batch is halved where the device's memory does not suffice."""

from collections.abc import Callable
from logging import getLogger
from typing import TypeVar

import torch

from inspect_autointerp.errors import UserError

T = TypeVar("T")


class BatchSize:
    """Number of rows that go through a model at once; halved each time memory runs out, and it stays halved.

    Args:
        most: In units of whoever uses it: tokens or rows.
        unit: What messages call them.
    """

    def __init__(self, most: int, unit: str) -> None:
        self.most, self._unit = most, unit

    def run(self, work: Callable[[], T]) -> T:
        """Return the result of the work; it is begun again, at half the size, as often as memory does not suffice.

        Args:
            work: Reads `most` anew each time.

        Raises:
            UserError: It does not suffice for the smallest piece of work.
        """
        while True:
            try:
                return work()
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                if self.most == 1:
                    raise UserError("a single text is too large for the device's memory; give a shorter one") from error
            self.most = (self.most + 1) // 2
            getLogger(__name__).warning("out of memory: from here on %d %s at once", self.most, self._unit)
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()  # after the except clause, whose traceback holds on to tensors


def _is_out_of_memory(error: Exception) -> bool:
    """Tell if an error means that memory ran out: on a CPU, torch says so in the message alone."""
    message = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "not enough memory" in message
        or "can't allocate memory" in message
    )
