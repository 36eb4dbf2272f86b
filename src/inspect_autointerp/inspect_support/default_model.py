"""The model that answers where none was given: the lexical baseline, which needs no key."""

from functools import cache

from inspect_ai.model import Model, get_model
from rich.console import Console

LEXICAL = "inspect_autointerp/lexical"
NO_MODEL = "none/none"
"""Inspect's name for the main model of an evaluation without one."""


def main_model() -> Model:
    """Return Inspect's main model; in an evaluation without one, the lexical baseline."""
    return or_lexical(get_model())


def or_lexical(model: Model) -> Model:
    """Return the model, or the lexical baseline in place of Inspect's stand-in for none."""
    if str(model) != NO_MODEL:
        return model
    _say_so()
    return get_model(LEXICAL)


@cache
def _say_so() -> None:
    Console(emoji=False, stderr=True).print(
        f"No --model was given: {LEXICAL} explains and grades. It is a baseline that needs no key. With an API key:"
        " --model openai/gpt-4o-mini",
        markup=False, highlight=False,
    )  # fmt: skip
