"""Values in the rows of a table."""

import re

from inspect_autointerp.scorers.shared.parsing.parts import NOUN, WORTH, Atom, atom_at

_RULE = re.compile(r"[\s|:+=-]+\Z")
_COLUMN = re.compile(rf"{WORTH}|active|0\s?/\s?1|applies|right|result|output", re.IGNORECASE)


def cells_of(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return where the cells of a row are."""
    cells: list[tuple[int, int]] = []
    at = start + 1
    while at < end:
        bar = text.find("|", at, end)
        bar = end if bar < 0 else bar
        cells.append((at, bar))
        at = bar + 1
    return cells


def row_of(
    text: str, cells: list[tuple[int, int]], columns: tuple[int | None, int] | None
) -> tuple[tuple[int, Atom] | None, tuple[int | None, int] | None]:
    """The entry of a table's row, and which columns hold number and value, as its head tells."""
    words = [text[start:end].strip() for start, end in cells]
    if all(_RULE.match(word) or not word for word in words):
        return None, columns
    if columns is None:
        named = [i for i, word in enumerate(words) if _COLUMN.search(word) and not re.search(r"\d", word)]
        if named and len(named) == 1 and named[0] > 0:
            return None, (0, named[0])
        columns = (0, 1) if len(cells) == 2 else None
        if columns is None:
            return None, None
    number, value = columns
    key = re.fullmatch(rf"(?:{NOUN})?[ _#]*(\d{{1,4}})[.:]?", words[number or 0], re.IGNORECASE)
    if key is None or value >= len(cells):
        return None, columns
    atom = atom_at(text, *cells[value])
    return ((int(key[1]), atom) if atom else None), columns
