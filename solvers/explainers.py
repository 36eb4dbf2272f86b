"""The solvers by the names that `-T explainer=…` takes."""

from typing import Literal, get_args

from inspect_ai.solver import Solver

from inspect_autointerp.errors import UserError
from inspect_autointerp.solvers.controls import empty, shuffled
from inspect_autointerp.solvers.explain import explain

Explainer = Literal["explain", "shuffled", "empty"]


def explainer(name: str, contexts: str, examples: int, seed: int, window: int | None = None) -> Solver:
    """The solver of that name.

    Args:
        name: One of `Explainer`.
        contexts: Folder of the context store.
        examples: Contexts that the explainer is shown.
        seed: Of their draw.
        window: Tokens in a context; the store's own by default.

    Raises:
        UserError: There is none of that name.
    """
    if name == "explain":
        return explain(contexts, examples, seed, window)
    if name == "shuffled":
        return shuffled(contexts, examples, seed, window)
    if name == "empty":
        return empty()
    raise UserError(f"explainer={name}: there is none of that name; there are {', '.join(get_args(Explainer))}")
