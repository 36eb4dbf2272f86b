"""The floors: explanations that cannot be right, which every table shows beside those that may be."""

from inspect_ai.model import ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.explanation import Explanation
from inspect_autointerp.solvers.explain import explain_latent


@solver
def shuffled(contexts: str, examples: int = 40, seed: int = 0, window: int | None = None) -> Solver:
    """Explain each latent by what the explainer says of another one of the same run.

    Which one stands in the sample's metadata under `donor`, put there by `dataset.give_donors`.

    Args:
        contexts: Folder of the context store.
        examples: How many contexts the explainer is shown.
        seed: Of their draw.
        window: Tokens in a context; the store's own by default.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await explain_latent(state, state.metadata["donor"], contexts, examples, seed, window)
        return state

    return solve


@solver
def empty() -> Solver:
    """Explain every latent by nothing: what a grader scores that knows the task and no explanation."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        Explanation(text="", source="empty", latent=str(state.sample_id)).put(state)
        state.output = ModelOutput.from_content("none", "")
        return state

    return solve
