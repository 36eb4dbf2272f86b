"""`autointerp diff`: the command that sorts latents by the model that has them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from inspect_autointerp.text.plural import plural

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from inspect_autointerp.store.store import Store

_SHARED = {"norms": 0.1, "firing": 0.5}


def diff(
    contexts: Annotated[
        str,
        typer.Argument(help="A context store of a crosscoder or of two subjects: a folder or a URL.", metavar="STORE"),
    ],
    hookpoint: Annotated[
        str | None,
        typer.Option(help="Hookpoint of the store; by default its first that reads several places or two subjects."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a row per latent to a .csv or .parquet file.")
    ] = None,
    exclusive: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.5,
            help="A latent is of one model only up to this: for a crosscoder the distance of the relative norm from 0"
            " or 1; for a coder of two subjects the share of windows on which the other model fires.",
        ),
    ] = 0.1,
    shared: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Both models have a latent up to this: for a crosscoder the distance of the relative norm from 0.5,"
            " default 0.1; for a coder of two subjects the share of windows on which one model alone fires, default"
            " 0.5.",
        ),
    ] = None,
) -> None:
    """Sort latents by the model that has them: the first (or a crosscoder's first place), the second, or both.

    For a crosscoder by decoder norms: the relative norm is |second| / (|first| + |second|). For a coder that reads two
    subjects by the windows on which its latents fire. Use the file with `autointerp leaderboard --by triage --triage
    FILE` and `-T latents=FILE#second`.

    \b
    Example:
      autointerp diff contexts/models -o diff.csv
    """
    from inspect_autointerp.builtin.locate import locate
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.latent import JOIN, counterpart_of, place_of
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.triage.classes import check_suffix, write_classes

    if output is not None:
        check_suffix(output)
        if not output.resolve().parent.is_dir():
            raise UserError(f"{output}: the folder {output.parent} does not exist")
    store = Store.open(locate(contexts))
    several = [name for name in store.hookpoints if JOIN in place_of(name)]
    paired = [name for name in store.hookpoints if store.at(name).pair_counts is not None]
    name = store.at(hookpoint or next(iter([*several, *paired]), None)).name
    by_firing = name in paired
    shared = _SHARED["firing" if by_firing else "norms"] if shared is None else shared
    most = 1 if by_firing else 0.5
    if exclusive + shared > most:
        raise UserError(
            f"--exclusive {exclusive:g} and --shared {shared:g} overlap; their sum must be at most {most:g}"
        )
    frame, columns, table, lines = (_by_firing if by_firing else _by_norms)(store, name, exclusive, shared)
    if output is not None:
        frame = frame.assign(exclusive=exclusive, shared=shared, store=store.digest)
        write_classes(frame, columns, output)
        lines.append(f"{output}: {plural(len(frame), 'row')}")
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=160)
    both = f" and {counterpart_of(name)}" if by_firing else ""
    console.print(f"{contexts}  {name}{both}", style="bold", highlight=False, soft_wrap=True, markup=False)
    console.print(table)
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


_Result = tuple["pd.DataFrame", list[str], "Table", list[str]]
"""Classes, the columns of their file, a table of counts, and lines below it."""


def _by_norms(store: "Store", name: str, exclusive: float, shared: float) -> _Result:
    """Sort a crosscoder's latents."""
    from inspect_autointerp.triage.classes import SHARES
    from inspect_autointerp.triage.relative_norms import COLUMNS, relative_norms, share_classes

    frame = relative_norms(store, name)
    frame["class"] = share_classes(frame["relative_norm"], exclusive, shared)
    limits = {
        "first": f"0 to {exclusive:g}",
        "shared": f"{0.5 - shared:g} to {0.5 + shared:g}",
        "second": f"{1 - exclusive:g} to 1",
        "between": "others",
    }
    table = _table("class", "relative norm", "latents", "share", "that fire")
    for each in SHARES:
        own = frame[frame["class"] == each]
        table.add_row(each, limits[each], *_counted(own, frame), f"{int((own['windows'] > 0).sum()):,}")
    norms = frame["relative_norm"]
    lines = [f"median relative norm {norms.median():.3f}"] if norms.notna().any() else []
    return frame, COLUMNS, table, lines + _unknown(frame, "the decoder is zero at every place")


def _by_firing(store: "Store", name: str, exclusive: float, shared: float) -> _Result:
    """Sort the latents of a coder that reads two subjects."""
    from inspect_autointerp.triage.classes import SHARES
    from inspect_autointerp.triage.firing_overlap import COLUMNS, firing_overlap, of_one_subject, overlap_classes

    frame = firing_overlap(store, name)
    frame["class"] = overlap_classes(frame, exclusive, shared)
    manifest, once = store.manifest, of_one_subject(frame)
    limits = {
        "first": f"at least {1 - exclusive:.0%} only in the first",
        "shared": f"at least {1 - shared:.0%} in both",
        "second": f"at least {1 - exclusive:.0%} only in the second",
        "between": "others",
    }
    windows = ["windows_only_first", "windows_both", "windows_only_second"]
    table = _table("class", "windows on which it fires", "latents", "share", "only first", "both", "only second")
    for each in SHARES:
        own = once[once["class"] == each]
        table.add_row(each, limits[each], *_counted(own, once), *(f"{int(own[column].sum()):,}" for column in windows))
    lines = [f"first: {manifest.subject}; second: {manifest.second_subject}"]
    if total := int(once[windows].to_numpy().sum()):
        shares = (f"{int(once[column].sum()) / total:.1%}" for column in windows)
        lines.append("of all windows on which a latent fires: {} only first, {} both, {} only second".format(*shares))
    return frame, COLUMNS, table, lines + _unknown(once, "silent in all windows of both subjects")


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < 2 else "right")
    return table


def _counted(own: "pd.DataFrame", everything: "pd.DataFrame") -> tuple[str, str]:
    return f"{len(own):,}", f"{100 * len(own) / max(1, len(everything)):.1f} %"


def _unknown(frame: "pd.DataFrame", why: str) -> list[str]:
    from inspect_autointerp.triage.classes import UNKNOWN

    n = int((frame["class"] == UNKNOWN).sum())
    return [f"Without a class: {plural(n, 'latent')} ({why})"] if n else []
