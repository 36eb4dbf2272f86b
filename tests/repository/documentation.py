"""The documentation's files, and what is read out of their Markdown."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "examples/README.md", *PAGES]
SCRIPTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*.sh"))

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUNNABLE = re.compile(r"^<!-- run -->\n```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(name: str) -> list[str]:
    """The blocks and the inline code of a document; of a script, all of it. Continued lines are joined."""
    text = read(name).replace("\\\n", " ")
    if name.endswith(".sh"):
        return [text]
    return [*(block for _, block in FENCE.findall(text)), *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))]


def lines(name: str) -> list[str]:
    """The lines of `code`."""
    return [line.strip() for part in code(name) for line in part.splitlines()]


class Table(NamedTuple):
    """A Markdown table: its section's heading, its head, and its rows of cells."""

    heading: str
    head: list[str]
    rows: list[list[str]]


def tables(name: str) -> list[Table]:
    out: list[Table] = []
    heading, before = "", ""
    for line in FENCE.sub("", read(name)).splitlines():
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if re.fullmatch(r"\|[\s:|-]+\|", line):
            out.append(Table(heading, [cell.strip() for cell in before.split("|")[1:-1]], []))
        elif line.startswith("|") and before.startswith("|") and out:
            out[-1].rows.append(cells)
        before = line
    return out


def names_in(cell: str) -> list[str]:
    """The names in backticks of a cell, without the value behind an `=`."""
    return [name.split("=")[0] for name in re.findall(r"`([^`]+)`", cell)]
