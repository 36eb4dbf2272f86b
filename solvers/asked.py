"""The explainer, Inspect's main model, is asked; what it said once is not paid for again."""

import json
from dataclasses import dataclass

from inspect_ai.model import CachePolicy, ChatMessage, ChatMessageUser, Model, ModelOutput, get_model

from inspect_autointerp.offline import OfflineAPI
from inspect_autointerp.reasons import unusable
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
    """Why there is none."""
    messages: list[ChatMessage]
    """All that passed between."""
    output: ModelOutput
    model: str
    tokens: int
    """Input and output, both attempts; what came out of the cache counts as if it had been paid for."""


async def ask_explainer(messages: list[ChatMessage], *, cache: bool, number: int = 0) -> Answer:
    """Ask for an explanation.

    An answer without a readable one is sent back once with what was wrong.

    Args:
        messages: The prompt.
        cache: Whether to take the answer from Inspect's cache, without end, if the same model was asked the same
            with the same settings before. The package's own models, and those made of objects, are always asked.
        number: Tells answers to the same prompt apart.
    """
    model, messages, tokens = get_model(), [*messages], 0
    policy = _policy(model, number) if cache else False
    output, text = ModelOutput(), None
    for attempt in range(2):
        if attempt:
            messages.append(ChatMessageUser(content=_AGAIN))
        output = await model.generate(messages, cache=policy)
        messages.append(output.message)
        tokens += output.usage.total_tokens if output.usage else 0
        text = parse_explanation(output.completion)
        if text is not None:
            break
    reason = None if text is not None else unusable(output.stop_reason)
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
