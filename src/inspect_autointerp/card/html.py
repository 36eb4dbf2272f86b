"""A card as one HTML file."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from inspect_autointerp.card.card import Card
from inspect_autointerp.card.header import context_note, facts, section_names
from inspect_autointerp.card.tokens import as_html, pieces
from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.render import visible

_TEMPLATES = "inspect_autointerp.card"


@cache
def environment(package: str = _TEMPLATES) -> Environment:
    """Jinja with the templates of a package's folder `templates`; whatever they are given is escaped."""
    loader = PackageLoader(package)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def styles() -> Markup:
    """The style sheet that cards and the leaderboard's page have in common."""
    return Markup(files(_TEMPLATES).joinpath("templates", "styles.css").read_text(encoding="utf-8"))


def card_page(card: Card) -> str:
    """A card as an HTML page that needs no other file, no network and no script."""
    maximum, names = card.latent.max_activation, section_names(card)
    sections = [
        (
            names[split],
            [
                (
                    " · ".join(filter(None, [f"decile {decile}", context_note(context)])),
                    f"{context.max_activation:.3g}",
                    as_html(pieces(context, maximum)),
                )
                for decile, contexts in by_decile.items()
                for context in contexts
            ],
        )
        for split, by_decile in card.activating.items()
    ]
    sections += [
        (
            names[kind],
            [
                (
                    "" if c.neighbour is None else f"of {c.neighbour}",
                    f"{c.max_activation:.3g}" if c.max_activation else "",
                    as_html(pieces(c, maximum)),
                )
                for c in contexts
            ],
        )
        for kind, contexts in card.negatives.items()
    ]
    template = environment().get_template("card.html")
    return template.render(name=visible(card.latent.id), facts=facts(card), sections=sections, styles=styles())


def write_card(card: Card, path: Path) -> None:
    """Write a card's page.

    Raises:
        UserError: It cannot be written.
    """
    with atomic_file(path) as file:
        file.write_text(card_page(card), encoding="utf-8")
