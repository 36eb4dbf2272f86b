"""One call to a model, and what to make of it where the provider fails."""

from collections.abc import Awaitable
from dataclasses import dataclass

from inspect_ai.model import Model, ModelOutput, ModelRefusalError
from inspect_ai.util import LimitExceededError

from inspect_autointerp.errors import UserError
from inspect_autointerp.evaluation import one_line_errors


@dataclass(frozen=True)
class Failure:
    """A call without an answer."""

    reason: str
    """`no_response` where nothing came in good order, else see `provider_error`."""
    final: bool
    """Whether Inspect has given up after as many retries, or as much time, as the user allows it."""


async def attempt(model: Model, call: Awaitable[ModelOutput]) -> ModelOutput | Failure:
    """Wait for a model's answer.

    One lost answer must not end a run; what would lose all of them does, and so does what the user has asked for.

    Args:
        model: Who is called.
        call: What `model.generate` returned.

    Raises:
        PrerequisiteError: The provider refuses the key. What was done by then stays in the log, for `inspect
            eval-retry`.
        LimitExceededError: The user's own limit on the sample.
        ModelRefusalError: The user's own `--fail-on-refusal`.
    """
    from inspect_ai._util.error import PrerequisiteError  # Inspect has no public name for it

    try:
        output = await call
        return Failure("no_response", final=False) if output.empty else output
    except (LimitExceededError, ModelRefusalError, PrerequisiteError):
        raise
    except Exception as error:  # whatever a provider raises
        cause = _providers(error)
        if isinstance(cause, Exception) and model.api.is_auth_failure(cause):
            with one_line_errors():
                raise UserError(f"{model}: the provider refuses the key ({cause}); see to it and run again") from error
        return Failure(provider_error(error), final=_package(error) == "tenacity")


def provider_error(error: BaseException) -> str:
    """The reason in the log: `provider_error: RateLimitError` and the like."""
    return f"provider_error: {type(_providers(error)).__name__}"


def _providers(error: BaseException) -> BaseException:
    """What the provider raised, out of what Inspect and its retries have wrapped around it."""
    while error.__cause__ is not None and _package(error) in ("tenacity", "inspect_ai"):
        error = error.__cause__
    return error


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]
