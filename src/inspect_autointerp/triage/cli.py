"""`autointerp triage`: the command that sorts latents into input latents, output latents, both and neither."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from inspect_autointerp.text.plural import plural

if TYPE_CHECKING:
    import pandas as pd


def triage(
    contexts: Annotated[
        str, typer.Argument(help="A context store: a folder, a URL, `smollm2` or `demo`.", metavar="STORE")
    ],
    hookpoint: Annotated[str | None, typer.Option(help="Hookpoint of the store; the first by default.")] = None,
    latents: Annotated[
        str, typer.Option(help="Latents to measure: `0:100`, `3,17,40`, `sample:100` or `all`, as -T latents=.")
    ] = "sample:100",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a row per latent to a .csv or .parquet file.")
    ] = None,
    input_at_least: Annotated[
        float, typer.Option(min=0, max=1, help="Input score from which a latent counts as an input latent.")
    ] = 0.1,
    output_at_least: Annotated[
        float, typer.Option(min=0, max=1, help="Output score from which a latent counts as an output latent.")
    ] = 0.01,
    prompt: Annotated[
        str, typer.Option(help="Neutral text after which the subject is steered.")
    ] = "From my experience,",
    factor: Annotated[
        float,
        typer.Option(min=0, help="Strength, as a multiple of the largest activation of any latent after the prompt."),
    ] = 10.0,
    tokens: Annotated[int, typer.Option(min=1, help="Promoted tokens that represent a latent.")] = 20,
    min_contexts: Annotated[
        int, typer.Option(min=1, help="Skip latents with fewer activating or random contexts, as -T min_contexts=.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="Random seed of `sample:N`, as -T seed=.")] = 0,
) -> None:
    """Sort latents by what they stand for: their input, their output, both or neither. No language model is asked.

    The subject is steered once with each latent. Use the file with `autointerp leaderboard --by triage --triage FILE`
    and `-T latents=FILE#output`.

    \b
    Example:
      autointerp triage demo --latents sample:100 -o triage.csv
    """
    from inspect_autointerp.builtin.locate import locate
    from inspect_autointerp.contexts.selection import usable_latents
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.triage.classes import check_suffix, classes_of, write_triage
    from inspect_autointerp.triage.measure_latents import Method, measure_latents

    if output is not None:
        check_suffix(output)
        if not output.resolve().parent.is_dir():
            raise UserError(f"{output}: the folder {output.parent} does not exist")
    store = Store.open(locate(contexts))
    name = store.at(hookpoint).name
    usable, skipped = usable_latents(store, name, latents, min_contexts, seed)
    frame = measure_latents(store, name, usable, Method(prompt=prompt, factor=factor, tokens=tokens))
    frame["class"] = classes_of(frame["input_score"], frame["output_score"], input_at_least, output_at_least)
    frame = frame.assign(input_at_least=input_at_least, output_at_least=output_at_least, store=store.digest)
    if output is not None:
        write_triage(frame, output)
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=160)
    console.print(_table(frame, f"{contexts}  {name}", input_at_least, output_at_least))
    for line in _lines(frame, skipped):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    if output is not None:
        console.print(f"{output}: {plural(len(frame), 'row')}", highlight=False, soft_wrap=True, markup=False)


def _table(frame: "pd.DataFrame", title: str, input_least: float, output_least: float) -> Table:
    """Return the table of two rows and two columns."""
    counts = frame["class"].value_counts()
    n = max(1, len(frame))
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False, title_style="bold")
    table.add_column("")
    for head in (f"output score ≥ {output_least:g}", f"output score < {output_least:g}"):
        table.add_column(head, justify="right")

    def cell(name: str) -> str:
        count = int(counts.get(name, 0))
        return f"{name} {count:,} ({100 * count / n:.0f} %)"

    table.add_row(f"input score ≥ {input_least:g}", cell("both"), cell("input"))
    table.add_row(f"input score < {input_least:g}", cell("output"), cell("neither"))
    return table


def _lines(frame: "pd.DataFrame", skipped: dict[str, int]) -> list[str]:
    """Return the lines below the table."""
    lines = [
        f"median {label}: {frame[column].median():.3g} (quartiles {frame[column].quantile(0.25):.3g} to"
        f" {frame[column].quantile(0.75):.3g})"
        for column, label in (
            ("input_score", "input score"),
            ("output_score", "output score"),
            ("token_confidence_change", "change in token confidence, nats"),
        )
        if frame[column].notna().any()
    ]
    if unknown := int((frame["class"] == "").sum()):
        lines.append(f"{plural(unknown, 'latent')} without a class: too few contexts, or no direction the head reads")
    if skipped:
        lines.append("skipped: " + ", ".join(f"{n:,} {reason}" for reason, n in skipped.items()))
    return lines
