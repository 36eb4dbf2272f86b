"""A card on a terminal."""

from collections.abc import Callable, Iterable

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from inspect_autointerp.card.card import Card
from inspect_autointerp.card.header import context_note, facts, section_names
from inspect_autointerp.latent import Context
from inspect_autointerp.text.render import coloured, delimiters, marked, visible


def print_card(card: Card) -> None:
    """Print a card: in colours on a terminal that has them, elsewhere with activating tokens between delimiters."""
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=200)
    console.print(terminal(card, colour=console.color_system is not None))


def terminal(card: Card, *, colour: bool) -> Group:
    """A card for rich to print.

    Args:
        card: The card.
        colour: Whether tokens are coloured by activation, or stand between delimiters from `render.THRESHOLD` on.
    """
    shown = [c for by_decile in card.activating.values() for contexts in by_decile.values() for c in contexts]
    shown += [c for contexts in card.negatives.values() for c in contexts if c.max_activation]
    pair = delimiters(shown)

    def text(context: Context) -> Text:
        maximum = card.latent.max_activation
        return Text.from_ansi(coloured(context, maximum)) if colour else Text(marked(context, pair))

    names = section_names(card)
    top = _grid()
    for name, value in facts(card):
        top.add_row(Text(name, style="bold"), Text(value))
    parts: list[Text | Table] = [Text(visible(card.latent.id), style="bold reverse"), top]
    for split, by_decile in card.activating.items():
        rows = ((f"decile {decile}", context) for decile, contexts in by_decile.items() for context in contexts)
        table = _grid()
        for name, context in rows:
            note = f"{context_note(context):<10}" if card.pair else ""
            table.add_row(Text(f"{name:<9} {context.max_activation:8.3g}  {note}".rstrip(), style="dim"), text(context))
        parts += [_title(names[split]), table]
    for kind, contexts in card.negatives.items():
        parts += [_title(names[kind]), _silent(contexts, text)]
    return Group(*parts)


def _silent(contexts: Iterable[Context], text: Callable[[Context], Text]) -> Table:
    table = _grid()
    for context in contexts:
        note = "" if context.neighbour is None else f"of {context.neighbour}"
        if context.max_activation:  # in the other subject
            table.add_row(Text(f"there     {context.max_activation:8.3g}", style="dim"), text(context))
        else:
            table.add_row(Text(f"{note:<18}", style="dim"), Text(coloured(context, 0.0)))
    return table


def _title(name: str) -> Text:
    return Text(f"\n{name}", style="bold")


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid
