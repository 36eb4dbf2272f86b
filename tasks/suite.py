"""Several scores of the same explanations: each latent is explained once, and the explanation graded by each of them.

inspect eval tasks/suite.py --model openai/gpt-4o-mini -T grader=openai/gpt-4o-mini -T scores=detection,fuzzing
"""

from inspect import signature

from inspect_ai import Task, task

from inspect_autointerp.errors import UserError
from inspect_autointerp.evaluation import latent_task, one_line_errors
from inspect_autointerp.scorers.detection import detection
from inspect_autointerp.scorers.embedding import embedding
from inspect_autointerp.scorers.fuzzing import fuzzing
from inspect_autointerp.scorers.generation import generation
from inspect_autointerp.scorers.intervention import intervention
from inspect_autointerp.scorers.intruder import intruder
from inspect_autointerp.scorers.simulation import simulation
from inspect_autointerp.scorers.surprisal import surprisal
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._explained import explained

SCORES = {
    "detection": (detection, "balanced_accuracy"),
    "fuzzing": (fuzzing, "balanced_accuracy"),
    "simulation": (simulation, "correlation"),
    "embedding": (embedding, "auroc"),
    "intruder": (intruder, "accuracy"),
    "surprisal": (surprisal, "auroc"),
    "intervention": (intervention, "effect"),
    "generation": (generation, "balanced_accuracy"),
}
"""The scorers by name, and the statistic of each that heads it."""
JUDGED = ("detection", "fuzzing", "simulation", "intruder")
"""Those that take nothing but a grader."""


@task
def suite(
    contexts: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    scores: str | list[str] = "judged",
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int | None = None,
    test_nonactivating: int | None = None,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    shown: int | None = None,
    confidence: bool = False,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents once, and grade each explanation by several scores.

    Arguments without a word here are as in `tasks.detection`; None stands for the default of each score's own task, and
    so do options that only one score has.

    Args:
        scores: Names of `SCORES` with commas between, the one that heads the log first; or `judged`, those that take
            nothing but a grader; or `all`. Surprisal and intervention ask the model role `likelihood`, intervention and
            generation run the store's own subject, whose weights have to be at hand, and generation has the model role
            `writer` write: see their own tasks.
        test_activating: Activating contexts to grade on, by every score.
        test_nonactivating: Non-activating contexts of each kind to grade on, by every score.
        shown: Texts per call to the grader, by every score.
    """
    with one_line_errors():
        names = score_names(scores)
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
    options = {
        "contexts": what.folder,
        "activating": test_activating,
        "nonactivating": test_nonactivating,
        "negatives": ",".join(what.kinds),
        "min_contexts": min_contexts,
        "window": window,
        "shown": shown,
        "confidence": confidence,
        "seed": seed,
    }
    given = {name: value for name, value in options.items() if value is not None}
    scorers = []
    for name in names:
        scorer, _ = SCORES[name]
        scorers.append(scorer(**{key: given[key] for key in signature(scorer).parameters if key in given}))
    shown_columns = {name: [SCORES[name][1], "unscored"] for name in names}
    return latent_task(what.data, what.solver, scorers, shown=shown_columns, grader=grader)


def score_names(scores: str | list[str]) -> list[str]:
    """Read `-T scores=…`.

    Raises:
        UserError: A name is unknown or stands twice, or there is none.
    """
    text = scores if isinstance(scores, str) else ",".join(scores)
    groups = {"judged": list(JUDGED), "all": list(SCORES)}
    names = groups.get(text, [name.strip() for name in text.split(",") if name.strip()])
    unknown = [name for name in names if name not in SCORES]
    if unknown or not names or len(set(names)) < len(names):
        known = ", ".join(SCORES)
        raise UserError(f"scores={text}: give judged, all, or some of {known}, each once, with commas between")
    return names
