"""`autointerp hooks`: the command that lists the values of `--hookpoint`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from inspect_autointerp.builtin import demo
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.trust import trusted


def hooks(
    subject: Annotated[str, typer.Argument(help="Hugging Face model, by name or folder; `demo` for the embedded one.")],
    revision: Annotated[str | None, typer.Option(help="Model revision on the Hugging Face Hub.")] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run the code that comes with the model.")
    ] = False,
) -> None:
    """List a model's hookpoints with their widths, from its configuration alone.

    Example: autointerp hooks google/gemma-2-2b
    """
    try:
        from inspect_autointerp.prep.subject.list_hookpoints import places
    except ImportError as error:
        raise UserError(f'hooks needs more packages ({error}): `pip install "inspect-autointerp[prep]"`') from error

    source = str(demo.SUBJECT) if subject == "demo" else subject
    hookpoints, groups = places(source, revision, trust_remote_code=trust_remote_code or trusted())
    table = Table(title=subject, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("--hookpoint", overflow="fold")
    table.add_column("width", justify="right")
    table.add_column("or", overflow="fold")
    for place in hookpoints:
        table.add_row(place.name, f"{place.width:,}", place.transformer_lens or "")
    console = Console(emoji=False)
    console.print(table)
    for first, *others in groups:
        if others:
            console.print(f"The same in {_layers(others)} as in layer {first}.", highlight=False)


def _layers(numbers: list[int]) -> str:
    """[1, 2, 3] → `layers 1 to 3`; [2, 4] → `layers 2, 4`."""
    if len(numbers) == 1:
        return f"layer {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"layers {numbers[0]} to {numbers[-1]}"
    return "layers " + ", ".join(map(str, numbers))
