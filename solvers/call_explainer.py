"""The explainer, Inspect's main model, is asked; what it said once is not paid for again."""

from collections.abc import Sequence
from dataclasses import dataclass

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
)

from inspect_autointerp.inspect_support.answer_reasons import invalid, unread
from inspect_autointerp.inspect_support.call_cache import cache_policy, of_attempt
from inspect_autointerp.inspect_support.default_model import main_model
from inspect_autointerp.inspect_support.explanation import normalised
from inspect_autointerp.inspect_support.model_call import Failure, attempt, max_tokens_of
from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError
from inspect_autointerp.solvers.parse_explanation import parse_explanation, read_explanation
from inspect_autointerp.text.prompt_lines import ANSWER_TAG

COPIED = "repeats_worked_example"
"""The reason of an answer that says what the prompt says of one of its worked latents."""
NEAR_COPY = 0.8
"""Share of common words, articles aside, from which on an explanation repeats a worked one: a weak model leaves out or
adds a word."""
_ARTICLES = {"a", "an", "the"}
_AGAIN = (
    "Your answer cannot be used: {problem}. Answer again with a single line. It must begin with"
    f" `{ANSWER_TAG}`, followed by your explanation of the last latent that you were shown."
)
_IN_OTHER_WORDS = (
    "its explanation repeats an earlier latent's explanation, nearly or exactly; if this latent is active on the same"
    " things, use other words"
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Explainer's answer."""

    text: str | None
    """The explanation; None where there is none that can be read."""
    reason: str | None
    """Why there is none: `invalid_response_format: …`, `repeats_worked_example`, `refusal`, `truncated`, `no_response`,
    `provider_error: …`."""
    messages: list[ChatMessage]
    """All that passed between."""
    output: ModelOutput
    model: str
    tokens: int
    """Input and output, both attempts; what came out of the cache counts as if it had been paid for."""


async def ask_explainer(messages: list[ChatMessage], *, cache: bool, number: int = 0, seed: int = 0) -> Answer:
    """Ask for an explanation.

    A call that fails is tried once more, unless Inspect's own retries are used up, and an answer without a readable
    explanation is sent back once with what was wrong. One that was cut off, by a limit or a filter or on its way, is
    not read: half an explanation would be taken for a whole one. One that repeats a worked example of the prompt is
    sent back too, and is no explanation if it does so again: a weak model says the same of every latent.

    Args:
        messages: The prompt.
        cache: Whether to take the answer from Inspect's cache, without end, if the same model was asked the same
            with the same settings before. The package's own models, and those made of objects, are always asked.
        number: Tells answers to the same prompt apart.
        seed: Of the draw of contexts; does the same. Where a latent has no more contexts than are shown, another seed
            gives the same prompt, and has to give another sample of the explainer's answers.

    Raises:
        Exception: What ends a run, see `model_call.attempt`.
    """
    model, messages, tokens = main_model(), [*messages], 0
    scopes = {"explanation": str(number)} | ({"seed": str(seed)} if seed else {})
    policy = cache_policy(model, None, scopes) if cache else False
    worked = _worked(messages)
    output, text, reason, problem = ModelOutput(), None, None, ""
    for tried in range(2):
        if isinstance(messages[-1], ChatMessageAssistant):
            messages.append(ChatMessageUser(content=_AGAIN.format(problem=problem)))
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
        text, reason, problem = _read(output, max_tokens_of(model, GenerateConfig()), worked)
        if text is not None:
            break
    return Answer(text=text, reason=reason, messages=messages, output=output, model=str(model), tokens=tokens)


def _worked(messages: Sequence[ChatMessage]) -> frozenset[str]:
    """Return the explanations that a prompt's worked examples give, as `normalised`."""
    answers = (parse_explanation(message.text) for message in messages if message.role == "assistant")
    return frozenset(normalised(text) for text in answers if text)


def _read(output: ModelOutput, max_tokens: int | None, worked: frozenset[str]) -> tuple[str | None, str | None, str]:
    """Return the explanation in an answer; where there is none, the reason, and the problem in words for the model."""
    if not_read := unread(output, max_tokens):
        return None, not_read.reason, not_read.problem
    try:
        text = read_explanation(output.completion)
    except AnswerError as error:
        return None, invalid(str(error)), str(error)
    return (None, COPIED, _IN_OTHER_WORDS) if any(_repeats(text, example) for example in worked) else (text, None, "")


def _repeats(text: str, example: str) -> bool:
    """True if two explanations, one of them as `normalised`, are the same or nearly so."""
    text = normalised(text)
    words, others = set(text.split()) - _ARTICLES, set(example.split()) - _ARTICLES
    return text == example or len(words & others) >= NEAR_COPY * len(words | others) > 0
