"""An agent of your own as the explainer, with the package's tools, budget and log.

inspect eval inspect_autointerp/detection --solver examples/own_agent.py --model openai/gpt-4o-mini

This agent does not use Inspect's `react` loop. It takes a fixed number of turns, in which it may call three tools. Then
it must answer. You can replace it with any other Inspect agent.
"""

from inspect_ai.agent import Agent, AgentState, agent
from inspect_ai.model import ChatMessageUser, execute_tools, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.solvers.costs import costed
from inspect_autointerp.solvers.run_agent import Budget, run_agent
from inspect_autointerp.solvers.tools import activations, contexts, hypotheses

ASK = """You find out what one latent of a language model responds to. Look at `contexts`, test what you think with \
`activations`, and write down what you believe with `hypotheses`."""
END = "Now answer with one line that begins with `EXPLANATION:` and says in one sentence what the latent responds to."


@agent
def look_test_answer(turns: int = 3) -> Agent:
    """Call tools for a number of turns, then answer.

    Args:
        turns: Calls to the model before the answer.
    """
    tools = [contexts(), activations(), hypotheses()]

    async def execute(state: AgentState) -> AgentState:
        for _ in range(turns):
            state.output = await get_model().generate(state.messages, tools)
            state.messages.append(state.output.message)
            called, _ = await execute_tools(state.messages, tools)
            state.messages.extend(called or [ChatMessageUser(content="Call a tool.")])
        state.messages.append(ChatMessageUser(content=END))
        state.output = await get_model().generate(state.messages)
        state.messages.append(state.output.message)
        return state

    return execute


@solver
def own_agent(turns: int = 3, tokens: int = 30_000) -> Solver:
    """Explain each latent by the agent above.

    Args:
        turns: Calls to the model before the answer.
        tokens: What all calls may take together.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        budget = Budget(rounds=turns + 1, tokens=tokens)
        await run_agent(state, look_test_answer(turns), ASK, budget, "own_agent/1", {"turns": turns})
        return state

    return costed(solve)
