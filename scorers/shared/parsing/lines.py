"""Values in lines: one in each, by number or not, or all in one; rows of a table."""

import re

from inspect_autointerp.scorers.shared.parsing.doubt import hedged
from inspect_autointerp.scorers.shared.parsing.parts import NOUN, QUOTED, WORTH, Atom, Form, Run, atom_at, atom_of
from inspect_autointerp.scorers.shared.parsing.tables import cells_of, row_of

_KEY = rf"[\"'“]?(?P<noun>{NOUN}[ _]*)?(?P<open>[\[(#]{{0,2}})[ ]?(?P<key>\d{{1,4}})[ ]?(?P<shut>[\])]?)[\"'”]?"
_SIGNS = r"[^\S\t]*+(?:(?:[:=|→⇒➜➔\t]|[-=]>|[–—]|-(?=\s)|[.)](?=\s))[^\S\t]*+)++"
_ENTRY = re.compile(rf"{_KEY}(?P<gap>{_SIGNS}|\s+(?:is|gets)\s+(?:labell?ed\s+)?|\s+){QUOTED}", re.IGNORECASE)
_HEAD = re.compile(rf"{_KEY}(?:{_SIGNS}|\s*\Z)", re.IGNORECASE)
_BULLET = re.compile(
    r"\s*(?:(?:[-•·>+–—]|#{1,6})\s+)*(?:\d{1,3}[.)]\s+(?=(?:text|sentence|example|item|passage)\b))?", re.IGNORECASE
)
_TAIL = re.compile(r"[\s.,;!|]*\Z")
_REMARK = re.compile(
    r"\s*+(?:(?:\|\s*+)?\((?P<inside>.*)\)|(?:[-–—:,;|→]|[-=]>|because\b)\s*(?P<after>[^\W\d_\s\"'“‘].*|[\"'“‘(].*))\Z"
)
_OPENING = re.compile(QUOTED, re.IGNORECASE)
_BETWEEN = re.compile(r"\s*+(?:[,;|]|\band\b)?\s*+")
_OWN_LINE = re.compile(rf"{WORTH}s?\s*(?:[:=→]|->|is)\s*{QUOTED}", re.IGNORECASE)
_ARROW = re.compile(rf"(?:→|⇒|➜|➔|[-=]{{1,3}}>|=|\b{WORTH}\s*[:=])\s*{QUOTED}[\s.]*\Z", re.IGNORECASE)
_BARE = re.compile(rf"\s*{QUOTED}(?:\s*[,;|]\s*|\s+|\s*\Z)", re.IGNORECASE)


def runs_of(text: str) -> tuple[list[Run], list[tuple[int, int]]]:
    """Lines of values, and the places that they take."""
    runs: list[Run] = []
    keyed, bare, taken, at = Run(), Run(), list[tuple[int, int]](), 0
    heading: int | None = None
    columns: tuple[int | None, int] | None = None

    def close(run: Run) -> Run:
        if run.atoms:
            runs.append(run)
        return Run()

    for line in text.split("\n"):
        begin, at = at, at + len(line) + 1
        body = line.strip()
        if not body:
            continue
        start, end = begin + len(line) - len(line.lstrip()), begin + len(line.rstrip())
        if body.startswith("|") and body.count("|") > 2:
            cells = cells_of(text, start, end)
            entry, columns = row_of(text, cells, columns)
            if entry is None:
                continue
            entries = [entry]
        else:
            columns = None
            start = _BULLET.match(text, start, end).end()  # type: ignore[union-attr]
            entries = _entries(text, start, end)
        own = _OWN_LINE.match(text, start, end) if heading is not None and not entries else None
        if heading is not None and own and _ends(text, own, end):
            entries = [(heading, atom_of(own))]
        if entries:
            bare = close(bare)
            if keyed.seen & {key for key, _ in entries}:
                keyed = close(keyed)
            keyed.seen |= {key for key, _ in entries}
            keyed.start = keyed.start if keyed.atoms else start
            keyed.keys += [key for key, _ in entries]
            keyed.atoms += [atom for _, atom in entries]
            keyed.end = end
            taken.append((start, end))
            heading = None
            continue
        head = _HEAD.match(text, start, end)
        if head:
            heading = int(head["key"])
        atom = atom_at(text, start, end) or atom_at(text, start, end - 1 if text[end - 1] in ".,;" else start)
        if atom:
            bare.start = bare.start if bare.atoms else start
            bare.atoms.append(atom)
            bare.end = end
            continue
        bare = close(bare)
        row, row_start = _bare_list(text, start, end)
        if row:
            runs.append(Run(row, start=row_start, end=end))
    close(bare)
    close(keyed)
    return runs, taken


def _ends(text: str, value: re.Match[str], end: int) -> bool:
    """Return whether nothing follows a value on its line, or a remark that leaves it as it is."""
    if _TAIL.match(text, value.end(), end):
        return True
    remark = _REMARK.match(text, value.end(), end)
    return bool(remark) and not hedged(remark["inside"] or remark["after"] or "", value["value"])


def _entries(text: str, start: int, end: int) -> list[tuple[int, Atom]]:
    """`Text 1: 1 (…)`, or several of these on one line, maybe after `Labels:`."""
    for begin in dict.fromkeys((start, 1 + text.find(":", start, end))):
        entries: list[tuple[int, Atom]] = []
        at = begin
        while entry := _ENTRY.match(text, at, end):
            if not (entry["gap"].strip() or entry["shut"] or "\t" in entry["gap"]):
                break
            entries.append((int(entry["key"]), atom_of(entry)))
            at = _BETWEEN.match(text, entry.end(), end).end()  # type: ignore[union-attr]
            if not _ENTRY.match(text, at, end) and _ends(text, entry, end) and (begin == start or len(entries) > 1):
                return entries
    head = _HEAD.match(text, start, end)
    arrow = _ARROW.search(text, head.end(), end) if head else None
    if head and arrow:
        return [(int(head["key"]), atom_of(arrow))]
    return []


def _bare_list(text: str, start: int, end: int) -> tuple[list[Atom], int]:
    """`1, 0, 1` or `1 0 1`, alone on its line or at its end after a colon, an arrow or `is`; where it begins."""
    for begin in _begins(text, start, end):
        if text[begin:end].lstrip()[:1] in tuple("[({"):
            continue  # brackets are looked at by themselves
        atoms: list[Atom] = []
        at = begin
        last = end - 1 if text[end - 1] in ".!" else end
        while at < last and (match := _BARE.match(text, at, last)):
            atoms.append(atom_of(match))
            at = match.end()
        if atoms and at == last and (len(atoms) > 1 or begin > start):
            return atoms, begin
    return [], start


_INTRODUCED = re.compile(r"[:=→]|->|\b(?:is|are)\b", re.IGNORECASE)


def _begins(text: str, start: int, end: int) -> list[int]:
    marks = [match.end() for match in _INTRODUCED.finditer(text, start, end)]
    return [start, *marks[-1:]]


def opening(text: str) -> Form | None:
    """The value that an answer on a single text begins with, before a remark: `Yes, it is about cats.`."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    line = text.find("\n", start, end)
    line = end if line < 0 else line
    match = _OPENING.match(text, start, line)
    if match is None or not _ends(text, match, line):
        return None
    return Form((atom_of(match),), None, start, line, lines=True)
