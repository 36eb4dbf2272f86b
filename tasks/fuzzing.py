"""Fuzzing: does the explanation tell the tokens on which the latent fires from others?

inspect eval tasks/fuzzing.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o-mini -T contexts=DIR
"""

from inspect_ai import Task, task

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.evaluation import latent_task, one_line_errors
from inspect_autointerp.scorers.fuzzing.marks import MISMARKED
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing as fuzzing_scorer
from inspect_autointerp.scorers.shared.score import columns
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._explained import explained
from inspect_autointerp.text.render import THRESHOLD


@task
def fuzzing(
    contexts: str | None = None,
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
    shown: int = 5,
    confidence: bool = False,
    grader: str | None = None,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by fuzzing (arXiv 2410.13928, §3.3.2).

    Arguments without a word here are as in `tasks.detection`.

    Args:
        test_activating: Activating contexts to grade on, with the activating tokens marked.
        test_nonactivating: Contexts of each kind on which the latent is silent, with marks on tokens.
        test_mismarked: Further activating contexts, with marks on tokens on which the latent is silent. Where there are
            too few activating contexts for both, both get less in proportion.
        min_contexts: Below this many mismarked contexts, too, their score is undefined.
        threshold: A token counts as activating from this share of its context's maximum on, above 0 and up to 1.
    """
    with one_line_errors():
        if not 0 < threshold <= 1:
            raise UserError(f"threshold={threshold}: a share of a context's maximum lies above 0 and is 1 at most")
        if test_activating < 1:
            raise UserError(f"test_activating={test_activating}: right marks are needed, and wrong ones are like them")
    what = explained(
        contexts,
        hookpoint=hookpoint,
        latents=latents,
        explainer=explainer,
        explanations=explanations,
        negatives=negatives,
        min_contexts=min_contexts,
        window=window,
        seed=seed,
    )
    scorer = fuzzing_scorer(
        what.folder,
        activating=test_activating,
        nonactivating=test_nonactivating,
        mismarked=test_mismarked,
        shown=shown,
        confidence=confidence,
        seed=seed,
        window=window,
        negatives=",".join(what.kinds),
        min_contexts=min_contexts,
        threshold=threshold,
    )
    apart = [*what.kinds[1:], *([MISMARKED] if test_mismarked else [])]
    return latent_task(what.data, what.solver, scorer, shown={"fuzzing": columns(apart)}, grader=grader)
