"""Which of the texts that somebody wrote are copies, and so say nothing of what he understood."""

import re
from collections.abc import Mapping, Sequence

RUN = 8
"""Words and signs in a run."""
_SHARE = 0.5
_TOKEN = re.compile(r"\w+|[^\w\s]")

Tokens = tuple[str, ...]


def uncounted(
    active: Sequence[str], silent: Sequence[str], known: Mapping[str, Sequence[str]]
) -> tuple[list[str | None], list[str | None]]:
    """Why texts do not count; None of one that does.

    A text is taken as its words and signs, in small letters, spaces left out. It is a copy of another if the two are
    the same, or if at least half of the runs of eight of one of them stand in the other: so also if it holds the other
    or is held by it, unless the shorter has less than eight words and signs (any text may hold `return self`).

    Args:
        active: Texts of one kind.
        silent: Texts of the other kind. A near miss is meant to be like a text of the other kind, so between the two
            only the very same do not count, in either: a space or a capital may be all the difference.
        known: Texts that must not be copied, by what they are.

    Returns:
        For each kind: `empty`, `copy_of_…` (by the name in `known`), `repeated` (of a text before it of its kind) or
        `on_both_sides`.
    """
    others = {name: [_Runs(_tokens(text)) for text in texts] for name, texts in known.items()}
    sides = [[_Runs(_tokens(text)) for text in texts] for texts in (active, silent)]
    both = set(active) & set(silent)
    reasons_by_side: list[list[str | None]] = [[], []]
    for reasons, texts, raw in zip(reasons_by_side, sides, (active, silent), strict=True):
        for i, text in enumerate(texts):
            if not text.tokens:
                reasons.append("empty")
            elif name := next((name for name, listed in others.items() if any(map(text.like, listed))), None):
                reasons.append(f"copy_of_{name}")
            elif any(map(text.like, texts[:i])):
                reasons.append("repeated")
            else:
                reasons.append("on_both_sides" if raw[i] in both else None)
    return reasons_by_side[0], reasons_by_side[1]


class _Runs:
    """A text's tokens, and all runs of eight of them."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.runs = {tokens[i : i + RUN] for i in range(len(tokens) - RUN + 1)}

    def like(self, other: "_Runs") -> bool:
        least = min(len(self.runs), len(other.runs))
        shared = least > 0 and len(self.runs & other.runs) >= _SHARE * least
        return shared or self.tokens == other.tokens


def _tokens(text: str) -> Tokens:
    return tuple(_TOKEN.findall(text.casefold()))
