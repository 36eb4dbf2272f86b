"""Questions to a model: all at once, each tried once more with what was wrong, and counted where that fails too."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

import anyio
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
    model_roles,
)
from inspect_ai.util import span

from inspect_autointerp.attempt import Failure, attempt
from inspect_autointerp.lean import lean
from inspect_autointerp.reasons import unusable
from inspect_autointerp.scorers.answers import AnswerError

ROLE = "grader"

_NOT_SAMPLING = (
    *("max_connections", "adaptive_connections", "max_retries", "timeout", "attempt_timeout", "cache", "batch"),
    "fail_on_refusal",
)
"""Settings that change how a model is reached and not what it says."""

_ids = count(1)

T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """What the grader is asked in one call, and how its answer is read."""

    name: str
    """In the log: `texts 1–5`."""
    messages: list[ChatMessage]
    read: Callable[[ModelOutput], T]
    """Raises `AnswerError` where the answer cannot be read in exactly one way."""
    wanted: str
    """What an answer has to be, after `Answer again, with`."""
    config: GenerateConfig = field(default_factory=GenerateConfig)


@dataclass(frozen=True)
class Reply(Generic[T]):
    """What was read from an answer, or why nothing was."""

    value: T | None
    reason: str | None = None
    """`invalid_response_format`, `refusal`, `truncated`, `no_response`, `provider_error: …`; None where there is a
    value."""


def question_message(text: str) -> ChatMessageUser:
    """A message with a short id: those that Inspect makes are 16 bytes of a log for every call, compressed or not."""
    return ChatMessageUser(id=f"{next(_ids):x}", content=text)


def grader() -> tuple[Model, str]:
    """The grader, and its name for the log, with what is set of its sampling.

    Without the role `grader` it is the explainer, and the name says so.
    """
    return model_in_role(ROLE, "which graded itself")


def model_in_role(role: str, else_: str) -> tuple[Model, str]:
    """The model of a role, and its name for the log, with what is set of its sampling.

    Args:
        role: The role. Where it is not bound, the main model has it.
        else_: What the name says of the main model then.
    """
    bound = model_roles().get(role)
    model = get_model(role=role)
    config = model.config.model_dump(exclude_none=True, exclude=set(_NOT_SAMPLING))
    name = f"{model} {json.dumps(config, sort_keys=True)}" if config else str(model)
    return model, name if bound else f"{name}, {else_}"


async def ask(model: Model, questions: Sequence[Question[T]], who: str = ROLE) -> list[Reply[T]]:
    """Put every question to the grader, all at once, and return the replies in the order of the questions.

    Inspect bounds how many calls are under way. A call that fails, or an answer that cannot be read in one way, is
    tried once more; then there is a reason in place of a value. Where Inspect's own retries are used up, that is
    enough.

    Args:
        model: Who is asked.
        questions: What.
        who: What the log calls who is asked.

    Raises:
        Exception: What ends a run, see `attempt.attempt`.
    """
    replies: dict[int, Reply[T]] = {}

    async def one(number: int, question: Question[T]) -> None:
        async with span(f"{who} · {question.name}") if not lean() else nullcontext():
            replies[number] = await _reply(model, question)

    try:
        async with anyio.create_task_group() as group:
            for number, question in enumerate(questions):
                group.start_soon(one, number, question)
    except ExceptionGroup as errors:  # what ends a run, which Inspect knows by its type
        raise errors.exceptions[0] from None
    return [replies[number] for number in range(len(questions))]


async def _reply(model: Model, question: Question[T]) -> Reply[T]:
    messages, reason = question.messages, "invalid_response_format"
    for _ in range(2):
        output = await attempt(model, model.generate(messages, config=question.config))
        if isinstance(output, Failure):
            reason = output.reason
            if output.final:
                break
            continue
        try:
            return Reply(question.read(output))
        except AnswerError as error:
            reason = unusable(output)
            again = f"Your answer cannot be used: {error}. Answer again, with {question.wanted} and nothing else."
            messages = [*messages, ChatMessageAssistant(content=output.completion), ChatMessageUser(content=again)]
    return Reply(None, reason)
