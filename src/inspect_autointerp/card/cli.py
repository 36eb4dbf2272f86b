"""`autointerp show`: the command that shows one latent."""

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from rich.console import Console

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Split
from inspect_autointerp.store import Store

DEMO = "demo"
"""What the demo's store is called here; a folder of that name is `./demo`."""


def show(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[STORE] LATENT",
            help="A context store (a folder, a URL, `planted`, or `demo`, the default), and a latent of it:"
            " `layers.2/17`, or `17` of --hookpoint.",
        ),
    ],
    hookpoint: Annotated[str | None, typer.Option(help="Of the latent; the store's first by default.")] = None,
    split: Annotated[
        Literal["explain", "test", "both"], typer.Option(help="Whose activating contexts to show.")
    ] = "both",
    contexts: Annotated[
        int, typer.Option(min=1, help="Contexts of each decile; five times as many of each kind of negatives.")
    ] = 2,
    window: Annotated[int | None, typer.Option(help="Tokens in a context; the store's own by default.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the card to this HTML file instead.")] = None,
) -> None:
    """Show a latent: how often and how strongly it fires, on what, and on what it is silent.

    \b
    Example:
      autointerp show layers.2/17
      autointerp show contexts/gpt2 17 --html latent.html
    """
    from inspect_autointerp.card.card import latent_named, read_card
    from inspect_autointerp.card.html import write_card
    from inspect_autointerp.card.terminal import print_card
    from inspect_autointerp.evaluation import locate

    if len(names) > 2:
        raise UserError(f"a store and one latent are wanted, and {len(names)} names were given")
    place = names[0] if len(names) == 2 else DEMO
    store = Store.open(locate(None if place == DEMO else place), window)
    splits: tuple[Split, ...] = get_args(Split) if split == "both" else (split,)
    card = read_card(store, latent_named(store, names[-1], hookpoint), contexts=contexts, splits=splits)
    if html is None:
        print_card(card)
        return
    write_card(card, html)
    Console(soft_wrap=True).print(f"{html}: {card.latent.id}", markup=False, highlight=False)
