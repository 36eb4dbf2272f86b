"""Tests of what a JSON value is, for people and type checkers: `isinstance` leaves the type of its parts unknown."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeGuard


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value read from JSON is an object; the keys of one are texts."""
    return isinstance(value, dict)


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether a value is a mapping of names to values, as JSON, a log or an argument of Inspect has them."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value read from JSON is an array."""
    return isinstance(value, list)


def is_finite_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a number that a float can hold, neither a truth value nor NaN nor infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Return whether a value is a list, or a tuple as Python code may give in place of one."""
    return isinstance(value, list | tuple)
