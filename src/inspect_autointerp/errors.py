"""Errors that a user can mend, shown in one line."""

from collections.abc import Generator
from contextlib import contextmanager, suppress


class UserError(Exception):
    """Unusable input from the user: the message is one line that says what is wrong and what to do.

    The command line prints it without a traceback and exits with status 2; tasks hand it to Inspect as a
    `PrerequisiteError`, which is shown in the same way.
    """


class Interrupted(UserError):
    """The user, or a scheduler, asked to stop: the message says how to go on. Exit status 130."""


def plain_message(error: Exception) -> str:
    """Return the message of an error of Inspect as one line of plain text: Inspect writes rich markup."""
    from rich.errors import MarkupError
    from rich.text import Text

    message = " ".join(str(error).split())
    with suppress(MarkupError):  # square brackets that are no markup
        message = Text.from_markup(message).plain
    return message.removeprefix("ERROR: ")


@contextmanager
def one_line_errors() -> Generator[None]:
    """Show a `UserError` as Inspect shows its own errors: one line, no traceback.

    Raises:
        PrerequisiteError: In place of a `UserError`.
    """
    from rich.markup import escape

    from inspect_autointerp.inspect_support.compat import PrerequisiteError

    try:
        yield
    except UserError as error:
        raise PrerequisiteError(escape(str(error))) from error  # Inspect prints it as rich markup
