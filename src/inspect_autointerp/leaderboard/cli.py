"""`autointerp leaderboard`: the command that compares explainers by their logs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inspect_autointerp.errors import UserError


def leaderboard(
    logs: Annotated[str, typer.Argument(help="Folder of Inspect logs.")] = "logs",
    csv: Annotated[
        Path | None, typer.Option(help="Write a row per explainer and score; `-` for standard output.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="The same as JSON.")] = None,
    md: Annotated[Path | None, typer.Option(help="Write the tables as Markdown.")] = None,
) -> None:
    """Compare explainers: mean scores over latents with intervals, beside the floors.

    Only logs over the same store, latents, grader and options stand in one table; the others are listed with the
    reason.

    Example: autointerp leaderboard logs --md LEADERBOARD.md
    """
    from inspect_autointerp.leaderboard import table
    from inspect_autointerp.leaderboard.compare import compare
    from inspect_autointerp.leaderboard.entry import read_entries

    tables, apart = compare(read_entries(logs))
    if not any(str(target) == "-" for target in (csv, json, md)):
        table.print_terminal(tables, apart)
    for target, text in (
        (csv, lambda: table.as_csv(tables)),
        (json, lambda: table.as_json(tables, apart)),
        (md, lambda: table.markdown(tables, apart)),
    ):
        if target is not None:
            _write(target, text())


def _write(target: Path, text: str) -> None:
    if str(target) == "-":
        Console(soft_wrap=True).file.write(text)
        return
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error
