"""Tables of explanations, a row each: JSONL, CSV and Parquet with the same columns.

`latent` (`HOOKPOINT/INDEX`), or `index` with or without `hookpoint`; `explanation`; and where known `reason`,
`explainer`, `method`, `author`, `created` (ISO 8601), `written_for`, `store`, `trained_on`, `concepts` (see
`row_concepts`; as JSON in CSV and Parquet), and scores, named `score` or `SCORE.STATISTIC`. Other columns are passed
over.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.concepts import row_concepts
from inspect_autointerp.formats.csv_rows import csv_rows
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Row, finite, parse_index, short
from inspect_autointerp.formats.source import Source
from inspect_autointerp.formats.strict_json import Unreadable, load
from inspect_autointerp.inspect_support.explanation import read_concepts, union_text
from inspect_autointerp.text.csv_text import harmless, original

_NAMES = ("reason", "explainer", "method", "written_for", "store", "trained_on")
_HEAD = ["latent", "hookpoint", "index", "explanation", *_NAMES, "log"]
"""First columns of the tables that are written here."""
_READ = (*_NAMES, "author", "created")
"""Columns of text that are read; we write the former."""
MADE_BY = (".grader", ".prompt", ".options")
"""Endings of the columns that say how a score was made."""
CONCEPTS = "concepts"
"""The column of concepts, which is written where any row has some."""
_SCORE = re.compile(r"score|\w+\.\w+")
_ROWS = 4096
"""Rows of a Parquet file that are written at a time."""


def is_row(record: Mapping[str, Any]) -> bool:
    """Return whether these are the columns of such a table."""
    return "explanation" in record and ("latent" in record or "index" in record)


def json_lines(source: Source, name: str, faults: Faults) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSONL file, each with its place; lines end with a line feed and with nothing else."""
    for number, line in enumerate(BytesIO(source.read(name)), 1):
        if not line.strip():
            continue
        place = f"{source.place(name)}:{number}"
        try:
            record = load(line.rstrip(b"\r\n"), number)
        except Unreadable as error:
            faults.add(place, str(error))
            continue
        if isinstance(record, dict):
            yield place, record
        else:
            faults.add(place, "not a JSON object")


def read_jsonl(source: Source, faults: Faults) -> Iterator[Row]:
    """The rows of a JSONL file."""
    return _rows(json_lines(source, "", faults), faults)


def read_csv(source: Source, faults: Faults) -> Iterator[Row]:
    """The rows of a CSV file with a head; an empty field is a missing value.

    In a file that `write_csv` wrote, which its head tells, the `'` before a formula is taken off.
    """
    return _rows(_csv_records(source, faults), faults)


def read_parquet(source: Source, faults: Faults) -> Iterator[Row]:
    """The rows of a Parquet file; what stands for the line is the number of the row, from 1."""
    return _rows(_parquet_records(source), faults)


def _rows(records: Iterable[tuple[str, Mapping[str, Any]]], faults: Faults) -> Iterator[Row]:
    for place, record in records:
        if not is_row(record):
            faults.add(place, "a row needs `explanation`, and `latent` (HOOKPOINT/INDEX) or `index`")
            continue
        latent = _latent(record)
        if isinstance(latent, str):
            faults.add(place, latent)
            continue
        known: dict[str, Any] = {name: record.get(name) for name in _READ}
        if odd := [name for name, value in known.items() if not isinstance(value, str | None)]:
            faults.add(place, f"`{odd[0]}` is not text")
            continue
        try:
            concepts = row_concepts(record.get(CONCEPTS))
        except ValueError as error:
            faults.add(place, str(error))
            continue
        text = record["explanation"]
        scores = {name: finite(record[name]) for name in record if _SCORE.fullmatch(name)}
        yield Row(
            place=place,
            hookpoint=latent[0],
            index=latent[1],
            text=union_text(read_concepts(concepts)) if concepts and text is None else text,
            concepts=concepts,
            scores={name: value for name, value in scores.items() if value is not None},
            **known,
        )


def _latent(record: Mapping[str, Any]) -> tuple[str | None, int] | str:
    """The hookpoint and index of a row, said in one column or in two; or what is wrong with them."""
    hookpoint, index, latent = (record.get(name) for name in ("hookpoint", "index", "latent"))
    if isinstance(latent, str) and "/" in latent:
        named, _, digits = latent.rpartition("/")
        if hookpoint not in (None, named) or (index is not None and str(index) != digits):
            return f"{short(latent)} is another latent than its hookpoint and index say"
        hookpoint, index = named, digits
    elif latent is not None:
        if index is not None and str(index) != str(latent):
            return f"latent {short(latent)} and index {short(index)} are not the same"
        index = latent
    number = parse_index(index)
    if number is None:
        return f"{short(latent or index)} is not a latent; give HOOKPOINT/INDEX, or a whole number"
    return (hookpoint, number) if isinstance(hookpoint, str | None) else "`hookpoint` is not text"


