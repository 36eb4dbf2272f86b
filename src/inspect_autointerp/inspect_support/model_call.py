"""One call to a model, and what to make of it where the provider fails."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelRefusalError,
)
from inspect_ai.tool import Tool
from inspect_ai.util import LimitExceededError

from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support import logprob_support
from inspect_autointerp.inspect_support.answer_reasons import NO_RESPONSE
from inspect_autointerp.models.spending import note_call


@dataclass(frozen=True)
class Failure:
    """A call without an answer."""

    reason: str
    """`no_response` where nothing came in good order, else see `provider_error`."""
    final: bool
    """True if Inspect has given up after as many retries, or as much time, as the user allows it."""


async def attempt(
    model: Model,
    messages: list[ChatMessage],
    config: GenerateConfig | None = None,
    cache: CachePolicy | bool | None = None,
    tools: Sequence[Tool] = (),
) -> ModelOutput | Failure:
    """Call a model and wait for its answer.

    One lost answer must not end a run; what would lose all of them does, and so does what the user has asked for. A
    model that refuses to give log-probabilities is asked without them, see `logprob_support`.

    Args:
        model: Who is called.
        messages: The prompt.
        config: Settings of this call. Log-probabilities are a wish.
        cache: Whether Inspect looks for the answer in its cache first; None for what the user has set.
        tools: What the model may call.

    Raises:
        PrerequisiteError: The provider refuses the key. What was done by then stays in the log, for `inspect
            eval-retry`.
        LimitExceededError: The user's own limit on the sample.
        ModelRefusalError: The user's own `--fail-on-refusal`.
    """
    config = config or GenerateConfig()
    if not config.logprobs:
        return await _once(model, messages, config, cache, tools)
    if logprob_support.is_refused(model):
        return await _once(model, messages, logprob_support.without(config), cache)
    try:
        output = await _generate(model, messages, config, cache)
    except (LimitExceededError, ModelRefusalError):
        raise
    except Exception as error:  # whatever a provider raises
        cause = provider_exception(error)
        if not logprob_support.may_be_refused(cause):
            return _failure(model, error)
        output = await _once(model, messages, logprob_support.without(config), cache)
        if isinstance(output, Failure):
            return replace(output, final=True)  # it was asked twice
        logprob_support.note_refusal(model, cause)
        return output
    if not isinstance(output, Failure):
        logprob_support.note_acceptance(model)
    return output


async def _once(
    model: Model,
    messages: list[ChatMessage],
    config: GenerateConfig,
    cache: CachePolicy | bool | None,
    tools: Sequence[Tool] = (),
) -> ModelOutput | Failure:
    try:
        return await _generate(model, messages, config, cache, tools)
    except (LimitExceededError, ModelRefusalError):
        raise
    except Exception as error:  # whatever a provider raises
        return _failure(model, error)


async def _generate(
    model: Model,
    messages: list[ChatMessage],
    config: GenerateConfig,
    cache: CachePolicy | bool | None,
    tools: Sequence[Tool] = (),
) -> ModelOutput | Failure:
    if cache is None:
        output = await model.generate(messages, tools, config=config)
    else:
        output = await model.generate(messages, tools, config=config, cache=cache)
    note_call(output.usage.total_tokens if output.usage else 0)
    return Failure(NO_RESPONSE, final=False) if output.empty else output


def _failure(model: Model, error: Exception) -> Failure:
    """Return what a call that raised this counts as.

    Raises:
        PrerequisiteError: The error would come with every call.
    """
    from inspect_autointerp.inspect_support.compat import PrerequisiteError

    if isinstance(error, PrerequisiteError):
        raise error
    cause = provider_exception(error)
    if isinstance(cause, Exception) and model.api.is_auth_failure(cause):
        with one_line_errors():
            raise UserError(
                f"{model}: the provider rejected the API key ({cause}); fix the key and run again"
            ) from error
    return Failure(provider_error(error), final=_package(error) == "tenacity")


def settings_of(model: Model, config: GenerateConfig) -> GenerateConfig:
    """Return the settings that a call with these ones has, with those of the model and of the evaluation."""
    from inspect_autointerp.inspect_support.compat import active_generate_config, active_model

    evaluation = active_generate_config()
    if model is not active_model():  # `--max-tokens` and the like are of the main model alone
        evaluation = GenerateConfig(cache=evaluation.cache)
    # As Inspect's `merge`, which copies every value: two fifths of a millisecond for each call.
    given = {
        name: value
        for part in (evaluation, config)
        for name in GenerateConfig.model_fields
        if (value := getattr(part, name)) is not None
    }
    return model.config.model_copy(update=given)


def max_tokens_of(model: Model, config: GenerateConfig) -> int | None:
    """Return the limit on an answer's tokens that a call with these settings has; None where there is none."""
    settings = settings_of(model, config)
    if settings.max_tokens is not None:
        return settings.max_tokens
    of_settings = model.api.max_tokens_for_config(settings)
    return model.api.max_tokens() if of_settings is None else of_settings


def provider_error(error: BaseException) -> str:
    """Return the reason in the log: `provider_error: RateLimitError` and the like."""
    return f"provider_error: {type(provider_exception(error)).__name__}"


def provider_exception(error: BaseException) -> BaseException:
    """Return what the provider raised, out of what Inspect and its retries have wrapped around it."""
    while error.__cause__ is not None and _package(error) in ("tenacity", "inspect_ai"):
        error = error.__cause__
    return error


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]
