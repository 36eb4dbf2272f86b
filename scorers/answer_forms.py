"""The forms in which models write a list of values: lists, objects, lines, tables; each with its place in the answer."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from inspect_autointerp.scorers.brackets import Node, brackets
from inspect_autointerp.scorers.doubt import hedged
from inspect_autointerp.scorers.final_answer import AnswerError

_SAME = str.maketrans(
    "０１２３４５６７８９［］｛｝（），、：；．％／＝｜",
    "0123456789[]{}(),,:;.%/=|",
) | dict.fromkeys(map(ord, "\u00a0\u202f\u3000\u2007\\$*`"), " ")
_SAME |= dict.fromkeys(map(ord, "\r\v\f\x85\u2028\u2029"), "\n")
_NOTHING = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f]")
_FENCE = re.compile(r"^[^\S\n]*```[^\n]*$", re.MULTILINE)
_BOX = re.compile(r"\\boxed\s?\{([^{}\n]{0,2000})\}")
_TEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s?\{([^{}\n]{0,2000})\}|\\(?:left|right|quad|,|;)(?![a-z])")

NOUN = r"(?:text|sentence|example|item|passage|snippet|context|excerpt|sample|input|number|no\.?)s?"
VALUE = r"[+-]?\d{1,9}(?:\.\d{1,9})?(?:\s?%|\s?/\s?\d{1,4})?|true|false|yes|no"
_QUOTED = rf"[\"'“‘(\[]{{0,3}}\s?(?P<value>{VALUE})(?![\w.]\w)(?!\w)\s?[\"'”’)\]]{{0,3}}"
_KEY = rf"[\"'“]?(?P<noun>{NOUN}[ _]*)?(?P<open>[\[(#]{{0,2}})[ ]?(?P<key>\d{{1,4}})[ ]?(?P<shut>[\])]?)[\"'”]?"
_SIGNS = r"[^\S\t]*+(?:(?:[:=|→⇒➜➔\t]|[-=]>|[–—]|-(?=\s)|[.)](?=\s))[^\S\t]*+)++"
_ENTRY = re.compile(rf"{_KEY}(?P<gap>{_SIGNS}|\s+(?:is|gets)\s+(?:labell?ed\s+)?|\s+){_QUOTED}", re.IGNORECASE)
_HEAD = re.compile(rf"{_KEY}(?:{_SIGNS}|\s*\Z)", re.IGNORECASE)
_BULLET = re.compile(r"\s*(?:(?:[-•·>+–—]|#{1,6})\s+)*")
_TAIL = re.compile(r"[\s.,;!|]*\Z")
_REMARK = re.compile(
    r"\s*+(?:(?:\|\s*+)?\((?P<inside>.*)\)|(?:[-–—:,;|→]|[-=]>|because\b)\s*(?P<after>[^\W\d_\s\"'“‘].*|[\"'“‘(].*))\Z"
)
_OPENING = re.compile(_QUOTED, re.IGNORECASE)
_BETWEEN = re.compile(r"\s*+(?:[,;|]|\band\b)?\s*+")
_WORTH = (
    r"(?:final )?(?:label|answer|prediction|decision|verdict|judge?ment|score|confidence|rating|classification|value)"
)
_OWN_LINE = re.compile(rf"{_WORTH}s?\s*(?:[:=→]|->|is)\s*{_QUOTED}", re.IGNORECASE)
_ARROW = re.compile(rf"(?:→|⇒|➜|➔|[-=]{1, 3}>|=|\b{_WORTH}\s*[:=])\s*{_QUOTED}[\s.]*\Z", re.IGNORECASE)
_BARE = re.compile(rf"\s*{_QUOTED}(?:\s*[,;|]\s*|\s+|\s*\Z)", re.IGNORECASE)
_ATOM = re.compile(rf"\s*{_QUOTED}\s*\Z", re.IGNORECASE)
_RULE = re.compile(r"[\s|:+=-]+\Z")
_COLUMN = re.compile(rf"{_WORTH}|active|0\s?/\s?1|applies|right|result|output", re.IGNORECASE)
_INDEX = re.compile(rf"{NOUN}|id|index|idx|#|n|{NOUN}[ _]?(?:id|index|number|no\.?)", re.IGNORECASE)


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
    """Whether it is made of lines of their own, so that nothing but a line before can introduce it."""


@dataclass(slots=True)
class _Run:
    """Lines with values, one after the other."""

    atoms: list[Atom] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    start: int = 0
    end: int = 0

    def form(self) -> Form:
        order = sorted(range(len(self.atoms)), key=lambda i: self.keys[i]) if self.keys else range(len(self.atoms))
        keys = tuple(sorted(self.keys)) if self.keys else None
        return Form(tuple(self.atoms[i] for i in order), keys, self.start, self.end, lines=True)


def plain(text: str) -> tuple[str, Sequence[int]]:
    """An answer without what is there for the eye: Markdown, fences, TeX, full width, characters of no width.

    Returns:
        The plain text, and for each of its characters where that stands in the answer.
    """
    text = _FENCE.sub(lambda match: " " * len(match[0]), text)
    text = _TEX.sub(_inside, text)
    text = _BOX.sub(_inside, text)
    text = text.translate(_SAME)
    if not _NOTHING.search(text):
        return text, range(len(text))
    places = [i for i, character in enumerate(text) if not _NOTHING.match(character)]
    return "".join(text[i] for i in places), places


def _inside(match: re.Match[str]) -> str:
    """The content of a command of TeX, as long as the whole; `\boxed{` says what `Answer:` says, and is as long."""
    if match[1] is None:
        return " " * len(match[0])
    mark = "Answer:" if match[0].startswith("\\boxed") else ""
    return mark.rjust(match.start(1) - match.start()) + match[1] + " " * (match.end() - match.end(1))


def forms(text: str, most: int) -> list[Form]:
    """All that may be a list of values, in the order of the text.

    Args:
        text: An answer, as `plain` gives it.
        most: Lines that are not blank, and brackets, that it may have.

    Raises:
        AnswerError: It has more.
    """
    if len(re.findall(r"^[^\S\n]*+\S", text, re.MULTILINE)) > most or sum(map(text.count, "[({")) > most:
        raise AnswerError("it is far longer than the list asked for")
    runs, taken = _runs(text)
    found = [run.form() for run in runs]
    starts = [start for start, _ in taken]
    for node in brackets(text):
        line = bisect_right(starts, node.start) - 1
        if line < 0 or node.start >= taken[line][1]:
            found += _of_node(text, node)
    return sorted(found, key=lambda form: (form.end, form.start))


def _atom(text: str, start: int, end: int) -> Atom | None:
    match = _ATOM.match(text, start, end)
    return _value(match) if match else None


# --- lines -----------------------------------------------------------------------------------------------------------


def _runs(text: str) -> tuple[list[_Run], list[tuple[int, int]]]:
    """Lines of values, and the places that they take."""
    runs: list[_Run] = []
    keyed, bare, taken, at = _Run(), _Run(), list[tuple[int, int]](), 0
    heading: int | None = None
    columns: tuple[int | None, int] | None = None

    def close(run: _Run) -> _Run:
        if run.atoms:
            runs.append(run)
        return _Run()

    for line in text.split("\n"):
        begin, at = at, at + len(line) + 1
        body = line.strip()
        if not body:
            continue
        start, end = begin + len(line) - len(line.lstrip()), begin + len(line.rstrip())
        if body.startswith("|") and body.count("|") > 2:
            cells = _cells(text, start, end)
            entry, columns = _row(text, cells, columns)
            if entry is None:
                continue
            entries = [entry]
        else:
            columns = None
            start = _BULLET.match(text, start, end).end()  # type: ignore[union-attr]
            entries = _entries(text, start, end)
        if not entries and heading is not None and (own := _OWN_LINE.match(text, start, end)):
            if _ends(text, own, end):
                entries = [(heading, _value(own))]
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
        if head := _HEAD.match(text, start, end):
            heading = int(head["key"])
        atom = _atom(text, start, end) or _atom(text, start, end - 1 if text[end - 1] in ".,;" else start)
        if atom:
            bare.start = bare.start if bare.atoms else start
            bare.atoms.append(atom)
            bare.end = end
            continue
        bare = close(bare)
        row, row_start = _bare_list(text, start, end)
        if row:
            runs.append(_Run(row, start=row_start, end=end))
    close(bare)
    close(keyed)
    return runs, taken


def _value(match: re.Match[str]) -> Atom:
    return Atom(match["value"], match.start("value"), match.end("value"))


def _ends(text: str, value: re.Match[str], end: int) -> bool:
    """Whether nothing follows a value on its line, or a remark that leaves it as it is."""
    if _TAIL.match(text, value.end(), end):
        return True
    remark = _REMARK.match(text, value.end(), end)
    return bool(remark) and not hedged(remark["inside"] or remark["after"] or "", value["value"])


def opening(text: str) -> Form | None:
    """The value that an answer on a single text begins with, before a remark: `Yes, it is about cats.`"""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    line = text.find("\n", start, end)
    line = end if line < 0 else line
    match = _OPENING.match(text, start, line)
    if match is None or not _ends(text, match, line):
        return None
    return Form((_value(match),), None, start, line, lines=True)


def _entries(text: str, start: int, end: int) -> list[tuple[int, Atom]]:
    """`Text 1: 1 (…)`, or several of these on one line, maybe after `Labels:`."""
    for begin in dict.fromkeys((start, 1 + text.find(":", start, end))):
        entries, at = [], begin
        while entry := _ENTRY.match(text, at, end):
            if not (entry["gap"].strip() or entry["shut"] or "\t" in entry["gap"]):
                break
            entries.append((int(entry["key"]), _value(entry)))
            at = _BETWEEN.match(text, entry.end(), end).end()  # type: ignore[union-attr]
            if not _ENTRY.match(text, at, end) and _ends(text, entry, end) and (begin == start or len(entries) > 1):
                return entries
    head = _HEAD.match(text, start, end)
    arrow = _ARROW.search(text, head.end(), end) if head else None
    if head and arrow:
        return [(int(head["key"]), _value(arrow))]
    return []


def _bare_list(text: str, start: int, end: int) -> tuple[list[Atom], int]:
    """`1, 0, 1` or `1 0 1`, alone on its line or at its end after a colon, an arrow or `is`; where it begins."""
    for begin in _begins(text, start, end):
        if text[begin:end].lstrip()[:1] in tuple("[({"):
            continue  # brackets are looked at by themselves
        atoms, at = [], begin
        last = end - 1 if text[end - 1] in ".!" else end
        while at < last and (match := _BARE.match(text, at, last)):
            atoms.append(_value(match))
            at = match.end()
        if atoms and at == last and (len(atoms) > 1 or begin > start):
            return atoms, begin
    return [], start


_INTRODUCED = re.compile(r"[:=→]|->|\b(?:is|are)\b", re.IGNORECASE)


def _begins(text: str, start: int, end: int) -> list[int]:
    marks = [match.end() for match in _INTRODUCED.finditer(text, start, end)]
    return [start, *marks[-1:]]


# --- tables ----------------------------------------------------------------------------------------------------------


def _cells(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cells, at = [], start + 1
    while at < end:
        bar = text.find("|", at, end)
        bar = end if bar < 0 else bar
        cells.append((at, bar))
        at = bar + 1
    return cells


def _row(
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
    atom = _atom(text, *cells[value])
    return ((int(key[1]), atom) if atom else None), columns


# --- brackets --------------------------------------------------------------------------------------------------------


def _of_node(text: str, node: Node) -> list[Form]:
    """The list that brackets hold, or else those within them."""
    keyed = _object(text, node) if node.sign == "{" else None
    if keyed:
        return [keyed]
    if node.children and all(child.sign == "{" for child in node.children) and len(node.children) > 1:
        rows = [_record(text, child) for child in node.children]
        run = _Run(start=node.start, end=node.end)
        for row in rows:
            if row is not None:
                run.atoms.append(row[1])
                run.keys += [row[0]] if row[0] is not None else []
        if None not in rows and len(run.keys) in (0, len(rows)):
            form = run.form()
            return [Form(form.atoms, form.keys, node.start, node.end)]
    atoms = _items(text, node)
    if atoms is not None and (node.sign != "(" or len(atoms) > 1):
        return [Form(tuple(atoms), None, node.start, node.end)]
    within = [form for child in node.children for form in _of_node(text, child)]
    inner = {form.start for form in within}
    if len(within) == 1 and inner and not _rest(text, node, node.children[0]):
        return [Form(within[0].atoms, within[0].keys, node.start, node.end)]
    return within


def _rest(text: str, node: Node, child: Node) -> str:
    return (text[node.start + 1 : child.start] + text[child.end : node.end - 1]).strip(" \n\t,")


def _items(text: str, node: Node) -> list[Atom] | None:
    """The values between brackets, each bare or in brackets of its own; None if any is none."""
    parts, at = [], node.start + 1
    if node.children:
        if all(child.sign in "[(" and not child.children for child in node.children):
            if len(node.children) > 1 and not re.sub(r"[\s,;]", "", _without(text, node)):
                parts = [_atom(text, child.start + 1, child.end - 1) for child in node.children]
                return None if None in parts else [part for part in parts if part]
        return None
    inside = text[at : node.end - 1]
    if not inside.strip():
        return []
    for match in re.finditer(r"[^,;]+|[,;]", inside) if re.search(r"[,;]", inside) else re.finditer(r"\S+", inside):
        parts.append((match.group(), at + match.start(), at + match.end()))
    atoms, separated = [], True
    for i, (part, start, end) in enumerate(parts):
        if part in (",", ";"):
            if separated:
                return None
            separated = True
            continue
        if not part.strip() and i == len(parts) - 1:  # after a last comma
            continue
        atom = _atom(text, start, end)
        if atom is None:
            return None
        atoms.append(atom)
        separated = False
    return atoms


def _without(text: str, node: Node) -> str:
    pieces, at = [], node.start + 1
    for child in node.children:
        pieces.append(text[at : child.start])
        at = child.end
    return "".join([*pieces, text[at : node.end - 1]])


_NAME = re.compile(r"\s*[,;]?\s*(?P<quote>[\"']?)(?P<name>[^\"'{}\[\],:]{1,60})(?P=quote)\s*[:=]>?\s*")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^'\n]*'|[^,{}\[\]\"]*")


def members(text: str, node: Node) -> list[tuple[str, int, int]] | None:
    """The names of an object, and where their values are."""
    at, named, inner = node.start + 1, [], {child.start: child for child in node.children}
    while text[at : node.end - 1].strip(" \n\t\r,"):
        name = _NAME.match(text, at, node.end - 1)
        if name is None:
            return None
        start = name.end()
        child = inner.get(start)
        end = child.end if child else _STRING.match(text, start, node.end - 1).end()  # type: ignore[union-attr]
        if end <= start:
            return None
        named.append((name["name"].strip(), start, end))
        at = end
        if not re.match(r"\s*(?:[,;]|\Z)", text[at : node.end - 1]):
            return None
    return named


_NUMBERED = re.compile(rf"(?:{NOUN})?[ _#-]*(\d{{1,4}})", re.IGNORECASE)


def _object(text: str, node: Node) -> Form | None:
    """`{"1": 0, "Text 2": 1}`, or `{"labels": …}` with a list or such an object."""
    pairs = members(text, node)
    if not pairs:
        return None
    numbers = [_NUMBERED.fullmatch(name) for name, _, _ in pairs]
    atoms = [_atom(text, start, end) for _, start, end in pairs]
    run = _Run(start=node.start, end=node.end)
    for number, atom in zip(numbers, atoms, strict=True):
        if number and atom:
            run.keys.append(int(number[1]))
            run.atoms.append(atom)
    if len(run.atoms) == len(pairs):
        form = run.form()
        return Form(form.atoms, form.keys, node.start, node.end)
    worth = [i for i, (name, _, _) in enumerate(pairs) if re.fullmatch(rf"{_WORTH}s?|output|result|list", name, re.I)]
    if len(pairs) == 1 or len(worth) == 1:
        i = worth[0] if worth else 0
        inner = next((child for child in node.children if child.start == pairs[i][1]), None)
        if inner:
            held = _of_node(text, inner)
            return Form(held[0].atoms, held[0].keys, node.start, node.end) if len(held) == 1 else None
        atom = atoms[i]
        if atom and worth:
            return Form((atom,), None, node.start, node.end)
    return None


def _record(text: str, node: Node) -> tuple[int | None, Atom] | None:
    """`{"text": 2, "label": 1}`: the number, if there is one, and the value."""
    pairs = members(text, node) or []
    worth = [i for i, (name, _, _) in enumerate(pairs) if re.fullmatch(_WORTH, name, re.IGNORECASE)]
    index = [_atom(text, start, end) for name, start, end in pairs if _INDEX.fullmatch(name)]
    if len(pairs) == 1 and not worth:
        number = _NUMBERED.fullmatch(pairs[0][0])
        atom = _atom(text, *pairs[0][1:])
        return (int(number[1]), atom) if number and atom else None
    if len(worth) != 1:
        return None
    atom = _atom(text, *pairs[worth[0]][1:])
    numbers = [int(part.text) for part in index if part and part.text.isdecimal()]
    return (numbers[0] if len(numbers) == 1 else None, atom) if atom else None
