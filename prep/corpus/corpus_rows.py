"""Files of rows to the texts in one of their columns: JSON lines, JSON arrays, CSV, TSV and Parquet.

The column is all that is read of a row, and it is read as text: no type is guessed, and what other columns hold does
not matter. A row whose text is null, empty or missing is no document. A column that none of the first rows has is
refused with the columns that there are, and so is a value that is not text.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO

from inspect_autointerp.errors import UserError

_LOOK = 1000
"""Rows without the column after which it is taken for missing."""
_FIELD = 1 << 28
"""Characters that a CSV field may have: the module's own limit is 131,072."""
_SPACE, _LITERAL = re.compile(r"[ \n\t]*"), len("-Infinity")
_BATCH = 64
"""Rows of a Parquet file that are decoded at once."""


class Column:
    """The column that holds the text, and which others there are.

    Args:
        name: The column.
        source: What errors call the rows' source.
    """

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, source
        self._rows, self._present = 0, False
        self._others: dict[str, None] = {}

    def value(self, row: object, place: str) -> Any:
        """Return what a row has in the column, checked; None where it has nothing.

        Args:
            row: A mapping of columns.
            place: Where it stands, for errors: `line 3`.

        Raises:
            UserError: It is no mapping, its value cannot be used, or no row so far has the column.
        """
        if not isinstance(row, Mapping):
            raise UserError(f"{self._source}: {place} is {kind_of_value(row)}, not an object with a {self._name!r}")
        self._rows += 1
        if self._name not in row:
            if not self._present:
                self._others |= dict.fromkeys(map(str, row))
                if self._rows == _LOOK:
                    self.end()
            return None
        self._present = True
        return self.checked(row[self._name], place)

    def checked(self, value: object, place: str) -> Any:
        """Return a value of the column if it is text, or None if there is none.

        Raises:
            UserError: It is something else.
        """
        if value is None or value == "" or value != value:  # NaN is how pandas writes that there is none
            return None
        if not isinstance(value, str):
            raise UserError(f"{self._source}: {place}: column {self._name!r} holds {kind_of_value(value)}, not text")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise UserError(
                    f"{self._source}: {place}: column {self._name!r} holds half a character"
                    f" ({value[error.start]!a}, an unpaired surrogate)"
                ) from error
        return value

    def end(self) -> None:
        """Refuse the column if there were rows, and none has it.

        Raises:
            UserError: So it is.
        """
        if self._rows and not self._present:
            self.refuse(self._others)

    def refuse(self, others: Iterable[str]) -> None:
        """Refuse the column, with those there are.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"{self._source}: no column {self._name!r}; it has {', '.join(sorted(others)[:30]) or 'no columns'}"
        )


def json_rows(chunks: Iterable[str], column: str, name: str, kind: type[Column] = Column) -> Iterator[Any]:
    """Yield the texts of a JSON file: objects one per line, or an array of objects.

    Raises:
        UserError: A row cannot be read; see `Column` for what else.
    """
    texts, chunks = kind(column, name), iter(chunks)
    head = ""
    for chunk in chunks:  # the first character that is no space says which form it is
        head += chunk
        if head.strip():
            break
    rows = _array if head.lstrip().startswith("[") else _lines
    for row, place in rows(head, chunks, name):
        if text := texts.value(row, place):
            yield text
    texts.end()


def delimited_rows(
    chunks: Iterable[str], column: str, name: str, kind: type[Column] = Column, *, delimiter: str
) -> Iterator[Any]:
    """Yield the texts of a CSV or TSV file, whose first line names the columns.

    Raises:
        UserError: A row has more or fewer fields than the first line, or quotes are not closed.
    """
    texts = kind(column, name)
    csv.field_size_limit(_FIELD)
    reader = csv.reader((line + "\n" for line in lines(chunks)), delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
        if header is None:
            return
        if column not in header:
            texts.refuse(header)
        at = header.index(column)
        for fields in reader:
            if len(fields) != len(header):
                if not fields:
                    continue  # a blank line
                raise UserError(f"{name}: line {reader.line_num:,} has {len(fields)} fields, the first {len(header)}")
            if text := texts.checked(fields[at], f"line {reader.line_num:,}"):
                yield text
    except csv.Error as error:
        raise UserError(f"{name}: line {reader.line_num:,}: cannot be read ({error})") from error


def parquet_rows(raw: BinaryIO, column: str, name: str, kind: type[Column] = Column) -> Iterator[Any]:
    """Yield the texts of a Parquet file, of which nothing but the column is read.

    Raises:
        UserError: There is no such column, or it does not hold text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = kind(column, name)
    file = pq.ParquetFile(raw, buffer_size=1 << 20)
    schema = file.schema_arrow
    if column not in schema.names:
        texts.refuse(schema.names)
    held = schema.field(column).type
    if pa.types.is_dictionary(held):
        held = held.value_type
    if kind is Column and not any(
        is_it(held) for is_it in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
    ):
        raise UserError(f"{name}: column {column!r} holds {held}, not text")
    number = 0
    for batch in file.iter_batches(_BATCH, columns=[column]):
        for value in batch.column(0):
            number += 1
            if text := texts.checked(value.as_py(), f"row {number:,}"):
                yield text


