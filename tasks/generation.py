"""Generation: does the latent fire on texts that are written from the explanation, and not on near misses?

inspect eval tasks/generation.py --model openai/gpt-4o-mini --model-role writer=openai/gpt-4o -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.generation.scorer import generation as generation_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


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

    The model role `writer` writes the texts. Without it the explainer does, and then the score measures its writing as
    much as its explanations. The store's own subject and coder are run, up to the deepest hookpoint, which needs torch
    and their weights. Arguments that are not listed here are as in `tasks.detection`.

    Args:
        texts: Number of texts on which the latent should fire, and of near misses, that the writer is asked for.
        min_texts: Fewest texts of a kind that count (copies do not); with fewer, its statistics are undefined.
    """
    with one_line_errors():
        scorer = generation_scorer(texts, min_texts)
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    return score_task(data, explainer_solver(explainer, explanations, data), {"generation": scorer})
