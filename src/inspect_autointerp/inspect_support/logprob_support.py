"""Which models give log-probabilities: known from their answers, and remembered until the run ends.

A server may refuse the parameter with an error, and a provider may raise one of its own. Then a score without
log-probabilities is far better than none. An error has many causes, so a model counts as one that refuses them only if
the same question without them was answered, and if it never answered one with them.
"""

from functools import cache
from logging import getLogger
from typing import Any
from weakref import WeakKeyDictionary

from inspect_ai.hooks import Hooks, RunEnd, hooks
from inspect_ai.model import GenerateConfig, Model

from inspect_autointerp.text.json_values import is_dict

_STATUSES = (400, 404, 405, 415, 422, 501)
"""Statuses with which servers answer a parameter that they do not know."""
_NAMES = ("BadRequestError", "NotFoundError", "UnprocessableEntityError", "BadRequest", "NotFound", "InvalidArgument")
"""Errors of clients that do not carry a status."""

_gives: WeakKeyDictionary[Model, bool] = WeakKeyDictionary()
"""Models that were asked for log-probabilities, with True for those that give them."""


def is_refused(model: Model) -> bool:
    """Return whether a model is known to refuse log-probabilities."""
    return _gives.get(model) is False


def may_be_refused(error: BaseException) -> bool:
    """Return whether an error can mean that log-probabilities are refused: by what it says, or by its status."""
    if "logprob" in str(error).lower().replace(" ", "").replace("-", "").replace("_", ""):
        return True
    status = _status(error)
    return status in _STATUSES if status is not None else type(error).__name__ in _NAMES


def note_refusal(model: Model, error: BaseException) -> None:
    """Remember that a model answered without log-probabilities what it refused with them.

    One that has given them before had another cause to refuse.
    """
    if model in _gives:
        return
    _gives[model] = False
    getLogger(__name__).warning(
        f"{model} refuses log-probabilities ({type(error).__name__}) and is asked without: scores that need them, such"
        " as AUROC, are undefined. -T confidence=true asks for confidences instead."
    )


def note_acceptance(model: Model) -> None:
    """Remember that a model answered a question with log-probabilities."""
    _gives[model] = True


@cache
def forget_at_run_end() -> None:
    """Have what is remembered forgotten at the end of every run, from now on: a server may have changed by the next.

    Called where a task is made, for the reason that `unscored_warning.warn_of_unscored` gives.
    """
    hooks(name="logprob_support", description="Forgets which models refused log-probabilities.")(_Forget)


class _Forget(Hooks):
    async def on_run_end(self, data: RunEnd) -> None:
        _gives.clear()


def without(config: GenerateConfig) -> GenerateConfig:
    """Return the settings without log-probabilities."""
    return config.model_copy(update={"logprobs": None, "top_logprobs": None})


def _status(error: BaseException) -> int | None:
    """Return the HTTP status that an error carries, as the clients of providers name it."""
    response = getattr(error, "response", None)
    candidates: list[Any] = [getattr(response, "status_code", None)]
    if is_dict(response):  # botocore's
        response = response.get("ResponseMetadata", {})
        candidates = [response.get("HTTPStatusCode") if is_dict(response) else None]
    candidates += [getattr(error, name, None) for name in ("status_code", "status", "code")]
    return next((one for one in candidates if isinstance(one, int) and not isinstance(one, bool)), None)
