"""Surprisal: does the explanation make texts on which the latent fires more probable than others?

inspect eval tasks/surprisal.py --model openai/gpt-4o-mini --model-role likelihood=hf/NAME-OR-FOLDER -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.scorers.surprisal.scorer import surprisal as surprisal_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


@task
def surprisal(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 100,
    test_nonactivating: int = 100,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by surprisal (arXiv 2410.13928, §3.3.3).

    Give the base model as `--model-role likelihood=…`: `hf/…` in memory, or a server through `vllm-completions/…` or
    `openai-api-completions/…`. Without the role it is the store's subject if that is SmolLM2, else the demo's, which
    knows Python's documentation and little else. Needs torch where the model is in memory.

    Arguments that are not listed here are as in `tasks.detection`.

    Args:
        test_activating: Activating contexts to grade on.
        test_nonactivating: Non-activating contexts of each kind to grade on.
    """
    data = open_latents(store, hookpoint, latents, negatives, min_contexts, window, seed)
    scorer = surprisal_scorer(test_activating, test_nonactivating)
    return score_task(data, explainer_solver(explainer, explanations, data), {"surprisal": scorer})
