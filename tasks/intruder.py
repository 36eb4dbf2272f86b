"""Intruder: do the contexts on which a latent is active belong together? It measures the latent, not an explanation.

inspect eval tasks/intruder.py --model openai/gpt-4o-mini -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.intruder.scorer import intruder as intruder_scorer
from inspect_autointerp.scorers.shared.judging_option import Judging
from inspect_autointerp.solvers.no_explanation import unexplained
from inspect_autointerp.tasks._task import check_judging, open_latents, score_task, task
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
    judging: Judging = "answer",
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Ask which of five contexts belongs to another latent than the four others (arXiv 2507.08473); chance is 0.2.

    Nothing is explained. The accuracy measures how clearly a latent's contexts show what they share, so it tells how
    much of an explanation's low score is due to the latent. With the same latents, seed and `min_contexts`, the latents
    are the same as in the other tasks.

    Arguments that are not listed here are as in `tasks.detection`.

    Args:
        questions: Most questions per decile. Each uses five activating contexts that no other uses. A store with
            128 sampled windows per latent and split, prep's default, has enough for 2, one with 256 for 5.
        min_contexts: A latent with fewer activating or random contexts is skipped and counted in the log. One without
            five contexts in any decile (41 in all are enough) is unscored.
        judging: As in `tasks.detection`, without `tuning`: no threshold is needed.
        grader: The model that answers; `--model-role grader=…` wins. Without either it is the main model.
        threshold: Smallest share of the context's maximum at which a token counts as activating, in (0, 1].
    """
    with one_line_errors():
        scorer = intruder_scorer(questions, threshold, judging)
        check_judging(judging, grader)
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    return score_task(data, unexplained(), {"intruder": scorer}, grader=grader)
