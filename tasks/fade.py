"""FADE: clarity, responsiveness, purity and faithfulness of explanations.

inspect eval tasks/fade.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.fade.scorer import fade as fade_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


@task
def fade(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 100,
    test_nonactivating: int = 100,
    texts: int = 10,
    steered_prompts: int = 20,
    new_tokens: int = 30,
    texts_per_call: int = 10,
    subject: bool = True,
    min_contexts: int = 20,
    window: int | None = None,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by FADE's four numbers (arXiv 2502.16994).

    The model role `writer` writes texts, and the role `grader` rates texts; by default the explainer does both. Clarity
    and faithfulness run the store's own subject and coder, and are undefined where these cannot be loaded. Arguments
    that are not listed here are as in `tasks.detection`.

    Args:
        texts: Number of texts that the writer is asked for, for clarity.
        steered_prompts: Number of random contexts that the steered subject continues, for faithfulness.
        new_tokens: Number of tokens that it writes.
        texts_per_call: Texts in one call to the grader.
        subject: Run the subject; without it, clarity and faithfulness are undefined.
    """
    with one_line_errors():
        numbers = (texts, min(3, texts), steered_prompts, new_tokens, texts_per_call, subject)
        scorer = fade_scorer(test_activating, test_nonactivating, *numbers)
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    return score_task(data, explainer_solver(explainer, explanations, data), {"fade": scorer}, grader=grader)
