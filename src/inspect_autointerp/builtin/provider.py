"""The models `inspect_autointerp/…` that the package brings along for Inspect."""

from typing import Any, cast

from inspect_ai.model import ModelAPI, modelapi

from inspect_autointerp.builtin.lexical.provider import LexicalAPI
from inspect_autointerp.builtin.planted.oracle import OracleAPI

_MODELS: dict[str, type[ModelAPI]] = {"lexical": LexicalAPI, "oracle": OracleAPI}


@modelapi(name="inspect_autointerp")
def models() -> type[ModelAPI]:
    """The provider; Inspect calls what it returns with a model's name and arguments."""
    return cast(type[ModelAPI], _model)


def _model(model_name: str, *args: Any, **kwargs: Any) -> ModelAPI:
    """The model of that name.

    Raises:
        ValueError: There is none, or it takes no such argument.
    """
    if model_name not in _MODELS:
        known = " and ".join(f"inspect_autointerp/{name}" for name in _MODELS)
        raise ValueError(f"inspect_autointerp/{model_name}: unknown model; there are {known}")
    try:
        return _MODELS[model_name](model_name, *args, **kwargs)
    except TypeError as error:
        raise ValueError(f"inspect_autointerp/{model_name}: {error}") from error