def lines(chunks: Iterable[str]) -> Iterator[str]:
    """Yield lines without their ends. A line ends with a line feed alone: JSON may hold Unicode's other line ends."""
    begun: list[str] = []
    for chunk in chunks:
        first, *others = chunk.split("\n")
        begun.append(first)
        for line in others:
            yield "".join(begun)
            begun = [line]
    if last := "".join(begun):
        yield last


def _lines(head: str, chunks: Iterator[str], name: str) -> Iterator[tuple[Any, str]]:
    """The rows of a file with one on each line, and where they stand."""
    for number, line in enumerate(lines(chain([head], chunks)), start=1):
        if line and not line.isspace():
            try:
                yield json.loads(line), f"line {number:,}"
            except (ValueError, RecursionError) as error:
                raise _malformed(error, name, f"line {number:,}") from error


def _array(head: str, chunks: Iterator[str], name: str) -> Iterator[tuple[Any, str]]:
    """The rows of an array, and where they stand: read one by one, in as many chunks as each of them needs."""
    decoder, text, ended = json.JSONDecoder(), head, False
    at = text.index("[") + 1
    number, line = 1, 1 + text.count("\n", 0, at)

    def more() -> None:
        nonlocal text, ended, at
        held, parts = len(text) - at, []
        for part in chunks:  # twice as much each time, so that a long row is not read over and over
            parts.append(part)
            held -= len(part)
            if held < 0:
                break
        else:
            ended = True
        text, at = text[at:] + "".join(parts), 0

    def skipped() -> str:
        """The next character that is no space."""
        nonlocal at, line
        while True:
            begin, at = at, _SPACE.match(text, at).end()  # type: ignore[union-attr]
            line += text.count("\n", begin, at)
            if at < len(text) or ended:
                return text[at : at + 1]
            more()

    while skipped() != "]" or number > 1:
        where = f"line {line:,} (row {number:,})"
        while True:
            try:
                row, end = decoder.raw_decode(text, at)
                if end < len(text) or ended:
                    break
            except RecursionError as error:
                raise _malformed(error, name, where) from error
            except json.JSONDecodeError as error:
                if ended or not _cut_off(error):
                    raise _malformed(error, name, where) from error
            more()
        line += text.count("\n", at, end)
        at = end
        yield row, where
        if (after := skipped()) != ",":
            if after == "]":
                break
            reason = ValueError("it ends within the array" if not after else f"{after!r} where a comma should be")
            raise _malformed(reason, name, f"line {line:,} (after row {number:,})")
        at += 1
        number += 1
    at += 1
    if rest := skipped():
        raise _malformed(ValueError(f"{rest!r} after the array"), name, f"line {line:,}")


def _cut_off(error: json.JSONDecodeError) -> bool:
    """Return whether more text could mend it: it is a string without end, or lies where the text ends."""
    return error.msg.startswith("Unterminated string") or not error.doc[error.pos + _LITERAL :].strip()


def _malformed(error: Exception, name: str, place: str) -> UserError:
    reason = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", str(error))
    return UserError(f"{name}: {place}: not JSON ({reason}); rows are objects, one per line or in one array")


def kind_of_value(value: object) -> str:
    """Return what a value of JSON is, in words."""
    words = {type(None): "null", bool: "a truth value", int: "a number", float: "a number", str: "a text"}
    words |= {list: "a list", dict: "an object"}
    return words.get(type(value), f"of type {type(value).__name__}")
