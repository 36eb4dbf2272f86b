"""The explainer, Inspect's main model, is asked; what it said once is not paid for again."""

import json
from dataclasses import dataclass

from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    Model,
    ModelOutput,
    get_model,
)

from inspect_autointerp.attempt import Failure, attempt
from inspect_autointerp.offline import OfflineAPI
from inspect_autointerp.reasons import cut_off, unusable
from inspect_autointerp.solvers.prompt import parse_explanation

_AGAIN = (
    "Your answer holds no explanation that can be read: its last line must begin with `EXPLANATION:` and go on with"
    " the explanation. Answer again, with that line alone."
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What it said."""

    text: str | None
    """The explanation; None where there is none that can be read."""
    reason: str | None
    """Why there is none: `invalid_response_format`, `refusal`, `truncated`, `no_response`, `provider_error: …`."""
    messages: list[ChatMessage]
    """All that passed between."""
    output: ModelOutput
    model: str
    tokens: int
    """Input and output, both attempts; what came out of the cache counts as if it had been paid for."""


async def ask_explainer(messages: list[ChatMessage], *, cache: bool, number: int = 0) -> Answer:
    """Ask for an explanation.

    A call that fails is tried once more, unless Inspect's own retries are used up, and an answer without a readable
    explanation is sent back once with what was wrong. One that was cut off, by a limit or a filter or on its way, is
    not read: half an explanation would be taken for a whole one.

    Args:
        messages: The prompt.
        cache: Whether to take the answer from Inspect's cache, without end, if the same model was asked the same
            with the same settings before. The package's own models, and those made of objects, are always asked.
        number: Tells answers to the same prompt apart.

    Raises:
        Exception: What ends a run, see `attempt.attempt`.
    """
    model, messages, tokens = get_model(), [*messages], 0
    policy = _policy(model, number) if cache else False
    output, text, reason = ModelOutput(), None, None
    for _ in range(2):
        if isinstance(messages[-1], ChatMessageAssistant):
            messages.append(ChatMessageUser(content=_AGAIN))
        found = await attempt(model, model.generate(messages, cache=policy))
        if isinstance(found, Failure):
            reason = found.reason
            if found.final:
                break
            continue
        output = found
        messages.append(output.message)
        tokens += output.usage.total_tokens if output.usage else 0
        whole = not cut_off(output) and output.stop_reason != "content_filter"
        text = parse_explanation(output.completion) if whole else None
        reason = None if text is not None else unusable(output)
        if text is not None:
            break
    return Answer(text=text, reason=reason, messages=messages, output=output, model=str(model), tokens=tokens)


def _policy(model: Model, number: int) -> CachePolicy | bool:
    """What tells an answer from others beyond the prompt and what Inspect itself looks at."""
    if isinstance(model.api, OfflineAPI):
        return False
    try:
        arguments = json.dumps(model.model_args, sort_keys=True)
    except TypeError:
        return False
    return CachePolicy(expiry=None, scopes={"explanation": str(number), "model_args": arguments})
