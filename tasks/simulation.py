"""Simulation: does the explanation tell how strongly the latent fires on each token?

inspect eval tasks/simulation.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o-mini -T contexts=DIR
"""

from inspect_ai import Task, task

from inspect_autointerp.inspect_support.evaluation import latent_task
from inspect_autointerp.scorers.simulation.scorer import simulation as simulation_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._explained import explained

COLUMNS = ("correlation", "correlation_activating", "correlation_weighted", "constant", "unscored")


@task
def simulation(
    contexts: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 50,
    test_nonactivating: int = 50,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    shown: int = 5,
    every: bool = False,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by simulation (arXiv 2410.13928, §3.3.5).

    Arguments without a word here are as in `tasks.detection`.

    Args:
        test_activating: Activating contexts to grade on. Half as many as in the other tasks: an answer names tokens,
            not texts, and so costs more and also tells more.
        test_nonactivating: Non-activating contexts of each kind to grade on.
        every: Have every token answered, as in the paper, not those above 0 alone: some ten times the output, for
            expected values on all tokens where the grader has log-probabilities.
    """
    what = explained(
        contexts,
        hookpoint=hookpoint,
        latents=latents,
        explainer=explainer,
        explanations=explanations,
        negatives=negatives,
        min_contexts=min_contexts,
        window=window,
        seed=seed,
    )
    scorer = simulation_scorer(
        what.folder,
        activating=test_activating,
        nonactivating=test_nonactivating,
        shown=shown,
        every=every,
        seed=seed,
        window=window,
        negatives=",".join(what.kinds),
        min_contexts=min_contexts,
    )
    columns = [*COLUMNS, *(f"correlation_{kind}" for kind in what.kinds[1:])]
    return latent_task(what.data, what.solver, scorer, shown={"simulation": columns}, grader=grader)
