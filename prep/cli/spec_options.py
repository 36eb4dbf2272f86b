"""Options of `autointerp prep` that are fields of the run's specification, with their names, types, defaults and help.

A field's help is the text below it in `Job` or `Settings`. Only what is different on a command line stands here.
"""

import ast
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from textwrap import dedent
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer

from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.store.settings import Settings

C = TypeVar("C", bound=Callable[..., None])

NO_OPTION = {
    "settings": "every field of Settings has its own option",
    "names": "the command fills it in for built-in models, whose folders differ from machine to machine",
}
"""Fields without an option, and why."""
SINGULAR = {"coders": "coder", "hookpoints": "hookpoint"}
"""Fields whose option is repeated, and the option's name."""
DEFAULTS: dict[str, Any] = {"subject": None, "coders": None, "hookpoints": None, "device": "auto"}
"""Defaults that differ from the field's: `device` is chosen by the command, coders can be a built-in model's own, and
`--config` or `--suite` can name the subject."""
FLAGS = ("center", "pack", "template_tokens", "trust_remote_code", "other_model")
"""Options without a negative: they are off unless given."""
LIMITS: dict[str, dict[str, float]] = {
    **{name: {"min": 1} for name in ("tokens", "context_length", "window", "sample", "pool", "batch_size")},
    **{name: {"min": 0} for name in ("top", "min_active")},
    "test_fraction": {"min": 0.05, "max": 0.95},
    "seed": {"min": 0, "max": 2**32 - 1},
}
"""Ranges of numbers, as `--help` shows them. They may be narrower than what a store can hold."""


def spec_parameters() -> list[inspect.Parameter]:
    """Return the command's parameters that stand for fields, in the order of the fields; `subject` is an argument."""
    parameters: list[inspect.Parameter] = []
    for specification in (Job, Settings):
        types, help_of = get_type_hints(specification), field_docs(specification)
        parameters += [
            _parameter(field, types[field.name], help_of[field.name])
            for field in fields(specification)
            if field.name not in NO_OPTION
        ]
    return parameters


def field_docs(specification: type) -> dict[str, str]:
    """Return the text below each field of a class, on one line."""
    [definition] = ast.parse(dedent(inspect.getsource(specification))).body
    assert isinstance(definition, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            docs[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return docs


def with_spec_options(command: C) -> C:
    """Put the fields' options in place of a command's `**spec`, for typer."""
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
    context, output, *others = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in own]
    subject, *options = spec_parameters()
    parameters = [context, subject, output, *options, *others]
    vars(command)["__signature__"] = inspect.Signature(parameters, return_annotation=None)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(field: "Field[Any]", type_: Any, help_: str) -> inspect.Parameter:
    name = SINGULAR.get(field.name, field.name)
    default = DEFAULTS.get(field.name, inspect.Parameter.empty if field.default is MISSING else field.default)
    limits: dict[str, Any] = LIMITS.get(field.name, {})
    if field.name == "subject":
        option = typer.Argument(help=help_)
        type_ |= None
    elif field.name in FLAGS:
        option = typer.Option(f"--{name.replace('_', '-')}", help=help_)
    elif field.name == "bos":
        option = typer.Option("--bos/--no-bos", help=help_, show_default=False)
    else:
        option = typer.Option(help=help_, **limits)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[_plain(type_), option]
    )


def _plain(type_: Any) -> Any:
    """Return a field's type as typer knows it: words are text, since `Settings` says which ones it takes."""
    parts = get_args(type_)
    if NoneType in parts:
        [other] = {_plain(part) for part in parts if part is not NoneType}
        return other | None
    if get_origin(type_) is Literal:
        return _plain(type(parts[0])) if None not in parts else str | None
    return list[str] | None if parts else type_
