"""Contexts as text: for a prompt, where activating tokens stand between delimiters, and for a reader, in colour.

Every text is brought to one line, with line ends shown as ⏎, and whatever would act on a reader's screen or deceive a
reader's eye (escape sequences, other control characters, bidirectional and zero-width marks) spelled out.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from inspect_autointerp.latent import Context

THRESHOLD = 0.3
"""A token counts as activating from this share of its context's maximum on (arXiv 2410.13928, §3.2)."""

_DELIMITERS = (("<<", ">>"), ("«", "»"), ("⟦", "⟧"), ("⦗", "⦘"))


class Shown(Protocol):
    """Text that can be shown in colour: a `Context`, or any text with its activations."""

    @property
    def activations(self) -> np.ndarray:
        """(token,)."""
        ...

    def tokens(self) -> list[str]:
        """The characters of each token."""
        ...


def visible(text: str) -> str:
    r"""One line that shows everything: `"a\n\x1b[31m"` gives `"a⏎\x1b[31m"` with the escape spelled out."""
    text = text.replace("\n", "⏎").replace("\t", "⇥")
    return text if text.isprintable() else text.translate(_SHOWN)  # which is a tenth as fast


class _Shown(dict[int, str]):
    """Visible form of each character, filled in when the character first occurs."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            self[code] = character.encode("unicode_escape", "surrogatepass").decode()
        else:
            self[code] = character
        return self[code]


_SHOWN = _Shown()


def delimiters(contexts: Iterable[Context]) -> tuple[str, str]:
    """The first pair of delimiters that occurs in none of the texts."""
    texts = [context.text for context in contexts]
    for pair in _DELIMITERS:
        if not any(mark in text for mark in pair for text in texts):
            return pair
    return _DELIMITERS[-1]


def active_tokens(context: Context, threshold: float = THRESHOLD) -> list[bool]:
    """Per token, whether it activates: at or above the threshold's share of the context's maximum."""
    least = threshold * context.max_activation
    return ((context.activations > 0) & (context.activations >= least)).tolist()


def marked(context: Context, pair: tuple[str, str], marks: Sequence[bool] | np.ndarray | None = None) -> str:
    """The context with tokens between delimiters; neighbours share one pair.

    Args:
        context: What to show.
        pair: The delimiters.
        marks: Per token, whether it is marked; the activating ones by default.
    """
    places = [start for start, _ in context.spans] + [end for _, end in context.spans[-1:]]
    shown = (start < end for start, end in context.spans)
    pieces: list[str] = []
    begin = 0
    for i, token in enumerate(_bounds(shown, active_tokens(context) if marks is None else marks)):
        pieces += [visible(context.text[begin : places[token]]), pair[i % 2]]  # in runs, which is several times as fast
        begin = places[token]
    return "".join([*pieces, visible(context.text[begin:])])


def _bounds(shown: Iterable[bool], marks: Sequence[bool] | np.ndarray) -> list[int]:
    """The tokens before which delimiters stand, opening and closing ones; one more than the last for the end.

    Args:
        shown: Per token, whether it has characters of its own: else it cannot carry a mark.
        marks: Per token, whether it is to.
    """
    bounds: list[int] = []
    inside = False
    marks = marks.tolist() if isinstance(marks, np.ndarray) else marks  # ten times faster to go through
    for i, (can, mark) in enumerate(zip(shown, marks, strict=True)):
        if mark != inside and can:
            bounds.append(i)
            inside = mark
    return [*bounds, len(marks)] if inside else bounds


_RESET = "\x1b[0m"
# Runs without width whose background alternates: the Inspect viewer paints a whole block in the colour that most of
# its lines begin with (docs/decisions.md, "In the viewer").
_STARTS = ("\x1b[48;2;1;2;3m\u200b" + _RESET, "\x1b[48;2;3;2;1m\u200b" + _RESET)


def coloured(
    context: Shown,
    maximum: float,
    marks: Sequence[bool] | np.ndarray | None = None,
    pair: tuple[str, str] = _DELIMITERS[0],
) -> str:
    """The context in ANSI colours: the deeper the background of a token, the larger its activation.

    Args:
        context: What to show.
        maximum: The activation that gets the deepest colour, in the coder's units.
        marks: Per token, whether it stands between delimiters; none does by default.
        pair: The delimiters.
    """
    tokens = context.tokens()
    pieces: list[str] = []
    for token, activation in zip(tokens, context.activations.tolist(), strict=True):
        text = visible(token)
        if activation > 0 and text:
            share = min(1.0, activation / maximum) if maximum > 0 else 0.0
            colour = f"255;{240 - int(150 * share)};{int(120 * (1 - share))}"
            pieces.append(f"\x1b[38;2;0;0;0m\x1b[48;2;{colour}m{text}{_RESET}")  # black text, in dark mode too
        else:
            pieces.append(text)
    bounds = [] if marks is None else _bounds(map(bool, tokens), marks)
    for i, token in reversed([*enumerate(bounds)]):
        pieces.insert(token, pair[i % 2])
    return "".join(pieces)


def ansi_block(lines: Sequence[str]) -> str:
    """Lines that may hold colours, as one block for the Inspect viewer."""
    lines = [*lines] if len(lines) > 1 else [*lines, ""]
    return "\n".join(_STARTS[i % 2] + line for i, line in enumerate(lines))
