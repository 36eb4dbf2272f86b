"""Raters' answers, read from what the page exports and from CSV: one line for each fault, and nothing lost by it."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.records import short
from inspect_autointerp.formats.strict_json import Unreadable, decode
from inspect_autointerp.ratings.checks import passed
from inspect_autointerp.ratings.key import Key, read_json
from inspect_autointerp.ratings.records import ANSWERS_FORMAT, VALUES, checksum
from inspect_autointerp.store.atomic import reason
from inspect_autointerp.text.csv_text import original
from inspect_autointerp.text.json_values import is_dict, is_list

Place = tuple[str, int]
"""An item and the number of its question, from 0."""


@dataclass(kw_only=True)
class Answers:
    """One rater's answers to a sheet."""

    file: str
    rater: str
    session: str
    saved: str
    values: dict[Place, int]
    ms: dict[Place, int] = field(default_factory=dict[Place, int])
    """Milliseconds that each answer took; empty for CSV."""
    checks_passed: int = 0
    checks: int = 0
    """Attention checks that were answered."""
    unusable: int = 0
    """Answers that were given and cannot be used; the file's line says so."""


@dataclass(kw_only=True)
class Collected:
    """All usable answers, and what is to be said of the files."""

    raters: list[Answers]
    problems: list[str]
    """Lines, each of which begins with the file."""


def collect_answers(
    files: Sequence[Path], key: Key, *, keep_edited: bool = False, least_attention: float = 0.0
) -> Collected:
    """Read the answers of all files to one sheet.

    A file that cannot be used is left out with a line and the others are read. An unanswered question is missing, and
    never guessed.

    Args:
        files: Exports of the page (JSON), or the sheet's CSV with answers and rater filled in.
        key: The sheet's key.
        keep_edited: Use a file whose answers were edited after the export, too.
        least_attention: Leave out a rater who passed a smaller share of the attention checks, in [0, 1].

    Raises:
        UserError: No file can be used.
    """
    problems: list[str] = []
    read: list[Answers] = []
    for file in files:
        try:
            parts = _from_csv(file, key, problems) if file.suffix.lower() == ".csv" else [
                _from_json(file, key, problems, keep_edited=keep_edited)
            ]  # fmt: skip
        except UserError as error:
            problems.append(str(error))
            continue
        read += parts
    raters = [
        one
        for one in _once_each(read, problems)
        if not _inattentive(one, key, least_attention, problems) and not _incomplete(one, key, problems)
    ]
    if not raters:
        raise UserError("; ".join(problems) or "no answers were given")
    return Collected(raters=raters, problems=problems)


def _from_json(file: Path, key: Key, problems: list[str], *, keep_edited: bool) -> Answers:
    content = read_json(file)
    if not is_dict(content) or content.get("format") != ANSWERS_FORMAT:
        raise UserError(f"{file}: no answers; give what the page saves, or its CSV with the answers filled in")
    _check_sheet(file, content.get("sheet"), key)
    names = ("rater", "session", "saved", "checksum")
    rater, session, saved, given_sum = (content.get(name) for name in names)
    rows = content.get("answers")
    texts = all(isinstance(one, str) for one in (rater, session, saved))
    if not texts or not str(rater).strip() or not is_list(rows):
        raise UserError(f"{file}: damaged answers: rater, session, saved or answers is missing; left out")
    if content.get("content") != key.content:
        raise UserError(f"{file}: answers to an edited page: its items are not those of {key.place}; left out")
    if given_sum != _checksum(content, rows):
        if not keep_edited:
            raise UserError(f"{file}: edited after it was saved; left out, --keep-edited uses it all the same")
        problems.append(f"{file}: edited after it was saved; used, as --keep-edited says")
    answers = Answers(file=str(file), rater=str(rater).strip(), session=str(session), saved=str(saved), values={})
    odd: list[str] = []
    for row in rows:
        fields = row if is_dict(row) else {}
        item, part, value, ms = (fields.get(name) for name in ("item", "part", "value", "ms"))
        fault = _fault(key, item, part, value)
        if fault is None and (item, part) in answers.values:
            fault = f"question {part} of item {item} again"
        if fault is not None or not isinstance(part, int) or not isinstance(value, int):
            odd.append(str(fault))
            continue
        answers.values[str(item), part] = value
        if isinstance(ms, int):
            answers.ms[str(item), part] = ms
    answers.unusable = len(odd)
    _report_odd(file, odd, problems)
    return answers


