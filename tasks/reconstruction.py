"""Reconstruction: can the latent's vector be told from others' by a vector made from the explanation alone?

inspect eval tasks/reconstruction.py --model openai/gpt-4o-mini -T store=DIR -T reconstructor=http://localhost:8000/reconstruct
"""

from inspect_ai import Task

from inspect_autointerp.scorers.reconstruction.scorer import reconstruction as reconstruction_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task
from inspect_autointerp.vectors.rows import Side


@task
def reconstruction(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    reconstructor: str = "tokens",
    vector: Side = "decoder",
    vectors: str | None = None,
    others: int = 200,
    min_contexts: int = 20,
    window: int | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by reconstruction: a vector is made of it and compared with latents'.

    Arguments that are not listed here are as in `tasks.detection`.

    Args:
        reconstructor: `tokens` (the subject's own token vectors; needs torch), or the URL of an endpoint.
        vector: The latent's vector to compare with: `decoder` or `encoder`.
        vectors: A file of vectors (`autointerp export-vectors`), so that the coder is not loaded.
        others: Other latents to compare with, at most.
    """
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    scorer = reconstruction_scorer(reconstructor, vector, vectors, others)
    return score_task(data, explainer_solver(explainer, explanations, data), {"reconstruction": scorer})
