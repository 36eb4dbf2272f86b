"""`autointerp diff` in this process."""

from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError


def diff(*arguments: object) -> str:
    """Run the command and return its output.

    Raises:
        UserError: The command refuses.
    """
    result = CliRunner().invoke(cli.app, ["diff", *map(str, arguments)])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output
