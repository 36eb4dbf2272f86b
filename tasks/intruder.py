"""Intruder: do the contexts on which a latent is active belong together? It measures the latent, not an explanation.

inspect eval tasks/intruder.py --model openai/gpt-4o-mini -T store=DIR
"""

from inspect_ai import Task, task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.intruder.scorer import intruder as intruder_scorer
from inspect_autointerp.solvers.no_explanation import unexplained
from inspect_autointerp.tasks._task import open_latents, score_task
from inspect_autointerp.text.render import THRESHOLD


@task
def intruder(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    questions: int = 5,
    min_contexts: int = 20,
    window: int | None = None,
    threshold: float = THRESHOLD,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Ask of four contexts of a latent and one of another which does not belong (arXiv 2507.08473); chance is 0.2.

    Nothing is explained. The accuracy says how far a latent's contexts show by themselves what they share, and so how
    much of an explanation's low score is the latent's fault. With the same latents, seed and `min_contexts` the latents
    are those of the other tasks.

    Arguments without a word here are as in `tasks.detection`.

    Args:
        questions: Per decile, at most: each takes five activating contexts that no other takes. In a store that samples
            128 windows per latent and split, prep's default, there are enough for 2, and in one of 256 for 5.
        min_contexts: A latent with fewer activating or random contexts is skipped and counted in the log. One without
            five contexts in any decile (41 in all are enough) is unscored.
        grader: The model that answers; `--model-role grader=…` wins. Without either it is the main model.
        threshold: A token counts as activating from this share of its context's maximum on, above 0 and up to 1.
    """
    with one_line_errors():
        scorer = intruder_scorer(questions, threshold)
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    return score_task(data, unexplained(), {"intruder": scorer}, grader=grader)
