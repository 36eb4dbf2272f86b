"""A table as a terminal or Markdown shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.streams import data_output

_NAME = 20
"""Characters that a name gets on a line at least."""


@dataclass(frozen=True)
class View:
    """Cells of text with a title. In a cell what follows a line break is secondary, an interval for instance."""

    title: str
    head: list[str]
    rows: list[list[str]]
    faint: list[bool] = field(default_factory=list)
    """Of each row, whether it recedes: floors, and what is not above them. None by default."""
    rule: int | None = None
    """Before which row a line is drawn; None for nowhere."""
    text: int = 1
    """How many of the first columns hold text."""
    minor: range = range(0)
    """Columns that a narrow terminal leaves out, with all that is secondary."""

    def is_faint(self, row: int) -> bool:
        """Whether a row recedes."""
        return bool(self.faint) and self.faint[row]


def print_terminal(views: Sequence[View], notes: Sequence[str]) -> None:
    """Print views, on a terminal as wide as it is, elsewhere wide enough; then notes, a line each."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    unbounded = console.options.update(max_width=10_000)
    parts: list[Table | Text] = []
    for view in views:
        table = _terminal(view)
        if Measurement.get(console, unbounded, table).minimum > console.width:
            table = _terminal(view, short=True)
        parts += [Text(visible(view.title), style="bold"), table, Text()]
    console.print(Group(*parts, *(Text(visible(note), style="dim") for note in notes)))


def _terminal(view: View, short: bool = False) -> Table:
    table = Table(pad_edge=False)
    shown = [number for number in range(len(view.head)) if not (short and number in view.minor)]
    cells = [[_cell(row[number], short) for number in shown] for row in view.rows]
    for place, number in enumerate(shown):
        width = max((len(line) for row in cells for line in row[place].split("\n")), default=1)
        least, justify = (width, "right") if number >= view.text else (min(width, _NAME // (1 + short)), "left")
        table.add_column(Text(visible(view.head[number])), justify=justify, overflow="fold", min_width=least)
    for number, row in enumerate(cells):
        if number == view.rule:
            table.add_section()
        table.add_row(*(Text(cell, style="dim" if view.is_faint(number) else "") for cell in row))
    return table


def _cell(cell: str, short: bool) -> str:
    return "\n".join(map(visible, cell.split("\n")[: 1 if short else None]))


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
