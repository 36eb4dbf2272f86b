"""Standard output and standard error that take any text, whatever their encoding, and that may be closed early."""

import codecs
import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, cast

_HANDLER = "inspect_autointerp.plain_signs"
_PLAIN = {
    "…": "...", "−": "-", "–": "-", "·": ".", "×": "x", "Σ": "sum", "→": "->", "±": "+/-", "≥": ">=", "≈": "~",
    "½": "1/2", "²": "^2", "‹": "<", "›": ">", "«": "<<", "»": ">>", "█": "#", "▏": "|", "│": "|",
    "⏎": "\\n", "⇥": "\\t",
}  # fmt: skip
"""Replacements of our own signs, for an encoding that lacks them."""


def accept_any_text() -> None:
    """Have standard output and standard error keep their encoding, and write what it lacks in ASCII.

    Our own signs get a likeness, `...` for an ellipsis. Any other character is written by its number, as `\\u2581`.
    """
    codecs.register_error(_HANDLER, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "backslashreplace", "surrogateescape"):
            stream.reconfigure(errors=_HANDLER)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(sign, sign) for sign in text)
    return plain.encode("ascii", "backslashreplace").decode("ascii"), error.end


@contextmanager
def command_line_streams() -> Generator[None]:
    """Within the block a command prints as described above: any text, and nothing more once its reader has had enough.

    A command whose output nobody reads on, as behind `| head -1`, exits with status 1 and without a word.
    """
    accept_any_text()
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its exit
        sys.exit(1)


def data_output() -> IO[str]:
    """Return standard output as a file of UTF-8: what goes there in place of a file has the same bytes as the file."""
    sys.stdout.flush()
    return cast(IO[str], codecs.getwriter("utf-8")(sys.stdout.buffer))
