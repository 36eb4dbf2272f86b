"""A table as a terminal or Markdown shows it."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.streams import data_output

_NAME = 20
"""Characters that a name gets on a line at least."""
_WIDTH = 100
"""Characters of a line where there is no terminal."""


@dataclass(frozen=True)
class View:
    """Cells of text with a title. In a cell what follows a line break is secondary, an interval for instance."""

    title: str
    head: list[str]
    rows: list[list[str]]
    faint: list[bool] = field(default_factory=list[bool])
    """True for each row that is printed dim: floors, and explainers not above them. None by default."""
    rule: int | None = None
    """Before which row a line is drawn; None for nowhere."""
    text: int = 1
    """Number of first columns that hold text."""

    def is_faint(self, row: int) -> bool:
        """Return whether a row recedes."""
        return bool(self.faint) and self.faint[row]


def print_terminal(views: Sequence[View], notes: Sequence[str]) -> None:
    """Print views, then notes, a line each.

    A table that is wider than the terminal is folded: its columns go on in a further table below, with the same names
    on the left. Where there is no terminal, lines have `COLUMNS` characters, 100 by default.
    """
    console = Console(emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(emoji=False, width=_WIDTH)
    parts: list[Table | Text] = []
    for view in views:
        parts += [Text(visible(view.title), style="bold"), *_folded(view, console.width), Text()]
    console.print(Group(*parts, *(Text(visible(note), style="dim") for note in notes)))


def _folded(view: View, width: int) -> list[Table]:
    """Return a view as tables that fit the width, each with the columns of text and as many numbers as there is room.

    A column of text gets what its longest cell takes, if there is room for a column of numbers beside it.
    """
    widest = [_widest(view, number) for number in range(len(view.head))]
    numbers = range(view.text, len(view.head))
    room = width - 1 - 3 * view.text - max((widest[number] + 3 for number in numbers), default=0)
    least = [min(wide, max(room // view.text, _NAME)) for wide in widest[: view.text]]
    if sum(least) > room:
        least = [min(wide, _NAME // (1 + (number < view.text - 1))) for number, wide in enumerate(least)]
    tables: list[Table] = []
    block: list[int] = []
    left = 1 + sum(least) + 3 * view.text
    taken = left
    for number in numbers:
        if block and taken + widest[number] + 3 > width:
            tables.append(_terminal(view, block, [*least, *(widest[number] for number in block)], width))
            block, taken = [], left
        block.append(number)
        taken += widest[number] + 3
    return [*tables, _terminal(view, block, [*least, *(widest[number] for number in block)], width)]


def _widest(view: View, number: int) -> int:
    """Return the characters that a column takes: its longest cell, or the longest word of its head."""
    lines = [line for row in view.rows for line in visible_lines(row[number])]
    words = visible(view.head[number]).split() if number >= view.text else [visible(view.head[number])]
    return max((cell_len(text) for text in [*lines, *words]), default=1)


def _terminal(view: View, numbers: Sequence[int], widths: Sequence[int], total: int) -> Table:
    """Return the columns of text, and some of numbers, as a table.

    Args:
        view: The cells.
        numbers: Places of the columns of numbers.
        widths: Characters of each column at least; what is left of `total` goes to heads and cells that fold.
        total: Characters of a line.
    """
    table = Table(pad_edge=False)
    columns = [*range(view.text), *numbers]
    left = total - 1 - sum(width + 3 for width in widths)
    for number, width in zip(columns, widths, strict=True):
        whole = max(cell_len(visible(view.head[number])), _widest(view, number))
        more = max(min(whole - width, left), 0)
        left -= more
        justify = "right" if number >= view.text else "left"
        table.add_column(Text(visible(view.head[number])), justify=justify, overflow="fold", width=width + more)
    for place, row in enumerate(view.rows):
        if place == view.rule:
            table.add_section()
        style = "dim" if view.is_faint(place) else ""
        table.add_row(*(Text("\n".join(visible_lines(row[number])), style=style) for number in columns))
    return table


def visible_lines(cell: str) -> list[str]:
    """Return a cell's lines, each without what would act on a terminal."""
    return [visible(line) for line in cell.split("\n")]


def markdown(views: Sequence[View], notes: Sequence[str]) -> str:
    """The same in Markdown; rows that recede are in italics."""
    lines: list[str] = []
    for view in views:
        lines += [_escape(view.title), "", _row(map(_escape, view.head))]
        lines.append(_row(["---"] * view.text + ["---:"] * (len(view.head) - view.text)))
        for number, row in enumerate(view.rows):
            cells = [cell.replace("\n", " ") for cell in row]
            cells[: view.text] = map(_escape, cells[: view.text])
            lines.append(_row([f"*{cell}*" if cell else "" for cell in cells] if view.is_faint(number) else cells))
        lines.append("")
    lines += [line for note in notes for line in (note, "")]
    return "\n".join(lines[:-1]) + "\n"


def write_markdown(target: Path, views: Sequence[View], notes: Sequence[str]) -> None:
    """Write `markdown` to a file; `-` is standard output.

    Raises:
        UserError: It cannot be written.
    """
    text = markdown(views, notes)
    if str(target) == "-":
        data_output().write(text)
        return
    with atomic_file(target) as path:
        path.write_text(text, encoding="utf-8")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    text = visible(text)
    for sign in "\\|*<>`[]":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text
