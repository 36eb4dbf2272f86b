"""Discrimination: given the explanation, can a grader find its latent among the nearest neighbours, by their contexts?

inspect eval tasks/discrimination.py --model openai/gpt-4o-mini -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.discrimination.lineups import check_source, check_texts
from inspect_autointerp.scorers.discrimination.scorer import discrimination as discrimination_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


@task
def discrimination(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    questions: int = 10,
    candidates: str = "neighbours",
    others: int = 4,
    texts: int = 4,
    marks: bool = True,
    min_contexts: int = 20,
    window: int | None = None,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and ask which of several latents an explanation describes.

    Args (others as in `tasks.detection`):
        questions: Most questions about a latent. Each shows other test contexts of the same candidates.
        candidates: `neighbours`, the latents with the most similar directions; or `random`, any latents.
        others: Candidates beside the explained latent, 1 to 8. Chance is 1 / (others + 1).
        texts: Contexts of each candidate in a question.
        marks: Mark the tokens on which a candidate fires.
    """
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    with one_line_errors():
        scorer = discrimination_scorer(questions, candidates, others, texts, marks)
        check_source(data.store, data.hookpoint, candidates)
        check_texts(data.store, (str(sample.id) for sample in data.samples), texts)
    return score_task(data, explainer_solver(explainer, explanations, data), {"discrimination": scorer}, grader=grader)
