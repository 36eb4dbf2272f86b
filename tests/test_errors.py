"""Errors that a user sees."""

from inspect_autointerp.errors import plain_message


def test_plain_message_is_without_markup() -> None:
    assert plain_message(ValueError("[bold]ERROR[/bold]: Existing log\nfile \\[a]")) == "Existing log file [a]"
    assert plain_message(ValueError("not [/closed] markup")) == "not [/closed] markup"
