"""An agent with tools: it writes down hypotheses, tests them on the subject, and submits one explanation."""

from collections.abc import Sequence

from inspect_ai.agent import Agent, AgentPrompt, AgentState, AgentSubmit, react
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import Tool, ToolDef, tool

from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.models.from_store import firing_of
from inspect_autointerp.models.spending import current
from inspect_autointerp.solvers.agent_prompt import CONTINUE, INSTRUCTIONS, LAST, VERSION, opening
from inspect_autointerp.solvers.costs import costed
from inspect_autointerp.solvers.evidence import gather
from inspect_autointerp.solvers.explain import explain_options
from inspect_autointerp.solvers.options import at_least_one
from inspect_autointerp.solvers.run_agent import Budget, explainer_turn, run_agent
from inspect_autointerp.solvers.tools import TOOLS
from inspect_autointerp.solvers.tools.hypotheses import explanation_line, hypotheses, notes

_NEARLY = 0.8
"""The share of its tokens from which on an agent is told to submit."""


@solver
def agent(
    rounds: int = 12,
    tokens: int = 60_000,
    seconds: float | None = None,
    dollars: float | None = None,
    tools: str | list[str] = "all",
    examples: int = 10,
    seed: int = 0,
) -> Solver:
    """Let the explainer, Inspect's main model, work with tools until it submits an explanation.

    The agent is Inspect's `react`. What it spends is limited by Inspect's own limits. If one is reached before it
    submits, the best hypothesis that it wrote down counts, and the log says so; without any, the latent is unscored.

    Args:
        rounds: Turns of the agent, each a call to the model.
        tokens: Input and output of all its calls.
        seconds: Wall-clock time; None for no limit.
        dollars: Cost, by Inspect's prices; None for no limit.
        tools: Which it has: `contexts`, `activations`, `steer`, `promoted_tokens`, `neighbours`, with commas between,
            or `all`. With `activations` the subject is loaded before anything is paid for.
        examples: Contexts of the explain split that it is shown at the beginning.
        seed: Random seed of their draw.
    """
    with one_line_errors():
        budget = Budget(rounds=rounds, tokens=tokens, seconds=seconds, dollars=dollars)
        names = tool_names(tools)
        at_least_one(examples=examples)
        shown = explain_options({"examples": examples, "seed": seed})
    told = {"rounds": rounds, "tokens": tokens, "seconds": seconds, "dollars": dollars, "tools": ",".join(names)}
    told |= {"examples": examples, "seed": seed}

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store = store_of(state)
        latent = latent_named(store, str(state.sample_id))
        with one_line_errors():
            gathered = await gather(store, latent, shown)
            if "activations" in names:
                try:
                    await firing_of(store, latent.hookpoint)
                except UserError as error:
                    without = "without the subject the agent works with tools: contexts,promoted_tokens,neighbours"
                    raise UserError(f"{error}; {without}") from error
            if gathered.reason:
                nothing = Explanation(text=None, source=VERSION, latent=latent.id, reason=gathered.reason)
                nothing.put(state)
                return state
            first = opening(latent, gathered, shown, rounds, tokens)
            await run_agent(state, _react([TOOLS[name]() for name in names], budget), first, budget, VERSION, told)
        return state

    return costed(solve)


def tool_names(tools: str | Sequence[str]) -> list[str]:
    """Read the option `tools`.

    Raises:
        UserError: There is no such tool, or none is named.
    """
    named = tools.split(",") if isinstance(tools, str) else [str(name) for name in tools]
    names = list(TOOLS) if named == ["all"] else [name.strip() for name in named]
    if unknown := [name for name in names if name not in TOOLS]:
        raise UserError(f"tools={tools}: unknown tool {unknown[0]!r}; give all, or some of {', '.join(TOOLS)}")
    return list(dict.fromkeys(names))


@tool
def submit() -> Tool:
    """Let an agent end with an explanation."""

    async def execute(explanation: str, concepts: list[str] | None = None) -> str:
        """Submit your explanation. This ends your work.

        Args:
            explanation: What the latent is active on, in one short sentence or phrase.
            concepts: If the latent is active on several things that have nothing in common, a list of them. The
                explanation must still name all of them.
        """
        line = explanation_line(explanation)
        notes().concepts = [explanation_line(concept) for concept in concepts or []]
        notes().submitted = line
        return line

    return execute


def _react(tools: Sequence[Tool], budget: Budget) -> Agent:
    async def go_on(state: AgentState) -> bool | str:
        turns = sum(message.role == "assistant" for message in state.messages)
        spent = current()
        if turns >= budget.rounds - 1 or (spent and spent.explainer_tokens >= _NEARLY * budget.tokens):
            return LAST
        return True if state.output.message.tool_calls else CONTINUE

    return react(
        prompt=AgentPrompt(instructions=INSTRUCTIONS, handoff_prompt=None, assistant_prompt=None, submit_prompt=None),
        tools=[*tools, hypotheses()],
        model=explainer_turn(),
        submit=AgentSubmit(tool=ToolDef(submit(), name="submit"), answer_only=True, keep_in_messages=True),
        on_continue=go_on,
    )
