"""Fuzzing: does the explanation tell the tokens on which the latent fires from others?

inspect eval tasks/fuzzing.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o-mini -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing as fuzzing_scorer
from inspect_autointerp.scorers.shared.judging_option import Judging
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import check_judging, explainer_solver, open_latents, read_graders, score_task, task
from inspect_autointerp.text.render import THRESHOLD


@task
def fuzzing(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 100,
    test_nonactivating: int = 100,
    test_mismarked: int = 50,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    texts_per_call: int = 5,
    confidence: bool = False,
    threshold: float = THRESHOLD,
    judging: Judging = "answer",
    stop: str | list[str] | None = None,
    stop_mean: str | list[str] | None = None,
    concepts: bool | str = False,
    grader: str | None = None,
    graders: str | list[str] | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by fuzzing (arXiv 2410.13928, §3.3.2).

    Arguments that are not listed here are as in `tasks.detection`.

    Args:
        test_activating: Activating contexts to grade on, with the activating tokens marked.
        test_nonactivating: Contexts of each kind on which the latent is silent, with marks on tokens.
        test_mismarked: More activating contexts, with marks on tokens on which the latent is silent. If there are
            too few activating contexts for both kinds, both are reduced in proportion.
        min_contexts: As in detection. With fewer mismarked contexts, the statistics against them are undefined.
        threshold: Smallest share of the context's maximum at which a token counts as activating, in (0, 1].
    """
    judges = read_graders(grader, graders)
    with one_line_errors():
        scorer = fuzzing_scorer(
            test_activating,
            test_nonactivating,
            test_mismarked,
            texts_per_call,
            confidence,
            threshold,
            judging,
            stop,
            concepts,
        )
        check_judging(judging, judges)
    data = open_latents(store, hookpoint, latents, negatives, min_contexts, window, seed)
    hard = [*data.kinds[1:], *(["mismarked"] if test_mismarked else [])]
    solver = explainer_solver(explainer, explanations, data)
    return score_task(data, solver, {"fuzzing": scorer}, grader=judges, hard=hard, stop=stop, stop_mean=stop_mean)
