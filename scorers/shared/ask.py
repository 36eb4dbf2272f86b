"""Questions to a model: all at once, each tried once more with what was wrong, and counted where that fails too."""

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

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.answer_reasons import INVALID, invalid, unread
from inspect_autointerp.inspect_support.call_cache import users_policy
from inspect_autointerp.inspect_support.default_model import or_lexical
from inspect_autointerp.inspect_support.log_detail import lean
from inspect_autointerp.inspect_support.model_call import Failure, attempt, max_tokens_of, settings_of
from inspect_autointerp.inspect_support.model_name import model_name
from inspect_autointerp.scorers.shared.parse_labels import AnswerError

ROLE = "grader"
TOGETHER = " + "
"""Between the names of several graders."""

_ids = count(1)

T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """One question to the grader, with the parser of its answer."""

    name: str
    """In the log: `texts 1–5`."""
    messages: list[ChatMessage]
    read: Callable[[ModelOutput], T]
    """Raises `AnswerError` where the answer cannot be read in exactly one way."""
    wanted: str
    """Description of a valid answer, to follow `Answer again with`."""
    config: GenerateConfig = field(default_factory=GenerateConfig)


@dataclass(frozen=True)
class Reply(Generic[T]):
    """The value of an answer, or the reason why there is none."""

    value: T | None
    reason: str | None = None
    """`invalid_response_format: …`, `refusal`, `truncated`, `no_response`, `provider_error: …`; None where there is a
    value."""


def question_message(text: str) -> ChatMessageUser:
    """A message with a short id: those that Inspect makes are 16 bytes of a log for every call, compressed or not."""
    return ChatMessageUser(id=f"{next(_ids):x}", content=text)


def grader() -> Model:
    """Return the grader: the model role `grader`, else the explainer.

    Raises:
        UserError: The role has several models, which the caller cannot ask.
    """
    if len(several := bound_graders()) > 1:
        raise UserError(
            f"{len(several)} graders are bound to the role `grader`, and this score asks one; give one, or only scores"
            " that several can grade: detection, fuzzing"
        )
    return graders()[0]


def graders() -> list[Model]:
    """Return the graders: the models of the role `grader`, else the explainer.

    Raises:
        UserError: They are two, or two of them are the same.
    """
    bound = bound_graders()
    if len(bound) <= 1:
        return [model_in_role(ROLE, "which graded itself")[0]]
    check_graders([model_name(model) for model in bound])
    return bound


def bound_graders() -> list[Model]:
    """Return the models that are bound to the role `grader`, in the order in which they were given."""
    bound = model_roles().get(ROLE) or []
    return list(bound) if isinstance(bound, Sequence) else [bound]


def check_graders(names: Sequence[str]) -> None:
    """Check that an aggregate can be made of graders.

    Raises:
        UserError: They are two, or two of them are the same.
    """
    if len(names) == 2:
        raise UserError(
            f"graders {', '.join(names)}: an aggregate needs three or more, because nothing shows which of two is wrong"
            " when they disagree; give a third grader, or only one"
        )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"grader {twice} is given twice; give each grader once, or with other settings")


async def grader_name(test: object = None) -> str:
    """Return the grader's name for the log, with the settings of its sampling; it says if the explainer graded.

    Several graders have one name, whatever their order: `a + b + c`.
    """
    return bound_grader_name() or model_in_role(ROLE, "which graded itself")[1]


def bound_grader_name() -> str | None:
    """Return the name of the models that are bound to the role `grader`; None if none is."""
    return TOGETHER.join(sorted(model_name(model) for model in bound_graders())) or None


def in_batches(texts: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return the texts in batches of a size, in order; the last one may be smaller."""
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def model_in_role(role: str, else_: str) -> tuple[Model, str]:
    """Return the model of a role, and its name for the log, see `model_name`.

    Args:
        role: The role. Where it is not bound, the main model has it.
        else_: What the name says of the main model then.
    """
    bound = model_roles().get(role)
    model = or_lexical(get_model(role=role))
    name = model_name(model)
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
        Exception: What ends a run, see `model_call.attempt`.
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
    messages, reason = question.messages, INVALID
    setting = settings_of(model, question.config).cache
    for tried in range(2):
        output = await attempt(model, messages, question.config, users_policy(model, setting, tried))
        if isinstance(output, Failure):
            reason = output.reason
            if output.final:
                break
            continue
        not_read = unread(output, max_tokens_of(model, question.config))
        if not_read is None:
            try:
                return Reply(question.read(output))
            except AnswerError as error:
                reason, problem = invalid(str(error)), str(error)
        else:
            reason, problem = not_read.reason, not_read.problem
        if output.completion.strip():  # several providers refuse a conversation with an empty turn
            again = f"Your answer cannot be used: {problem}. Answer again with {question.wanted} and nothing else."
            messages = [*messages, ChatMessageAssistant(content=output.completion), ChatMessageUser(content=again)]
    return Reply(None, reason)
