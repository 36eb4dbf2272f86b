"""Intruder: do the contexts on which a latent is active belong together? It measures the latent, not an explanation.

inspect eval tasks/intruder.py --model openai/gpt-4o-mini -T contexts=DIR
"""

from inspect_ai import Task, task

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.evaluation import MAIN_GRADES, latent_task, one_line_errors, open_dataset
from inspect_autointerp.scorers.intruder.scorer import KEYS
from inspect_autointerp.scorers.intruder.scorer import intruder as intruder_scorer
from inspect_autointerp.solvers.no_explanation import unexplained
from inspect_autointerp.text.render import THRESHOLD


@task
def intruder(
    contexts: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    questions: int = 5,
    min_contexts: int = 20,
    window: int | None = None,
    grader: str | None = None,
    threshold: float = THRESHOLD,
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
        if not 0 < threshold <= 1:
            raise UserError(f"threshold={threshold}: a share of a context's maximum lies above 0 and is 1 at most")
        if questions < 1:
            raise UserError(f"questions={questions}: at least one per decile is needed")
    data = open_dataset(
        contexts, hookpoint=hookpoint, latents=latents, min_contexts=min_contexts, seed=seed, window=window
    )
    scorer = intruder_scorer(str(data.store.folder), questions=questions, seed=seed, window=window, threshold=threshold)
    return latent_task(data, unexplained(), scorer, shown={"intruder": KEYS}, grader=grader, unbound=MAIN_GRADES)
