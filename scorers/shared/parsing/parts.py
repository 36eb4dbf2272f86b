"""The parts that lists are made of: values, with or without numbers."""

import re
from dataclasses import dataclass, field

NOUN = r"(?:text|sentence|example|item|passage|snippet|context|excerpt|sample|input|number|no\.?)s?"
"""Words for a text."""
VALUE = r"[+-]?\d{1,9}(?:\.\d{1,9})?(?:\s?%|\s?/\s?\d{1,4})?|true|false|yes|no"
QUOTED = rf"[\"'“‘(\[]{{0,3}}\s?(?P<value>{VALUE})(?![\w.]\w)(?!\w)\s?[\"'”’)\]]{{0,3}}"
"""A value, in quotes or brackets of its own."""
WORTH = (
    r"(?:final )?(?:label|answer|prediction|decision|verdict|judge?ment|score|confidence|rating|classification|value)"
)
"""Words for a value."""
_ATOM = re.compile(rf"\s*{QUOTED}\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Atom:
    """One value as it is written, and where."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Form:
    """Values that were written together, in the order of the texts."""

    atoms: tuple[Atom, ...]
    keys: tuple[int, ...] | None
    """The texts' numbers as they were written; None where they were not."""
    start: int
    end: int
    lines: bool = False
    """True if it is made of lines of their own, so that nothing but a line before can introduce it."""


@dataclass(slots=True)
class Run:
    """Lines with values, one after the other."""

    atoms: list[Atom] = field(default_factory=list[Atom])
    keys: list[int] = field(default_factory=list[int])
    seen: set[int] = field(default_factory=set[int])
    start: int = 0
    end: int = 0

    def form(self) -> Form:
        """The form that the lines make, in the order of the texts' numbers."""
        order = sorted(range(len(self.atoms)), key=lambda i: self.keys[i]) if self.keys else range(len(self.atoms))
        keys = tuple(sorted(self.keys)) if self.keys else None
        return Form(tuple(self.atoms[i] for i in order), keys, self.start, self.end, lines=True)


def atom_at(text: str, start: int, end: int) -> Atom | None:
    """The value that is all that stands at a place."""
    match = _ATOM.match(text, start, end)
    return atom_of(match) if match else None


def atom_of(match: re.Match[str]) -> Atom:
    """The value that a pattern with `QUOTED` found."""
    return Atom(match["value"], match.start("value"), match.end("value"))
