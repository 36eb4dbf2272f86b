"""Any Inspect agent as an explainer: its budget, what it ends with, and what of that counts as its explanation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from inspect_ai.agent import Agent, AgentState, agent
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser
from inspect_ai.solver import TaskState
from inspect_ai.tool import Tool
from inspect_ai.util import (
    Limit,
    LimitExceededError,
    apply_limits,
    cost_limit,
    span,
    time_limit,
    token_limit,
    turn_limit,
)

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.answer_reasons import INVALID
from inspect_autointerp.inspect_support.compat import known_model_info
from inspect_autointerp.inspect_support.dataset import store_of
from inspect_autointerp.inspect_support.default_model import main_model
from inspect_autointerp.inspect_support.explanation import Concept, Explanation
from inspect_autointerp.inspect_support.log_detail import lean
from inspect_autointerp.inspect_support.model_call import Failure, attempt
from inspect_autointerp.models.spending import current
from inspect_autointerp.solvers.options import at_least_one
from inspect_autointerp.solvers.parse_explanation import LONGEST, parse_explanation
from inspect_autointerp.solvers.tools.hypotheses import notes

SUBMITTED = "submitted"
"""Ending of an agent that submitted its explanation itself."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Budget of an agent for one latent, enforced by Inspect's own limits.

    Raises:
        UserError: A number is below what makes sense.
    """

    rounds: int = 12
    """Turns: calls to the explainer."""
    tokens: int = 60_000
    """Input and output of the explainer; the call that goes beyond it is the last one."""
    seconds: float | None = None
    """Wall-clock time; None for no limit."""
    dollars: float | None = None
    """Cost, by Inspect's prices; None for no limit."""

    def __post_init__(self) -> None:
        at_least_one(rounds=self.rounds, tokens=self.tokens)
        for name in ("seconds", "dollars"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UserError(f"{name}={value}: must be above 0")

    def limits(self) -> list[Limit]:
        """Return Inspect's limits.

        Raises:
            UserError: There is a limit on cost, and no price is known.
        """
        limits: list[Limit] = [turn_limit(self.rounds), token_limit(self.tokens)]
        if self.seconds is not None:
            limits.append(time_limit(self.seconds))
        if self.dollars is not None:
            info = known_model_info(str(main_model()))
            if info is None or info.cost is None:
                raise UserError(
                    f"dollars={self.dollars}: Inspect does not know the price of {main_model()};"
                    " give --model-cost-config FILE"
                )
            limits.append(cost_limit(self.dollars))
        return limits


class NoAnswer(Exception):
    """The provider gave no answer; the reason is in its first argument."""


@agent(name="explainer")
def explainer_turn() -> Agent:
    """Ask the explainer, Inspect's main model, for its next turn: what `react(model=…)` takes."""

    async def execute(state: AgentState, tools: list[Tool]) -> AgentState:
        """Ask for one turn; a call that fails is tried once more.

        Args:
            state: The conversation so far.
            tools: What the model may call.
        """
        reply = await attempt(main_model(), state.messages, tools=tools)
        if isinstance(reply, Failure) and not reply.final:
            reply = await attempt(main_model(), state.messages, tools=tools)
        if isinstance(reply, Failure):
            raise NoAnswer(reply.reason)
        state.output = reply
        state.messages.append(reply.message)
        return state

    return execute


async def run_agent(
    state: TaskState, worker: Agent, opening: str, budget: Budget, source: str, options: Mapping[str, Any]
) -> None:
    """Have an agent explain the sample's latent, and leave its explanation for the scorer and the log.

    Its explanation is what it submits. Where its budget runs out before, it is the first of its hypotheses, as it wrote
    them down with the tool `hypotheses`, or the last `EXPLANATION:` line of its messages; the log says so (`ended`).

    Args:
        state: The sample's.
        worker: The agent.
        opening: Its first message.
        budget: What it may spend.
        source: The agent's name and the version of its prompt.
        options: What the log says of how it was asked.

    Raises:
        UserError: The budget is in dollars, and no price is known.
        LimitExceededError: A limit that the user has put on the whole sample.
    """
    chat = AgentState(messages=[ChatMessageUser(content=opening)])
    failure: str | None = None
    outer: LimitExceededError | None = None
    with apply_limits(budget.limits(), catch_errors=True) as scope:
        try:
            async with span(name="agent", type="agent"):
                chat = await worker(chat)
        except LimitExceededError as error:
            outer = error
            raise
        except Exception as error:
            reasons = [one.args[0] for one in _leaves(error) if isinstance(one, NoAnswer)]
            if not reasons:
                raise
            failure = reasons[0]
        finally:
            if outer is not None:  # if it is one of the budget's, what is left below takes its place
                _leave(state, chat, f"{outer.type}_limit", source, options)
    ended = f"{scope.limit_error.type}_limit" if scope.limit_error else failure or _end(chat)
    _leave(state, chat, ended, source, options, lost=failure is not None)


def _end(chat: AgentState) -> str:
    if notes().submitted is None and chat.output.choices:
        stop = chat.output.stop_reason
        if stop in ("content_filter", "model_length", "max_tokens"):
            return {"content_filter": "refusal", "max_tokens": "truncated"}.get(stop, stop)
    return SUBMITTED


def _leave(
    state: TaskState, chat: AgentState, ended: str, source: str, options: Mapping[str, Any], lost: bool = False
) -> None:
    noted = notes()
    if noted.submitted is not None:
        ended, text = SUBMITTED, noted.submitted
    elif lost:
        text = None
    else:
        text = _answer(chat.output.completion) if ended == SUBMITTED and chat.output.choices else None
        text = text or next(iter(noted.hypotheses), None) or _last_line(chat)
    if not lean():
        state.messages = chat.messages
    if chat.output.choices:
        state.output = chat.output
    spent = current()
    Explanation(
        text=text,
        source=source,
        latent=str(state.sample_id),
        reason=None if text is not None else INVALID if ended == SUBMITTED else ended,
        store=store_of(state).digest,
        model=str(main_model()),
        options=dict(options),
        tokens=spent.explainer_tokens if spent else None,
        ended=ended,
        concepts=tuple(map(Concept, noted.concepts)),
    ).put(state)


def _answer(completion: str) -> str | None:
    """The explanation that an agent ends with: its `EXPLANATION:` line, or all of an answer of one line."""
    line = completion.strip()
    whole = line if line and "\n" not in line and len(line) <= LONGEST else None
    return parse_explanation(completion) or whole


def _last_line(chat: AgentState) -> str | None:
    answers = (message.text for message in reversed(chat.messages) if isinstance(message, ChatMessageAssistant))
    return next((text for answer in answers if (text := parse_explanation(answer)) is not None), None)


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors of a group, of however many levels; an error that is none by itself."""
    if isinstance(error, BaseExceptionGroup):
        group = cast(BaseExceptionGroup[BaseException], error)
        return [leaf for one in group.exceptions for leaf in _leaves(one)]
    return [error]
