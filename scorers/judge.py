"""The judge protocol: texts in batches to the grader, one retry that says what was wrong, a verdict for every text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    Model,
    get_model,
    model_roles,
)
from inspect_ai.util import LimitExceededError, span

from inspect_autointerp.evaluation import SELF_GRADED
from inspect_autointerp.reasons import unusable
from inspect_autointerp.scorers.answers import AnswerError, Item, parse_confidences, parse_labels
from inspect_autointerp.scorers.probabilities import label_probabilities

ROLE = "grader"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the grader said on one text."""

    label: int | None
    """1: the explanation applies. 0: it does not. None: unscored."""
    probability: float | None = None
    """How sure it was of 1, in [0, 1]; None where that is not known."""
    reason: str | None = None
    """Why it is unscored: `invalid_response_format`, `refusal`, `truncated`, `provider_error: …`."""


def grader() -> tuple[Model, str]:
    """The grader, and its name for the log: without the role `grader` it is the explainer, and the name says so."""
    bound = model_roles().get(ROLE)
    model = get_model(role=ROLE)
    return model, str(model) if bound else f"{model} ({SELF_GRADED})"


async def judge(
    model: Model,
    batches: Sequence[Sequence[str]],
    prompt: Callable[[Sequence[str]], list[ChatMessage]],
    *,
    confidence: bool,
) -> list[Verdict]:
    """Put every batch of texts to the grader, all at once, and return the verdicts in the order of the texts.

    Inspect bounds how many calls are under way. A call that fails, or an answer that cannot be read in one way, is
    tried once more; then the batch's texts are unscored with the reason.

    Args:
        model: The grader.
        batches: The texts, as they are to be shown together.
        prompt: Makes the messages for a batch.
        confidence: Whether the answer is a list of 0 to 100 rather than of 0 and 1.
    """
    found: list[list[Verdict]] = [[] for _ in batches]
    first = [1 + sum(map(len, batches[:i])) for i in range(len(batches))]

    async def one(number: int, texts: Sequence[str]) -> None:
        async with span(f"grader · texts {first[number]}–{first[number] + len(texts) - 1}"):
            found[number] = await _verdicts(model, prompt(texts), len(texts), confidence)

    async with anyio.create_task_group() as group:
        for number, texts in enumerate(batches):
            group.start_soon(one, number, texts)
    return [verdict for verdicts in found for verdict in verdicts]


async def _verdicts(model: Model, messages: list[ChatMessage], n: int, confidence: bool) -> list[Verdict]:
    config = GenerateConfig() if confidence else GenerateConfig(logprobs=True, top_logprobs=5)
    parse = parse_confidences if confidence else parse_labels
    reason = "invalid_response_format"
    for _ in range(2):
        try:
            output = await model.generate(messages, config=config)
        except LimitExceededError:
            raise  # the user's own limit on the sample, not the grader's failure
        except Exception as error:  # whatever a provider raises: one lost batch must not end the run
            reason = f"provider_error: {type(error).__name__}"
            continue
        answer = output.completion
        try:
            items = parse(answer, n)
        except AnswerError as error:
            reason = unusable(output.stop_reason)
            again = f"Your answer cannot be used: {error}. Answer again, with the list of {n} and nothing else."
            messages = [*messages, ChatMessageAssistant(content=answer), ChatMessageUser(content=again)]
            continue
        if confidence:
            return [Verdict(int(item.value >= 50), item.value / 100) for item in items]
        logprobs = output.choices[0].logprobs
        return _with_probabilities(items, label_probabilities(logprobs.content if logprobs else None, answer, items))
    return [Verdict(None, None, reason)] * n


def _with_probabilities(items: Sequence[Item], probabilities: Sequence[float | None]) -> list[Verdict]:
    return [Verdict(item.value, p) for item, p in zip(items, probabilities, strict=True)]
