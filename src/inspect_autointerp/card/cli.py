"""`autointerp show`: the command that shows one latent."""

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from rich.console import Console

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Split
from inspect_autointerp.store.store import Store


def show(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[STORE] LATENT",
            help="A context store (a folder, a URL, `demo`, `planted`, or `smollm2`, the default) and a latent of it:"
            " `layers.2/17`, or `17` with --hookpoint. With --random: a hookpoint instead of a latent.",
        ),
    ],
    random: Annotated[
        int | None, typer.Option(min=1, help="Show this many latents of a hookpoint, drawn from those that fire.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for drawing latents and negatives.")] = 0,
    hookpoint: Annotated[
        str | None, typer.Option(help="Hookpoint of the latent; the store's first by default.")
    ] = None,
    split: Annotated[
        Literal["explain", "test", "both"], typer.Option(help="Split to show activating contexts of.")
    ] = "both",
    contexts: Annotated[
        int, typer.Option(min=1, help="Contexts per decile; five times as many of each kind of negatives.")
    ] = 2,
    window: Annotated[int | None, typer.Option(help="Tokens in a context; the store's own by default.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the card to this HTML file instead.")] = None,
) -> None:
    """Show a latent: its firing rate and strength, texts on which it fires, and texts on which it is silent.

    \b
    Example:
      autointerp show layers.2/17
      autointerp show contexts/gpt2 17 --html latent.html
      autointerp show contexts/gpt2 layers.8 --random 30 --contexts 1
    """
    from inspect_autointerp.builtin.locate import default_store, locate
    from inspect_autointerp.card.card import latent_named, random_latents, read_card
    from inspect_autointerp.card.html import write_card
    from inspect_autointerp.card.terminal import print_card

    if len(names) > 2:
        raise UserError(f"give a store and one latent, got {len(names)} names")
    place = names[0] if len(names) == 2 else default_store()
    store = Store.open(locate(place), window)
    splits: tuple[Split, ...] = get_args(Split) if split == "both" else (split,)
    if random is not None:
        if html is not None:
            raise UserError("--html shows one latent; leave out --html or --random")
        if hookpoint not in (None, names[-1]):
            raise UserError(f"{names[-1]}: this hookpoint differs from --hookpoint {hookpoint}; give one of them")
        for latent in random_latents(store, store.at(names[-1]).name, random, seed):
            print_card(read_card(store, latent, contexts=contexts, splits=splits, seed=seed))
        return
    latent = latent_named(store, names[-1], hookpoint)
    card = read_card(store, latent, contexts=contexts, splits=splits, seed=seed)
    if html is None:
        print_card(card)
        return
    write_card(card, html)
    Console(emoji=False, soft_wrap=True).print(f"{html}: {card.latent.id}", markup=False, highlight=False)
