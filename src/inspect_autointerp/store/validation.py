"""Types of what is read from files that anyone can have written, and the one line that says what is wrong in them."""

from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar
from unicodedata import category

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from inspect_autointerp.errors import UserError

T = TypeVar("T")

STRICT = ConfigDict(extra="forbid", strict=True)
"""Configuration of a dataclass, as `__pydantic_config__`: no unknown field, and no value of another type."""
_SHOWN = 60
"""Characters of a wrong value."""
_LONGEST = 240
"""Bytes of a name: file systems take 255, and a suffix may follow."""


def _text(text: str) -> str:
    if any(category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("has control characters")
    return text


def _is_name(name: str) -> bool:
    bad = name in ("", ".", "..") or "/" in name or "\\" in name or not name.isprintable()
    return not bad and len(name.encode()) <= _LONGEST


def _name(name: str) -> str:
    if not _is_name(name):
        raise ValueError("cannot be part of a path inside the store")
    return name


def _file(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path != "/".join(parts) or ":" in parts[0] or not all(map(_is_name, parts)):
        raise ValueError("is not a path inside the store")
    return path


Text = Annotated[str, AfterValidator(_text)]
"""Text without control characters."""
Name = Annotated[str, AfterValidator(_name)]
"""The name of a folder or a file."""
File = Annotated[str, AfterValidator(_file)]
"""A relative path, with `/` between its parts, that does not lead upwards."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=1 << 53)]
"""A number of things, 0 included."""
Size = Annotated[int, Field(ge=1, lt=1 << 32)]
"""A number of things of which there is at least one."""


def validated(kind: type[T], json: str, where: Path) -> T:
    """Return an object of a class that was written as JSON.

    Args:
        kind: A dataclass, whose fields' types say what is allowed.
        json: What was written.
        where: The file that it is from.

    Raises:
        UserError: A field is missing, unknown, of another type, or out of its range; the message names it.
    """
    try:
        return _adapter(kind).validate_json(json)
    except ValidationError as error:
        raise UserError(f"{where}: {_first(error)}; make it again") from error
    except UserError as error:
        raise UserError(f"{where}: settings: {error}; make it again") from error


@lru_cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def _first(error: ValidationError) -> str:
    """The first of what is wrong, on one line and in printable characters."""
    first = error.errors(include_url=False, include_context=False)[0]
    value: Any = first["input"]
    message, place = first["msg"].removeprefix("Value error, "), [str(part) for part in first["loc"]]
    if place[-1:] == ["[key]"]:
        place, message = place[:-2], f"{_short(value)} {message}"
    elif first["type"] not in ("missing", "json_invalid") and not isinstance(value, dict | list):
        message += f" (it is {_short(value)})"
    where = ".".join(part if part.isprintable() and len(part) <= _SHOWN else _short(part) for part in place)
    return f"{where}: {message}" if where else message


def _short(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 1000:  # too long to be printed
        return "a very large number"
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