def _csv_records(source: Source, faults: Faults) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, head, fields in csv_rows(source.read(), source.given, faults, _head_problem):
        ours = head[: len(_HEAD)] == _HEAD
        texts = [original(field) for field in fields] if ours else fields
        yield place, {name: _number(name, field) for name, field in zip(head, texts, strict=True)}


def _head_problem(head: Sequence[str]) -> str | None:
    if len(set(head)) == len(head) and is_row(dict.fromkeys(head)):
        return None
    return "the head must name, once each, `explanation` and `latent` or `index`"


def _number(name: str, field: str) -> object:
    """A field of a CSV file: the number of a score, else its text; None where it is empty."""
    if not _SCORE.fullmatch(name):
        return field or (None if name != "explanation" else "")
    try:
        return float(field)
    except ValueError:
        return None


def _parquet_records(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa

    from inspect_autointerp.store.parquet import open_file

    number = 0
    try:
        file = open_file(BytesIO(source.read()))
        wanted = ("latent", "hookpoint", "index", "explanation", CONCEPTS, *_READ)
        columns = [name for name in file.schema_arrow.names if name in wanted or _SCORE.fullmatch(name)]
        if len(set(columns)) < len(columns):
            raise UserError(f"{source.given}: two columns have the same name")
        for batch in file.iter_batches(columns=columns):
            for record in batch.to_pylist():
                number += 1
                yield f"{source.given}:{number}", record
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise UserError(f"{source.given}: broken Parquet ({reason})") from None
    except UnicodeDecodeError:
        raise UserError(f"{source.given}: not UTF-8 below row {number}") from None


def columns(scores: Iterable[str], made_by: Iterable[str], concepts: bool = False) -> list[str]:
    """The columns that rows with these scores are written with; with every score who and what made it.

    Args:
        scores: Names of the rows' scores.
        made_by: Names of what says how they were made.
        concepts: True if any row has concepts.
    """
    made: dict[str, list[str]] = {}
    for name in made_by:
        made.setdefault(name.partition(".")[0], []).append(name)
    by_score: dict[str, list[str]] = {}
    for name in scores:
        by_score.setdefault(name.partition(".")[0], []).append(name)
    ends = [name for score, names in by_score.items() for name in (*names, *made.get(score, []))]
    return [*_HEAD, *([CONCEPTS] if concepts else []), *ends]


def record(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    """A row by its columns; None where it has nothing, or where a score is undefined."""
    head = {
        "latent": f"{row.hookpoint}/{row.index}" if row.hookpoint else None,
        "hookpoint": row.hookpoint,
        "index": row.index,
        "explanation": row.text,
        "log": row.place,
        CONCEPTS: [*row.concepts] or None,
    }
    cells = head | {name: getattr(row, name) for name in _NAMES} | dict(row.made_by)
    cells |= {name: finite(value) for name, value in row.scores.items()}
    return {name: cells.get(name) for name in columns}


def write_jsonl(rows: Iterable[Row], path: Path, columns: Sequence[str]) -> None:
    """Write rows as JSON, one a line, in ASCII: there are readers that would take U+2028 for the end of a line."""
    with path.open("w", encoding="ascii", newline="") as file:
        for row in rows:
            file.write(json.dumps(record(row, columns), allow_nan=False) + "\n")


def write_csv(rows: Iterable[Row], path: Path, columns: Sequence[str]) -> None:
    """Write rows as CSV, every field in quotes; one that a spreadsheet would run gets a `'` (`csv_text.harmless`).

    `read_csv` takes it off again. Everything else is as it is, control characters too.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow({name: harmless(name) for name in columns})
        for row in rows:
            fields = _flat(record(row, columns)).items()
            writer.writerow({name: harmless(value) if isinstance(value, str) else value for name, value in fields})


def write_parquet(rows: Iterable[Row], path: Path, columns: Sequence[str]) -> None:
    """Write rows as Parquet, some thousands at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = [name for name in columns if _SCORE.fullmatch(name) and not name.endswith(MADE_BY)]
    kinds = dict.fromkeys(columns, pa.string()) | dict.fromkeys(numbers, pa.float64())
    schema = pa.schema(kinds | {"index": pa.uint64()})
    waiting: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for row in rows:
            waiting.append(_flat(record(row, columns)))
            if len(waiting) == _ROWS:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting.clear()
        writer.write_table(pa.Table.from_pylist(waiting, schema))


def _flat(cells: dict[str, Any]) -> dict[str, Any]:
    """A row in which the concepts are one text."""
    concepts = cells.get(CONCEPTS)
    return cells if concepts is None else cells | {CONCEPTS: json.dumps(concepts, ensure_ascii=False)}
