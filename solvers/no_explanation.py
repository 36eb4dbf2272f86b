"""For scores of a latent itself: nothing is explained."""

from inspect_ai.model import ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver


@solver
def unexplained() -> Solver:
    """Explain nothing and ask nobody, for a task whose scorer reads no explanation."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("none", "")
        return state

    return solve
