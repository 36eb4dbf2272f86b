"""Several scores of the same explanations: each latent is explained once, and the explanation graded by each of them.

inspect eval tasks/suite.py --model openai/gpt-4o-mini -T grader=openai/gpt-4o-mini -T scores=detection,fuzzing
inspect eval tasks/suite.py --model openai/gpt-4o-mini -T suite=demo
"""

from dataclasses import replace
from inspect import signature
from typing import Any

from inspect_ai import Task, task
from inspect_ai.model import Model, model_roles

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.evaluation import latent_task, one_line_errors
from inspect_autointerp.scorers.detection.scorer import detection
from inspect_autointerp.scorers.embedding.scorer import embedding
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing
from inspect_autointerp.scorers.generation.scorer import generation
from inspect_autointerp.scorers.intervention.scorer import intervention
from inspect_autointerp.scorers.intruder.scorer import intruder
from inspect_autointerp.scorers.shared.ask import grader as bound_grader
from inspect_autointerp.scorers.simulation.scorer import simulation
from inspect_autointerp.scorers.surprisal.scorer import surprisal
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.suites.frozen_options import Fixed, fixed
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
_DEFAULTS = {"scores": "judged", "negatives": "random", "min_contexts": 20, "confidence": False, "seed": 0}


@task
def suite(
    contexts: str | None = None,
    suite: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    scores: str | list[str] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int | None = None,
    test_nonactivating: int | None = None,
    negatives: str | list[str] | None = None,
    min_contexts: int | None = None,
    window: int | None = None,
    shown: int | None = None,
    confidence: bool | None = None,
    grader: str | None = None,
    seed: int | None = None,
) -> Task:
    """Explain latents once, and grade each explanation by several scores.

    Arguments without a word here are as in `tasks.detection`; None stands for what the suite says, and without one for
    the default of each score's own task, and so do options that only one score has.

    Args:
        suite: A named suite, or the path of its file: it fixes everything but the explainer, so that its rows compare
            with other people's; `autointerp suites` lists them. The store is the one that `autointerp prep --suite`
            made, or `contexts`. What else is given beside it must not contradict it. With `--model-role grader=…` of
            another grader the log is no entry of the suite, and says so.
        scores: Names of `SCORES` with commas between, the one that heads the log first; or `judged`, those that take
            nothing but a grader (the default); or `all`. Surprisal and intervention ask the model role `likelihood`,
            intervention and generation run the store's own subject, whose weights have to be at hand, and generation
            has the model role `writer` write: see their own tasks.
        test_activating: Activating contexts to grade on, by every score.
        test_nonactivating: Non-activating contexts of each kind to grade on, by every score.
        shown: Texts per call to the grader, by every score.
    """
    given: dict[str, Any] = {
        "contexts": contexts,
        "hookpoint": hookpoint,
        "latents": latents,
        "scores": scores,
        "test_activating": test_activating,
        "test_nonactivating": test_nonactivating,
        "negatives": negatives,
        "min_contexts": min_contexts,
        "window": window,
        "shown": shown,
        "confidence": confidence,
        "seed": seed,
    }
    of: Fixed | None = None
    grades: str | Model | None = grader
    with one_line_errors():
        if suite is not None:
            role = bound_grader()[1] if model_roles().get("grader") else None
            of = fixed(suite, given | {"grader": grader}, role)
            given |= of.options
            grades = of.grader
        options = _DEFAULTS | {name: value for name, value in given.items() if value is not None}
        names = score_names(options["scores"])
    what = explained(
        options.get("contexts"),
        hookpoint=options.get("hookpoint"),
        latents=options.get("latents"),
        explainer=explainer,
        explanations=explanations,
        negatives=options["negatives"],
        min_contexts=options["min_contexts"],
        window=options.get("window"),
        seed=options["seed"],
    )
    for_scorers = {name.removeprefix("test_"): value for name, value in options.items()}
    for_scorers |= {"contexts": what.folder, "negatives": ",".join(what.kinds)}
    scorers = []
    for name in names:
        scorer, _ = SCORES[name]
        scorers.append(scorer(**{key: for_scorers[key] for key in signature(scorer).parameters if key in for_scorers}))
    shown_columns = {name: [SCORES[name][1], "unscored"] for name in names}
    data, about = what.data, None
    if of is not None:
        data, about = replace(data, skipped=of.drawn.skipped), {"suite": of.metadata}
    return latent_task(data, what.solver, scorers, shown=shown_columns, grader=grades, about=about)


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
