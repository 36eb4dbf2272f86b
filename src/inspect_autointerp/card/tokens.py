"""A context as pieces of text with their shares of the largest activation, and as HTML.

The card, and the leaderboard's page, show token-coloured contexts through here and nowhere else.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from markupsafe import Markup

from inspect_autointerp.latent import Context
from inspect_autointerp.text.render import visible

LEVELS = 10
"""Depths of colour that a page tells apart; `styles.css` has a class for each."""


class Piece(NamedTuple):
    """Text that is shown in one colour."""

    text: str
    """On one line, with nothing in it that acts on a reader's screen (`render.visible`)."""
    share: float | None
    """Share of the largest activation, in [0, 1]; None where the latent is silent."""


def pieces(context: Context, maximum: float) -> list[Piece]:
    """A context's tokens; those on which the latent is silent are joined.

    Args:
        context: What to show.
        maximum: The activation whose share is 1, in the coder's units.
    """
    joined: list[Piece] = []
    for token, activation in zip(context.tokens(), context.activations.tolist(), strict=True):
        if text := visible(token):
            share = None if activation <= 0 else min(1.0, activation / maximum) if maximum > 0 else 0.0
            _append(joined, Piece(text, share))
    return joined


def _append(joined: list[Piece], piece: Piece) -> None:
    if joined and piece.share is None and joined[-1].share is None:
        piece = Piece(joined.pop().text + piece.text, None)
    joined.append(piece)


def as_html(parts: Sequence[Piece]) -> Markup:
    """Pieces as HTML: `<b class=hN>` around those on which the latent fires, N from 1 (weak) to `LEVELS`."""
    return Markup(
        "".join(
            escape(text) if share is None else f'<b class="h{level(share)}">{escape(text)}</b>' for text, share in parts
        )
    )


def level(share: float) -> int:
    """The depth of colour of a share in [0, 1]: 1 to `LEVELS`."""
    return max(1, min(LEVELS, round(share * LEVELS)))
