"""Faults of a source, gathered: the first is shown, the others are counted."""

from inspect_autointerp.errors import UserError


class Faults:
    """Faults of one source; any of them refuses it."""

    def __init__(self) -> None:
        self._first: str | None = None
        self._n = 0

    def add(self, place: str, what: str) -> None:
        """Note one.

        Args:
            place: The file, and the line where that is known.
            what: What is wrong there, on one line.
        """
        self._first = self._first or f"{place}: {what}"
        self._n += 1

    def check(self, advice: str = "") -> None:
        """Refuse the source if there were any.

        Raises:
            UserError: There were; `advice` says what to do.
        """
        if self._first is not None:
            more = f" (and {self._n - 1} more)" if self._n > 1 else ""
            raise UserError(self._first + more + advice)
