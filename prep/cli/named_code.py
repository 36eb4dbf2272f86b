"""Code that the options of `autointerp prep` name: what the user types may run, what a file names may not."""

import typer

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.load import is_code
from inspect_autointerp.store.trust import factory_refusal, kernel_refusal


def refuse_named_code(context: typer.Context, coders: list[str], attention: str | None) -> None:
    """Refuse code that a `--config` or `--suite` file names.

    Args:
        context: The command's. Where an option was typed, what it names is allowed.
        coders: The value of `--coder`.
        attention: The value of `--attention`.

    Raises:
        UserError: A file names code.
    """
    file = context.params.get("config") or context.params.get("suite")
    refusals: list[str | None] = []
    if _from_file(context, "coder"):
        refusals += [factory_refusal(coder) for coder in coders if is_code(coder)]
    if _from_file(context, "attention"):
        refusals.append(kernel_refusal(attention))
    for refusal in filter(None, refusals):
        raise UserError(f"{file}: {refusal}")


def _from_file(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name == "DEFAULT_MAP"
