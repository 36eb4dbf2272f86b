"""Generation: does the latent fire on texts that are written from the explanation, and not on near misses?

inspect eval tasks/generation.py --model openai/gpt-4o-mini --model-role writer=openai/gpt-4o -T store=DIR
"""

from inspect_ai import Task, task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.generation.scorer import generation as generation_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task


@task
def generation(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    texts: int = 10,
    min_texts: int = 3,
    min_contexts: int = 20,
    window: int | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by texts written from it: the subject says where the latent fires.

    The model role `writer` writes; without it the explainer does, and then its writing counts as much as what it has
    explained. The store's own subject and coder are run, up to the deepest hookpoint, which needs torch and their
    weights. Arguments without a word here are as in `tasks.detection`.

    Args:
        texts: How many the writer is asked for on which the latent should fire, and as many near misses.
        min_texts: With fewer of a kind that count (copies do not), the statistics of that kind are undefined.
    """
    with one_line_errors():
        scorer = generation_scorer(texts, min_texts)
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    return score_task(data, explainer_solver(explainer, explanations, data), {"generation": scorer})
