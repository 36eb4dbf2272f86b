"""`autointerp diff`: the command that sorts a crosscoder's latents by the model that has them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def diff(
    contexts: Annotated[
        str, typer.Argument(help="A context store of a crosscoder: a folder or a URL.", metavar="STORE")
    ],
    hookpoint: Annotated[
        str | None, typer.Option(help="Hookpoint of the store; by default its first that reads several places.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a row per latent to a .csv or .parquet file.")
    ] = None,
    exclusive: Annotated[
        float,
        typer.Option(
            min=0, max=0.5, help="Distance of the relative norm from 0 or 1 up to which one model alone has it."
        ),
    ] = 0.1,
    shared: Annotated[
        float, typer.Option(min=0, max=0.5, help="Distance of the relative norm from 0.5 up to which both have it.")
    ] = 0.1,
) -> None:
    """Sort a crosscoder's latents by decoder norms: of the first model (or place), of the second, or of both.

    The relative norm is |second| / (|first| + |second|). Use the file with `autointerp leaderboard --by triage --triage
    FILE` and `-T latents=FILE#second`.

    \b
    Example:
      autointerp diff contexts/models -o diff.csv
    """
    from rich.table import Table
    from rich.text import Text

    from inspect_autointerp.builtin.locate import locate
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.latent import JOIN
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.triage.classes import SHARES, check_suffix, write_classes
    from inspect_autointerp.triage.relative_norms import COLUMNS, relative_norms, share_classes

    if output is not None:
        check_suffix(output)
        if not output.resolve().parent.is_dir():
            raise UserError(f"{output}: the folder {output.parent} does not exist")
    if exclusive + shared > 0.5:
        raise UserError(f"--exclusive {exclusive:g} and --shared {shared:g} overlap; their sum must be at most 0.5")
    store = Store.open(locate(contexts))
    name = store.at(hookpoint or next((name for name in store.hookpoints if JOIN in name), None)).name
    frame = relative_norms(store, name)
    frame["class"] = share_classes(frame["relative_norm"], exclusive, shared)
    frame = frame.assign(exclusive=exclusive, shared=shared, store=store.digest)
    if output is not None:
        write_classes(frame, COLUMNS, output)
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=160)
    table = Table(title=Text(f"{contexts}  {name}"), title_justify="left", box=None, pad_edge=False, title_style="bold")
    for column in ("class", "relative norm", "latents", "share", "that fire"):
        table.add_column(column, justify="left" if column in ("class", "relative norm") else "right")
    limits = {
        "first": f"0 to {exclusive:g}",
        "shared": f"{0.5 - shared:g} to {0.5 + shared:g}",
        "second": f"{1 - exclusive:g} to 1",
        "between": "others",
    }
    for each in SHARES:
        own = frame[frame["class"] == each]
        share = f"{100 * len(own) / max(1, len(frame)):.1f} %"
        table.add_row(each, limits[each], f"{len(own):,}", share, f"{int((own['windows'] > 0).sum()):,}")
    console.print(table)
    lines = (
        [f"median relative norm {frame['relative_norm'].median():.3f}"] if frame["relative_norm"].notna().any() else []
    )
    if unknown := int((frame["class"] == "").sum()):
        lines.append(f"{unknown:,} latents have no class: their decoder vectors are zero at every place")
    lines += [f"{output}: {len(frame):,} rows"] if output is not None else []
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
