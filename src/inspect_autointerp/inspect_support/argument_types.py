"""Types and bounds of the arguments that a user gives to a task or an explainer, checked before anything is run.

Inspect hands on what it reads from `-T questions=abc` or `-T questions=2.5` as it is. Python then fails somewhere
else, or not at all: NaN is neither below 1 nor above it.
"""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from inspect_autointerp.errors import UserError

LEAST = {
    "test_activating": 1,
    "test_nonactivating": 1,
    "test_mismarked": 0,
    "texts_per_call": 1,
    "min_contexts": 0,
    "seed": 0,
}
"""Smallest values of numbers that several tasks take. Without contexts of both sorts no statistic is defined."""
MOST = {"new_tokens": 1000}
"""Largest values: the subject writes that many tokens once per prompt, and again per direction or strength."""
_NAMES: dict[type, str] = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}


def check_arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Check arguments that are a number, a truth value or text, by the annotations of a function's parameters.

    Arguments that may also be something else (a list, a mapping, some named values) are not checked here.

    Args:
        function: The task or solver.
        given: Arguments by name.

    Raises:
        UserError: One is of another type, or NaN, or infinite.
    """
    hints = get_type_hints(function)
    for name in given.keys() & hints.keys():
        hint = hints[name]
        kinds = set(get_args(hint)) if get_origin(hint) in (Union, UnionType) else {hint}
        if len(kinds - {NoneType}) != 1 or not kinds <= {NoneType, *_NAMES}:
            continue
        (kind,) = kinds - {NoneType}
        value = given[name]
        if (value is None and NoneType in kinds) or _is_of(value, kind):
            continue
        raise UserError(f"{name}={value}: must be {_NAMES[kind]}{', or left out' if NoneType in kinds else ''}")


def check_bounds(given: Mapping[str, Any]) -> None:
    """Check numbers against `LEAST` and `MOST`.

    Args:
        given: Arguments by the names that tasks give them; others than numbers are not checked.

    Raises:
        UserError: One is too small or too large.
    """
    for name, value in given.items():
        if not isinstance(value, int | float):
            continue
        if name in LEAST and value < LEAST[name]:
            raise UserError(f"{name} must be at least {LEAST[name]}, got {value}")
        if name in MOST and value > MOST[name]:
            raise UserError(f"{name} must be at most {MOST[name]}, got {value}")


def _is_of(value: object, kind: type) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is str:  # a path or a model, in Python, is as good as its name
        return not isinstance(value, int | float | list | dict)
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return isinstance(value, Integral) if kind is int else math.isfinite(value)
