"""Verdicts per context, read back from the report that a scorer leaves in a log.

A log holds them in no other form: a score's explanation is the block in ANSI colours that the Inspect viewer shows.
Most reports have a line per context; those are taken apart, so that explainers can stand side by side. In lean logs
there is a sign for each text in order, and the texts are the same for explainers that are compared. What is told in
another way (intruder, intervention) stays lines.
"""

import re
from typing import NamedTuple

from inspect_autointerp.text.signs import KIND_SIGNS, LEGEND, VERDICT_SIGNS

_KIND = r"decile +\d+|activating|random|neighbours|cooccurring|similar|mismarked"
_ROW = re.compile(rf"  ({_KIND}) *(.*)")
_MARKS = {"WRONG": "wrong", "UNSCORED": "unscored", "RIGHT": "right"}
_SEPARATOR = " │ "


class Row(NamedTuple):
    """What a grader made of one context."""

    kind: str
    """`decile 7`, or the kind of negatives."""
    mark: str
    """`wrong`, `right`, `unscored`; empty where a value is all that is said."""
    said: str
    """A probability, an error, a value or a reason."""
    text: str
    """The context, as `render.coloured` made it, or `text 12`."""


def lines_of(report: str) -> list[str]:
    """A report's lines without the runs that begin each (`render.ansi_block`)."""
    return [re.sub("^\x1b\\[[0-9;]*m\u200b\x1b\\[0m", "", line) for line in report.split("\n")]


def read_rows(lines: list[str]) -> list[Row] | None:
    """A row per context, in the report's order; None of a report that is told in another way."""
    rows: list[Row] = []
    mark = ""
    following = iter(lines)
    for line in following:
        label, separator, text = line.partition(_SEPARATOR)
        if line == LEGEND:
            return _by_text([line for line in following if line])
        if not separator:
            if line.strip():
                if line.startswith(" "):
                    return None
                mark = _MARKS.get(re.split(r"\W", line, maxsplit=1)[0], "")
        elif match := _ROW.fullmatch(label):
            rows.append(Row(re.sub(" +", " ", match[1]), mark, match[2].strip(), text))
        elif label.strip() != "predicted":  # simulation's second line of a context
            return None
    return rows or None


def _by_text(lines: list[str]) -> list[Row] | None:
    """A row for each pair of signs, see `signs`; None where they are no pairs of signs."""
    kind_of, mark_of = ({sign: name for name, sign in names.items()} for names in (KIND_SIGNS, VERDICT_SIGNS))
    kinds, marks = "".join(lines[::2]), "".join(lines[1::2])
    if len(kinds) != len(marks) or not (kind_of.keys() >= set(kinds) and mark_of.keys() >= set(marks)):
        return None
    pairs = zip(kinds, marks, strict=True)
    return [
        Row(re.sub(" +", " ", kind_of[kind]), mark_of[mark], "", f"text {number}")
        for number, (kind, mark) in enumerate(pairs, 1)
    ]
