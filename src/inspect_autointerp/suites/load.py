"""A suite by its name, or by the path of its file."""

import json
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from inspect_autointerp.builtin.locate import BUILT_IN, located
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.remote import is_url
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.suites.suite import FORMAT, Suite
from inspect_autointerp.text.json_values import is_dict
from inspect_autointerp.text.strict_yaml import Unreadable, load

_LARGEST = 1 << 20


def shipped() -> dict[str, Path]:
    """The files of the suites that come with the package, by name."""
    folder = Path(str(files("inspect_autointerp.suites.definitions")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_suite(suite: str) -> Suite:
    """Read a suite.

    Args:
        suite: The name of one that comes with the package, or the path of a YAML file.

    Raises:
        UserError: There is none, or it is not a whole and well-formed definition of this version.
    """
    known = shipped()
    path = known.get(suite)
    if path is None:
        path = located(suite)
        if path.suffix not in (".yaml", ".yml"):
            raise UserError(f"suite {suite}: unknown; give one of {', '.join(known)}, or the path of a .yaml file")
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise UserError(f"{path}: too large for a suite's definition")
        parsed = load(content.decode("utf-8"))
    except OSError as error:
        raise UserError(f"suite {suite}: {path} cannot be read ({error.strerror})") from error
    except (Unreadable, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a suite's definition ({error})") from error
    return suite_of(parsed, str(path))


def suite_of(content: Any, where: str) -> Suite:
    """A suite of the content of its file.

    Raises:
        UserError: As for `read_suite`.
    """
    if not is_dict(content):
        raise UserError(f"{where}: not a suite's definition; suites/demo.yaml is one")
    if content.get("format") is True or content.get("format") != FORMAT:
        raise UserError(f"{where}: format {content.get('format')!r}; this version of the package reads format {FORMAT}")
    content = _with_frozen(content, where)
    evaluation = content.get("evaluation")
    if is_dict(evaluation) and isinstance(given := evaluation.get("latents"), str):
        raise UserError(
            f"{where}: evaluation.latents: {given[:80]!r} is not a number of latents to draw; to evaluate those of a"
            " file, freeze a store of them (`autointerp freeze STORE --latents FILE -o OUT`) and give it as store"
        )
    try:
        # By way of JSON, whose kinds are all that belongs in one: YAML knows dates, sets and bytes, too.
        suite = TypeAdapter(Suite).validate_json(json.dumps(content))
    except TypeError as error:
        raise UserError(f"{where}: {error}") from error
    except ValidationError as error:
        raise UserError(f"{where}: {_first(error)}") from error
    if suite.frozen and not isinstance(suite.digest, str):
        raise UserError(f"{where}: store: {suite.frozen} is a frozen store, which has one digest; give it as digest")
    if suite.store is None and not suite.frozen:
        raise UserError(f"{where}: store: give the options that make it, or the place of a frozen one")
    if suite.store:
        _check_settings(suite.store.settings, where)
    return suite


def _with_frozen(content: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the content with `store: PLACE` and `prep: …` as the fields of `Suite`."""
    if "frozen" in content:
        raise UserError(f"{where}: frozen: unknown field; give the frozen store as store")
    if not isinstance(content.get("store"), str):
        return content
    place = str(content["store"])
    beside = Path(where).parent / place
    if not is_url(place) and place not in BUILT_IN and beside.is_dir():
        place = str(beside.absolute())
    made = content.get("prep")
    return {key: value for key, value in content.items() if key != "prep"} | {"frozen": place, "store": made}


def _check_settings(settings: dict[str, Any], where: str) -> None:
    types = get_type_hints(Settings)
    for name, value in settings.items():
        if name not in types:
            known = ", ".join(field.name for field in fields(Settings))
            raise UserError(f"{where}: store.settings.{name}: unknown setting; give one of {known}")
        try:
            TypeAdapter(types[name], config=ConfigDict(strict=True)).validate_python(value)
        except ValidationError as error:
            raise UserError(f"{where}: store.settings.{name}: {_first(error)}") from error
    try:
        Settings(**settings)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    value = repr(first["input"]) if not isinstance(first["input"], dict | list) else ""
    message = first["msg"] + (f", not {value[:80]}" if value and first["type"] != "missing" else "")
    return f"{place}: {message}" if place else message
