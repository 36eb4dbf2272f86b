"""What the tasks that have latents explained do alike; Inspect passes over files whose names begin with `_`."""

from dataclasses import dataclass

from inspect_ai.solver import Solver

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.inspect_support.dataset import LatentDataset
from inspect_autointerp.inspect_support.evaluation import one_line_errors, open_dataset
from inspect_autointerp.latent import Negative
from inspect_autointerp.solvers.explainers import Explainer, name_of
from inspect_autointerp.solvers.explainers import explainer as solver_named


@dataclass(frozen=True)
class Explained:
    """The latents of an evaluation, and what explains them."""

    data: LatentDataset
    solver: Solver
    kinds: tuple[Negative, ...]
    """Kinds of negatives to test on, `random` first."""

    @property
    def folder(self) -> str:
        """Of the context store."""
        return str(self.data.store.folder)


def explained(
    contexts: str | None,
    *,
    hookpoint: str | None,
    latents: str | int | list[int] | None,
    explainer: Explainer,
    explanations: str | None,
    negatives: str | list[str],
    min_contexts: int,
    window: int | None,
    seed: int,
) -> Explained:
    """Open what is to be evaluated; the arguments are those of `tasks.detection`."""
    data = open_dataset(
        contexts,
        hookpoint=hookpoint,
        latents=latents,
        min_contexts=min_contexts,
        seed=seed,
        window=window,
        donors=name_of(explainer) == "shuffled" and explanations is None,
    )
    with one_line_errors():
        solver = solver_named(explainer, explanations, seed, data.store, data.hookpoint)
        return Explained(data, solver, negative_kinds(data.store, data.hookpoint, negatives))
