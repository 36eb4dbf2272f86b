"""Which likelihood model an evaluation uses: the model role `likelihood`."""

import json
from functools import partial
from typing import TYPE_CHECKING

from inspect_ai.model import Model, ModelName, model_roles

from inspect_autointerp.builtin import demo, smollm2
from inspect_autointerp.builtin.weights import weights_folder
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.model_name import unsampled_name
from inspect_autointerp.models.likelihood.interface import Choosing, Likelihood
from inspect_autointerp.models.likelihood.server import PROVIDERS, ServedLikelihood
from inspect_autointerp.models.shared_engines import lent, shared

if TYPE_CHECKING:
    from inspect_autointerp.models.likelihood.local import LocalLikelihood

ROLE = "likelihood"
LOCAL = "hf"
"""Inspect's provider of models in memory."""


def likelihood_name(subject: str = demo.NAME) -> str:
    """Return what the log calls the likelihood model.

    Args:
        subject: The store's, as its manifest names it.

    Raises:
        UserError: The role is bound to a model that tells no log-probabilities of what it is given.
    """
    model = _bound()
    if model is None:
        return _default(subject)
    return unsampled_name(model)


async def likelihood(subject: str = demo.NAME) -> Likelihood:
    """The likelihood model: what the role `likelihood` is bound to, else a built-in subject.

    That is the store's own where it is SmolLM2, and else the demo's. Of an `hf/…` model it is the very one that Inspect
    has loaded, so there is no second one in memory.

    Args:
        subject: The store's, as its manifest names it.

    Raises:
        UserError: It cannot be had; the message says what is missing.
    """
    model = _bound()
    if model is not None and _provider(model) != LOCAL:
        return ServedLikelihood(model)
    return await shared(shared_key(model, subject), partial(_local, model, subject))


async def choosing(model: Model) -> Choosing:
    """Return the likelihood engine of a model that judges by probability.

    Of an `hf/…` model it is the very one that Inspect has loaded, and the one of the role `likelihood` where that has
    the same model.

    Raises:
        UserError: Its provider tells no log-probabilities of what it is given, or what it needs is not installed.
    """
    key = shared_key(model)
    if lent(key) is not None:  # by `autointerp cost`
        return await shared(key, partial(_local, model, ""))
    if is_served(str(model), "grader"):
        return ServedLikelihood(model)
    return await shared(key, partial(_local, model, ""))


def _default(subject: str) -> str:
    """Return the name of the base model where none is given."""
    return subject if subject == smollm2.NAME else demo.NAME


def shared_key(model: Model | None, subject: str = demo.NAME) -> tuple[str, ...]:
    """Return what tells a model in memory from others: its name and all its arguments.

    Args:
        model: The model that the role is bound to; None for a built-in subject.
        subject: The store's, as its manifest names it.
    """
    if model is None:
        return ROLE, _default(subject)
    return ROLE, str(model), json.dumps(model.model_args, sort_keys=True, default=str)


def _local(model: Model | None, subject: str) -> "LocalLikelihood":
    try:
        from inspect_autointerp.models.likelihood.local import LocalLikelihood, load
    except ImportError as error:
        raise UserError(
            f"a likelihood model in memory needs {error.name}, which is not installed: "
            f'pip install "inspect-autointerp[prep]", or give --model-role {ROLE}=vllm-completions/NAME'
        ) from error
    if model is None:
        return load(_folder(_default(subject)))
    api = model.api
    return LocalLikelihood(getattr(api, "model"), getattr(api, "tokenizer"))  # noqa: B009 - of a class not imported here


def _folder(subject: str) -> str:
    try:
        return weights_folder(subject)
    except UserError as error:
        raise UserError(f"{error}, or give --model-role {ROLE}=vllm-completions/NAME") from error


def _bound() -> Model | None:
    bound = model_roles().get(ROLE)
    if isinstance(bound, list):
        raise UserError(f"--model-role {ROLE}={','.join(map(str, bound))}: give one model")
    if bound is not None:
        is_served(str(bound))
    return bound


def is_served(model: str, role: str = ROLE) -> bool:
    """Return whether a likelihood model of this name is behind a server; else it is in memory.

    Args:
        model: Its name.
        role: The model role that it has, for the error.

    Raises:
        UserError: Its provider tells no log-probabilities of what it is given.
    """
    provider = model.partition("/")[0]
    if provider not in (LOCAL, *PROVIDERS):
        given = ", ".join(f"{provider}/…" for provider in (LOCAL, *PROVIDERS))
        raise UserError(
            f"--model-role {role}={model}: its provider returns no log-probabilities of a text; give one of {given}"
        )
    return provider in PROVIDERS


def _provider(model: Model) -> str:
    return ModelName(model).api
