"""Which likelihood model an evaluation uses: the model role `likelihood`."""

import json
from functools import partial

from inspect_ai.model import Model, ModelName, model_roles

from inspect_autointerp.builtin import demo
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.model_name import unsampled_name
from inspect_autointerp.models.likelihood.interface import Likelihood
from inspect_autointerp.models.likelihood.server import PROVIDERS, ServedLikelihood
from inspect_autointerp.models.shared_engines import shared

ROLE = "likelihood"
LOCAL = "hf"
"""Inspect's provider of models in memory."""


def likelihood_name() -> str:
    """Return what the log calls the likelihood model.

    Raises:
        UserError: The role is bound to a model that tells no log-probabilities of what it is given.
    """
    model = _bound()
    if model is None:
        return demo.NAME
    return unsampled_name(model)


async def likelihood() -> Likelihood:
    """The likelihood model: what the role `likelihood` is bound to, else the demo's subject.

    Of an `hf/…` model it is the very one that Inspect has loaded, so there is no second one in memory.

    Raises:
        UserError: It cannot be had; the message says what is missing.
    """
    model = _bound()
    if model is not None and _provider(model) != LOCAL:
        return ServedLikelihood(model)
    return await shared(shared_key(model), partial(_local, model))


def shared_key(model: Model | None) -> tuple[str, ...]:
    """Return what tells a model in memory from others: its name and all its arguments.

    Args:
        model: The model that the role is bound to; None for the demo's subject.
    """
    if model is None:
        return ROLE, demo.NAME
    return ROLE, str(model), json.dumps(model.model_args, sort_keys=True, default=str)


def _local(model: Model | None) -> Likelihood:
    try:
        from inspect_autointerp.models.likelihood.local import LocalLikelihood, load
    except ImportError as error:
        raise UserError(
            f"a likelihood model in memory needs {error.name}, which is not installed: "
            f'pip install "inspect-autointerp[prep]", or give --model-role {ROLE}=vllm-completions/NAME'
        ) from error
    if model is None:
        return load(str(demo.SUBJECT))
    api = model.api
    return LocalLikelihood(getattr(api, "model"), getattr(api, "tokenizer"))  # noqa: B009 - of a class not imported here


def _bound() -> Model | None:
    bound = model_roles().get(ROLE)
    if isinstance(bound, list):
        raise UserError(f"--model-role {ROLE}={','.join(map(str, bound))}: give one model")
    if bound is not None:
        is_served(str(bound))
    return bound


def is_served(model: str) -> bool:
    """Return whether a likelihood model of this name is behind a server; else it is in memory.

    Raises:
        UserError: Its provider tells no log-probabilities of what it is given.
    """
    provider = model.partition("/")[0]
    if provider not in (LOCAL, *PROVIDERS):
        given = ", ".join(f"{provider}/…" for provider in (LOCAL, *PROVIDERS))
        raise UserError(
            f"--model-role {ROLE}={model}: its provider tells no log-probabilities of a text; give one of {given}"
        )
    return provider in PROVIDERS


def _provider(model: Model) -> str:
    return ModelName(model).api
