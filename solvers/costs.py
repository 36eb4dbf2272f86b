"""Costs of an explainer on a latent, recorded in the sample's metadata."""

from functools import wraps

from inspect_ai.solver import Generate, Solver, TaskState

from inspect_autointerp.models.spending import Spending, current, spending

COST = "explanation_cost"
"""Key in the sample's metadata, beside the explanation: a summary drops values longer than 1 kB."""


def costed(solve: Solver) -> Solver:
    """Have a solver's work on each latent counted, and left in the sample's metadata whatever it ends with."""

    @wraps(solve)
    async def counted(state: TaskState, generate: Generate) -> TaskState:
        spent = Spending()
        try:
            with spending() as spent:
                return await solve(state, generate)
        finally:
            state.metadata[COST] = spent.record()

    return counted


def is_spent(tokens: int | None) -> bool:
    """Return whether the explainer and its grader have taken that many tokens; never where there is no limit."""
    spent = current()
    return tokens is not None and spent is not None and spent.tokens >= tokens
