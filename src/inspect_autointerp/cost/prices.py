"""Prices of tokens: those that Inspect knows, or reads from `--model-cost-config`."""

from collections.abc import Mapping
from math import inf
from pathlib import Path

import yaml
from inspect_ai.model import ModelCost
from pydantic import ValidationError

from inspect_autointerp.builtin.prompt_reader import OWN
from inspect_autointerp.errors import UserError
from inspect_autointerp.text.json_values import is_mapping

FORM = "{input: …, output: …, input_cache_read: …, input_cache_write: …}"
FREE = ModelCost(input=0, output=0, input_cache_write=0, input_cache_read=0)


def read_prices(file: Path) -> dict[str, ModelCost]:
    """The prices of Inspect's `--model-cost-config`, in dollars per million tokens, by model.

    Raises:
        UserError: The file cannot be read or holds something else.
    """
    try:
        prices = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{file}: cannot be read ({' '.join(str(error).split())})") from error
    if not is_mapping(prices):
        raise UserError(f"{file}: no prices; give a line per model, `openai/NAME: {FORM}`")
    return {str(model): _price(file, str(model), given) for model, given in prices.items()}


def _price(file: Path, model: str, given: object) -> ModelCost:
    try:
        price = ModelCost.model_validate(given)
    except ValidationError as error:
        [first, *_] = error.errors()
        where = ".".join(map(str, first["loc"])) or "it"
        raise UserError(f"{file}: {model}: {where}: {first['msg']}; a price is {FORM}") from error
    if not all(0 <= value < inf for value in price.model_dump().values()):
        raise UserError(f"{file}: {model}: a price is a number of dollars per million tokens, 0 or more")
    return price


def price_of(model: str, given: Mapping[str, ModelCost]) -> ModelCost | None:
    """Return what a model's tokens cost; None where nobody knows.

    Args:
        model: Its name for Inspect.
        given: Prices that win over Inspect's.
    """
    # `get_model_info` would make the model where it is not in the list: load weights, or start a server.
    from inspect_autointerp.inspect_support.compat import known_model_info

    if model in given:
        return given[model]
    if model.startswith(f"{OWN}/"):
        return FREE
    info = known_model_info(model)
    return info.cost if info else None
