"""Rows of a CSV file, each with its place; what is broken is one line with the file and the line."""

import csv
from collections.abc import Callable, Iterator
from io import BytesIO

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.strict_json import Unreadable, decode

_LIMIT = (1 << 31) - 1
"""Characters of a field; Python's own limit would refuse the file for one long field."""


def csv_rows(
    content: bytes, place: str, faults: Faults, is_head: Callable[[list[str]], str | None]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Return the rows of a CSV file with a head.

    Args:
        content: The file.
        place: What messages call it.
        faults: Takes what is wrong with a row, or with the head, which ends the rows.
        is_head: Returns what is wrong with a head; None if nothing is.

    Yields:
        The row's place, the head, and the row's fields, as many as the head has.

    Raises:
        UserError: It is no CSV, or not UTF-8.
    """

    def lines() -> Iterator[str]:
        for number, line in enumerate(BytesIO(content), 1):
            try:
                yield decode(line, number)
            except Unreadable as error:
                raise UserError(f"{place}:{number}: {error}") from None

    limit = csv.field_size_limit(_LIMIT)
    try:
        reader = csv.reader(lines(), strict=True)
        head: list[str] | None = None
        while True:
            begin = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise UserError(f"{place}:{begin}: broken CSV ({error})") from None
            where = f"{place}:{begin}"
            if not fields:
                continue
            if head is None:
                head = fields
                if problem := is_head(head):
                    faults.add(where, problem)
                    return
            elif len(fields) != len(head):
                faults.add(where, f"{len(fields)} fields, and the head has {len(head)}")
            else:
                yield where, head, fields
    finally:
        csv.field_size_limit(limit)
