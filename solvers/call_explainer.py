"""The explainer, Inspect's main model, is asked; what it said once is not paid for again."""

from dataclasses import dataclass

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
)

from inspect_autointerp.inspect_support.answer_reasons import INVALID, unread
from inspect_autointerp.inspect_support.call_cache import cache_policy, of_attempt
from inspect_autointerp.inspect_support.default_model import main_model
from inspect_autointerp.inspect_support.model_call import Failure, attempt, max_tokens_of
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
        Exception: What ends a run, see `model_call.attempt`.
    """
    model, messages, tokens = main_model(), [*messages], 0
    policy = cache_policy(model, None, {"explanation": str(number)}) if cache else False
    output, text, reason = ModelOutput(), None, None
    for tried in range(2):
        if isinstance(messages[-1], ChatMessageAssistant):
            messages.append(ChatMessageUser(content=_AGAIN))
        reply = await attempt(model, messages, cache=of_attempt(policy, tried))
        if isinstance(reply, Failure):
            reason = reply.reason
            if reply.final:
                break
            continue
        output = reply
        tokens += output.usage.total_tokens if output.usage else 0
        if output.completion.strip():  # several providers refuse a conversation with an empty turn
            messages.append(output.message)
        not_read = unread(output, max_tokens_of(model, GenerateConfig()))
        text = None if not_read else parse_explanation(output.completion)
        if text is not None:
            reason = None
            break
        reason = not_read.reason if not_read else INVALID
    return Answer(text=text, reason=reason, messages=messages, output=output, model=str(model), tokens=tokens)
