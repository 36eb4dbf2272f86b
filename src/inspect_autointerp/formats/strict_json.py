"""JSON without its traps: a name that stands twice is refused rather than the first one dropped, lines are counted."""

import json
from typing import Any

from inspect_autointerp.formats.records import short


class Unreadable(ValueError):
    """This is no JSON that can be relied on; the message is one line, and `line` its place from 1."""

    def __init__(self, what: str, line: int = 1) -> None:
        super().__init__(what)
        self.line = line


class _Twice(Exception):
    pass


def load(content: bytes, first: int = 1) -> Any:
    """Parse UTF-8 JSON.

    Args:
        content: All of it; a byte order mark in front is passed over.
        first: The number of its first line.

    Raises:
        Unreadable: It is not UTF-8, no JSON, or a name stands twice in one object.
    """
    text = decode(content, first)
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise Unreadable(f"broken JSON ({error.msg}, column {error.colno})", first + error.lineno - 1) from None
    except _Twice as twice:
        name = str(twice)
        lines = [
            first + n for n, line in enumerate(text.split("\n")) if f"{json.dumps(name)}:" in line.replace(" ", "")
        ]
        where = f" (lines {lines[0]} and {lines[1]})" if len(lines) > 1 else ""
        raise Unreadable(f"the name {short(name)} is given twice{where}", lines[-1] if lines else first) from None
    except RecursionError:
        raise Unreadable("JSON is nested too deeply", first) from None
    except ValueError:  # a whole number of thousands of digits
        raise Unreadable("a number is too long", first) from None


def decode(content: bytes, first: int = 1) -> str:
    """Decode UTF-8, strictly; a byte order mark in front is passed over.

    Raises:
        Unreadable: It is something else.
    """
    try:
        return content.decode("utf-8-sig" if first == 1 else "utf-8")
    except UnicodeDecodeError as error:
        line = first + content.count(b"\n", 0, error.start)
        what = f"not UTF-8 (byte 0x{content[error.start]:02x}); convert it, for instance with iconv -t utf-8"
        raise Unreadable(what, line) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Twice(name)
            seen.add(name)
    return members