def _from_csv(file: Path, key: Key, problems: list[str]) -> list[Answers]:
    """Return the answers of a filled CSV, by rater: one file may hold several raters' rows."""
    try:
        text = decode(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({reason(error)})") from None
    except Unreadable as error:
        raise UserError(f"{file}:{error.line}: {error}") from None
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    missing = {"sheet", "item", "part", "answer", "rater"} - set(reader.fieldnames or ())
    if missing:
        raise UserError(f"{file}: the column {sorted(missing)[0]} is missing; give the sheet's CSV with its head")
    by_rater: dict[str, Answers] = {}
    odd: list[str] = []
    for row in _rows(file, reader):
        answer, rater = (row["answer"] or "").strip(), original((row["rater"] or "").strip())
        if not answer:  # such as an empty row that a spreadsheet adds
            continue
        _check_sheet(file, row["sheet"], key)
        if not rater:
            odd.append(f"line {reader.line_num}: an answer without a rater")
            continue
        own = by_rater.setdefault(
            rater, Answers(file=str(file), rater=rater, session=f"{file.name}", saved="", values={})
        )
        part = int(row["part"]) if (row["part"] or "").isdecimal() else None
        fault = _fault(key, row["item"], part, int(answer) if answer.isdecimal() else answer)
        if fault is None and part is not None and (row["item"], part) in own.values:
            fault = f"question {part} of item {row['item']} again"
        if fault is not None or part is None:
            own.unusable += 1
            odd.append(f"line {reader.line_num}: {fault}")
            continue
        own.values[row["item"], part] = int(answer)
    if not by_rater:
        raise UserError(f"{file}: no answer in it; fill in the columns answer and rater")
    _report_odd(file, odd, problems)
    return list(by_rater.values())


def _rows(file: Path, reader: "csv.DictReader[str]") -> Iterator[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error as error:
        raise UserError(f"{file}: broken CSV from line {reader.line_num} on ({error}); left out") from None


def _check_sheet(file: Path, sheet: object, key: Key) -> None:
    if sheet != key.sheet:
        raise UserError(f"{file}: of the sheet {short(sheet)}, and the key {key.place} is of {key.sheet}; left out")


def _fault(key: Key, item: object, part: object, value: object) -> str | None:
    known = key.items.get(item) if isinstance(item, str) else None
    if known is None:
        return f"an item {short(item)} that the sheet does not have"
    if not _whole(part) or not 0 <= int(str(part)) < known.questions:
        return f"item {item} has no question {short(part)}"
    allowed = VALUES[known.task]  # pyright: ignore[reportArgumentType]
    if not _whole(value) or value not in allowed:
        return f"item {item}: the answer {short(value)} is none of {', '.join(map(str, allowed))}"
    return None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _report_odd(file: Path, odd: list[str], problems: list[str]) -> None:
    if odd:
        more = f" (and {len(odd) - 1} more)" if len(odd) > 1 else ""
        problems.append(f"{file}: {odd[0]}{more}; such answers count as missing, the others are used")


def _checksum(content: dict[str, Any], rows: list[Any]) -> str | None:
    """Return the checksum that the page computes over answers (templates/rate.js); None where they are damaged."""
    names = ("item", "part", "value", "ms", "changes")
    if not all(isinstance(row, dict) for row in rows):
        return None
    lines = [" ".join(str(row.get(name)) for name in names) for row in rows]
    return checksum([content["sheet"], content["rater"], content["session"], *lines])


def _once_each(read: list[Answers], problems: list[str]) -> list[Answers]:
    """Leave one set of answers of each rater: of one session the last saved, of several the one with most answers."""
    kept: dict[str, Answers] = {}
    for one in read:
        other = kept.setdefault(one.rater, one)
        if other is one:
            continue
        if one.values == other.values:
            problems.append(f"{one.file}: the same answers by rater {short(one.rater)} as {other.file}; counted once")
            continue
        if one.session == other.session and one.saved and other.saved:
            kept[one.rater] = later = max(other, one, key=lambda answers: (answers.saved, len(answers.values)))
            earlier = one if later is other else other
            problems.append(f"{earlier.file}: saved earlier than {later.file} by rater {short(one.rater)}; left out")
            continue
        kept[one.rater] = fuller = max(other, one, key=lambda answers: len(answers.values))
        left_out = one if fuller is other else other
        problems.append(
            f"{left_out.file}: rater {short(one.rater)} again, in another session than {fuller.file}, which has as many"
            " answers or more; left out"
        )
    return list(kept.values())


def _inattentive(one: Answers, key: Key, least: float, problems: list[str]) -> bool:
    """Count a rater's attention checks; True for a rater who passed too few of them."""
    for name, item in key.items.items():
        if item.check is not None:
            answers = [one.values.get((name, part)) for part in range(item.questions)]
            result = passed(item.task, item.check, answers, item.truths)
            one.checks += result is not None
            one.checks_passed += result is True
    if one.checks and one.checks_passed < least * one.checks:
        problems.append(
            f"{one.file}: rater {short(one.rater)} passed {one.checks_passed} of {one.checks} attention checks, less"
            f" than --attention {least:g}; left out"
        )
        return True
    return False


def _incomplete(one: Answers, key: Key, problems: list[str]) -> bool:
    """Say that a sheet is not finished; True where it has no answer at all."""
    n = len(one.values)
    if n == 0:
        problems.append(f"{one.file}: no usable answer by rater {short(one.rater)}; left out")
    elif n + one.unusable < key.n_questions:
        problems.append(f"{one.file}: half-finished, {n} of {key.n_questions} questions answered; the rest is missing")
    return n == 0
