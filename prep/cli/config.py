"""`--config FILE`: the options of `autointerp prep` from one file, and a store's manifest as such a file."""

import inspect
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import typer

from inspect_autointerp.builtin import demo
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import strict_json
from inspect_autointerp.latent import is_second
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.trust import OPTION
from inspect_autointerp.text import strict_yaml

_NEW = ("versions", "digest", "checksum")
"""Fields of a manifest in which the same store, made again, may differ, and which say nothing of why."""
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "text"}


def config_defaults(context: typer.Context, file: str | None) -> str | None:
    """Make a file's values the defaults of the command's options: what the command line gives goes before them.

    Args:
        context: The command's. Of a manifest, `context.obj` is the content afterwards, for `compared`.
        file: YAML of the options' names, or a store's `manifest.json`; relative paths in it are relative to where the
            command runs.

    Raises:
        UserError: It cannot be read, names an option that does not exist, has a value of the wrong kind, or allows
            code to run.
    """
    if file is None or context.resilient_parsing:
        return file
    if context.default_map is not None:
        raise UserError("--suite and --config both define the store; give one of them")
    content = _read(Path(file))
    if "hookpoints" in content and "digest" in content:
        context.obj = content
        content = _from_manifest(content, file)
    # A command's own signature says what its options are and of which type.
    types = get_type_hints(inspect.unwrap(context.command.callback)) if context.command.callback else {}
    parameters = {str(parameter.name): parameter for parameter in context.command.params}
    del parameters["config"], parameters["suite"]
    values: dict[str, Any] = {}
    for key, value in content.items():
        name = str(key).replace("-", "_")
        if name not in parameters:
            raise UserError(f"{file}: unknown option {str(key)!r}; the options are {', '.join(parameters)}")
        if name in values:
            raise UserError(f"{file}: {name} is given twice")
        if value is None:
            continue
        values[name] = _checked(value, types[name], f"{file}: {key}")
        if name == "trust_remote_code" and value:
            raise UserError(f"{file}: {key}: a file cannot allow code to run; give {OPTION} on the command line")
        try:
            parameters[name].process_value(context, values[name])
        except typer.BadParameter as error:
            raise UserError(f"{file}: {key}: {error.message}") from error
    context.default_map = values
    return file


def _read(path: Path) -> dict:
    try:
        content = (
            strict_json.load(path.read_bytes()) if path.suffix == ".json" else strict_yaml.load(path.read_text("utf-8"))
        )
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except strict_json.Unreadable as error:
        raise UserError(f"{path}:{error.line}: not a manifest ({error})") from error
    except (UnicodeDecodeError, strict_yaml.Unreadable) as error:
        raise UserError(f"{path}: not a YAML file of options ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a list of `option: value`")
    return content


def _from_manifest(content: dict, file: str) -> dict[str, Any]:
    """The options that a manifest stands for."""
    try:
        subject, entries = content["subject"], content["hookpoints"]
        once = {name: entry["coder"] for name, entry in entries.items() if not is_second(name)}  # of two subjects
        names, coders = list(once), list(once.values())
        settings = dict(content["settings"])
        if unknown := settings.keys() - {field.name for field in fields(Settings)}:
            raise ValueError(f"unknown settings {', '.join(map(repr, sorted(unknown)))}")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{file}: not a readable manifest ({type(error).__name__}: {error})") from error
    if subject == demo.NAME:
        subject = "demo"
        folders = {f"{demo.NAME}/{path.name}": str(path) for path in demo.coders()}
        coders = [folders.get(coder, coder) for coder in coders]
    given = {"subject": subject, "revision": content.get("revision"), "coder": coders, "hookpoint": names}
    second = content.get("second_subject")
    given |= {
        "second_subject": "demo" if second == demo.NAME else second,
        "second_revision": content.get("second_revision"),
    }
    return given | {"bos": content.get("bos")} | settings


def _checked(value: object, type_: Any, where: str) -> object:
    """A value as its option takes it.

    Raises:
        UserError: It is of another kind.
    """
    if type(None) in get_args(type_):
        [type_] = [part for part in get_args(type_) if part is not type(None)]
    if get_origin(type_) is list:
        [part] = get_args(type_)
        return [_checked(each, part, where) for each in (value if isinstance(value, list) else [value])]
    if type_ not in _WORDS:
        return value  # one of a few words: the option itself knows them
    allowed = {float: (int, float), Path: (str,)}.get(type_, (type_,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and type_ is not bool):
        raise UserError(f"{where}: {value!r} is not {_WORDS[type_]}")
    return value


def compared(context: typer.Context, made: Manifest) -> str | None:
    """Return whether a store made from a manifest has its digest, in words; None if the file was no manifest."""
    if context.obj is None:
        return None
    wanted = context.obj["digest"]
    if made.digest == wanted:
        return "The same digest as the manifest's: the same data."
    old, new = (_flat({k: v for k, v in content.items() if k not in _NEW}) for content in (context.obj, asdict(made)))
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    files = [key for key in keys if key.startswith("files.")]
    differences = [f"{key} ({old.get(key)}, now {new.get(key)})" for key in keys if key not in files]
    differences += [f"{len(files)} files"] if files else []
    return f"Not the manifest's digest, {wanted}. What differs: {', '.join(differences)}."


def _flat(content: dict, prefix: str = "") -> dict[str, object]:
    """`{"a": {"b": 1}}` → `{"a.b": 1}`."""
    entries: dict[str, object] = {}
    for key, value in content.items():
        entries |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return entries
