"""`autointerp verdicts`: the command that lists a log's verdicts, context by context."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from inspect_autointerp.leaderboard.show.view import View

_SHOWN = 1000
"""Rows that a terminal shows."""


def verdicts(
    log: Annotated[str, typer.Argument(help="An Inspect log of this project: a file or URL.")],
    latent: Annotated[
        list[str] | None, typer.Option(help="Latent of the log, such as `layers.2/17`; repeatable. All by default.")
    ] = None,
    score: Annotated[
        list[str] | None, typer.Option(help="Score of the log, such as `detection`; repeatable. All by default.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write every row and column to this CSV file; `-` for standard output.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="The log's store; adds the text of each context.")] = None,
    disagree: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="SCORE SCORE",
            help="List the latents on which two scores disagree most, by rank among the log's latents.",
        ),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Latents that --disagree lists.")] = 20,
) -> None:
    """List verdicts: the contexts that a grader judged, their kind, and the grader's answer.

    For Python: inspect_autointerp.leaderboard.load.verdict_frame.verdict_frame gives the same as a DataFrame.

    \b
    Example:
      autointerp verdicts logs/x.eval --latent layers.2/17 --score detection --store demo
      autointerp verdicts logs/x.eval --csv verdicts.csv
      autointerp verdicts logs/x.eval --disagree detection fuzzing
    """
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.leaderboard.analyse.disagreements import disagreements
    from inspect_autointerp.leaderboard.load.verdict_frame import verdict_frame
    from inspect_autointerp.leaderboard.show import export, view

    if disagree is not None:
        if latent or score or store:
            raise UserError("--disagree compares two scores over all latents; leave out --latent, --score and --store")
        rows = disagreements(log, *disagree, most)
        shown, notes = _disagreements(rows, *disagree)
    else:
        rows = verdict_frame(log, latent, score, store)
        shown, notes = _verdicts(rows)
    if csv is not None:
        export.write_rows(iter([_flat(rows)]), csv, "csv")
    else:
        view.print_terminal([shown], notes)


def _verdicts(rows: "pd.DataFrame") -> tuple["View", list[str]]:
    """Return the first rows as a table without empty columns, and a note on the rows left out."""
    from inspect_autointerp.leaderboard.show.view import View

    few = rows.head(_SHOWN)
    epochs = ["epoch"] if rows["epoch"].nunique() > 1 else []
    optional = [name for name in rows if name not in ("latent", "score", "epoch") and few[name].notna().any()]
    names = ["latent", *epochs, "score", *map(str, optional)]
    cells = [[_cell(value) for value in row] for row in few[names].itertuples(index=False)]
    left_out = len(rows) - len(few)
    notes = [f"{left_out:,} more rows are not shown; give --latent, --score, or --csv"] if left_out else []
    return View(f"{len(rows):,} verdicts", names, cells, text=len(names)), notes


def _disagreements(rows: "pd.DataFrame", first: str, second: str) -> tuple["View", list[str]]:
    from inspect_autointerp.leaderboard.analyse.disagreements import headline_of
    from inspect_autointerp.leaderboard.show.view import View

    head = ["latent", "explanation", f"{first}, {headline_of(first)}", f"{second}, {headline_of(second)}"]
    head += [f"rank by {first}", f"rank by {second}", "difference"]
    cells = [
        [*map(_cell, row[:2]), *(f"{value:.3f}" for value in row[2:6]), f"{row[6]:+.3f}"]
        for row in rows.itertuples(index=False, name=None)
    ]
    title = f"{first} and {second} disagree most on these latents"
    return View(title, head, cells, text=2), ["A rank is the share of the latents that are not above this one."]


def _cell(value: Any) -> str:
    """Return a value as a table shows it; nothing of one that is missing."""
    import pandas as pd

    from inspect_autointerp.text.render import visible

    if isinstance(value, list | dict):
        return visible(_json(value))
    if pd.isna(value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else visible(str(value))


def _flat(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows with lists and mappings as JSON, without columns that hold nothing."""
    nested = [name for name in ("values", "continuations") if name in rows]
    rows = rows.assign(**{name: rows[name].map(_json, na_action="ignore") for name in nested})
    return rows[[name for name in rows if name in ("latent", "score", "kind") or rows[name].notna().any()]]


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
