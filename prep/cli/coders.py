"""`autointerp coders`: the command that lists the kinds of coders that prep can load."""

from rich.console import Console
from rich.table import Table

from inspect_autointerp.prep.cli.coder_kinds import KINDS, REFUSALS


def coders() -> None:
    """List the kinds of coders that prep can load, each with an example, and those that it refuses.

    Example: autointerp coders
    """
    console = Console(emoji=False)
    table = _table("Coders that `autointerp prep SUBJECT` can load", "kind", "files in the folder", "example")
    for kind in KINDS:
        table.add_row(kind.name, kind.files, kind.example)
    console.print(table)
    console.print()
    table = _table("Coders that it refuses", "kind", "reason")
    for refusal in REFUSALS:
        table.add_row(refusal.name, refusal.reason)
    console.print(table)
    console.print("\nAfter a folder, `:12` chooses layer 12. `autointerp hooks SUBJECT` lists hookpoints.")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
