"""Simulation: does the explanation tell how strongly the latent fires on each token?

inspect eval tasks/simulation.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o-mini -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.scorers.simulation.scorer import simulation as simulation_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


@task
def simulation(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 50,
    test_nonactivating: int = 50,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    texts_per_call: int = 5,
    every: bool = False,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by simulation (arXiv 2410.13928).

    Arguments that are not listed here are as in `tasks.detection`.

    Args:
        test_activating: Activating contexts to grade on. Half as many as in the other tasks: an answer covers tokens,
            not texts, so it costs more and also carries more information.
        test_nonactivating: Non-activating contexts of each kind to grade on.
        every: Ask for every token, as in the paper, not only those above 0: about 20 times the output, for
            expected values on all tokens if the grader returns log-probabilities.
    """
    data = open_latents(store, hookpoint, latents, negatives, min_contexts, window, seed)
    scorer = simulation_scorer(test_activating, test_nonactivating, texts_per_call, every)
    return score_task(data, explainer_solver(explainer, explanations, data), {"simulation": scorer}, grader=grader)
