"""Several scores of the same explanations: each latent is explained once, and the explanation graded by each of them.

inspect eval tasks/multi_score.py --model openai/gpt-4o-mini -T grader=openai/gpt-4o-mini -T scores=detection,fuzzing
inspect eval tasks/multi_score.py --model openai/gpt-4o-mini -T suite=demo
"""

from dataclasses import replace
from inspect import signature
from typing import Any

from inspect_ai import Task
from inspect_ai.scorer import Scorer

from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.dataset import ask_for_foils
from inspect_autointerp.scorers import SCORERS
from inspect_autointerp.scorers.discrimination.lineups import check_source
from inspect_autointerp.scorers.intervention.foils import CHOICES
from inspect_autointerp.scorers.shared.ask import bound_grader_name
from inspect_autointerp.scorers.shared.judging_option import Judging
from inspect_autointerp.scorers.shared.score import SAMPLE_OPTIONS
from inspect_autointerp.scorers.shared.specs import SCORES, spec_of
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.suites.frozen_options import Fixed, fixed
from inspect_autointerp.tasks._task import check_judging, explainer_solver, open_latents, read_graders, score_task, task

_DEFAULTS = {"scores": "judged", "negatives": "random", "min_contexts": 20, "confidence": False, "seed": 0}


@task
def multi_score(
    store: str | None = None,
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
    texts_per_call: int | None = None,
    confidence: bool | None = None,
    judging: Judging | None = None,
    stop: str | list[str] | None = None,
    stop_mean: str | list[str] | None = None,
    concepts: bool | str | None = None,
    grader: str | None = None,
    graders: str | list[str] | None = None,
    reconstructor: str | None = None,
    seed: int | None = None,
) -> Task:
    """Explain latents once, and grade each explanation by several scores.

    Arguments that are not listed here are as in `tasks.detection`. None means the suite's value or, without a suite,
    the default of each score's own task; the same holds for options that only one score has.

    Args:
        suite: A named suite, or the path of its file. It fixes everything but the explainer, so that results can be
            compared with other people's; `autointerp suites` lists them. The store is the one that `autointerp prep
            --suite` made, or `store`. Other arguments must not contradict it. If `--model-role grader=…` names another
            grader than the suite's, the log is not an entry of the suite, and says so.
        scores: Names of scores, separated by commas, the log's headline first; or `judged` (the default): detection,
            fuzzing, simulation and intruder; or `all`. Some scores need more than a grader: a model in the role
            `likelihood` or `writer`, or the store's own subject with its weights; see their own tasks.
        test_activating: Activating contexts to grade on, by every score.
        test_nonactivating: Non-activating contexts of each kind to grade on, by every score.
        texts_per_call: Texts in one call to the grader, by every score.
        judging: As in `tasks.detection`, for detection, fuzzing and intruder; for other scores the grader writes.
        stop: As in `tasks.detection`, for detection and fuzzing; other scores grade everything.
        stop_mean: As in `tasks.detection`, for the mean of the first score.
        concepts: As in `tasks.detection`, for detection and fuzzing; other scores read the whole explanation.
        reconstructor: As in `tasks.reconstruction`, for the score reconstruction.
    """
    given = {
        name: value for name, value in locals().items() if name not in ("suite", "explainer", "explanations", "graders")
    }
    entry: Fixed | None = None
    several = read_graders(grader, graders)
    with one_line_errors():
        if suite is not None and graders is not None:
            raise UserError(
                f"graders={several}: a suite fixes its grader; --model-role grader=… grades with others, outside of it"
            )
        if suite is not None and judging is not None:
            raise UserError(f"judging={judging}: a suite fixes how the grader is asked; leave out one of the two")
        if suite is not None:
            entry = fixed(suite, given, bound_grader_name())
        options = _options(given, entry)
        names = score_names(options["scores"])
        if stop is not None and not any("stop" in signature(SCORERS[name]).parameters for name in names):
            raise UserError(f"stop={options['stop']}: none of the scores {', '.join(names)} labels contexts one by one")
        if judging is not None:
            if not any("judging" in signature(SCORERS[name]).parameters for name in names):
                raise UserError(f"judging={judging}: none of the scores {', '.join(names)} takes it")
            check_judging(judging, several)
        if concepts and not any("concepts" in signature(SCORERS[name]).parameters for name in names):
            raise UserError(f"concepts={concepts}: none of the scores {', '.join(names)} judges concepts one by one")
        if reconstructor is not None and "reconstruction" not in names:
            raise UserError(f"reconstructor={reconstructor}: reconstruction is not among the scores {', '.join(names)}")
        scorers = {name: _scorer(name, options) for name in names}
    data = open_latents(
        options.get("store"),
        options.get("hookpoint"),
        options.get("latents"),
        options["negatives"],
        options["min_contexts"],
        options.get("window"),
        options["seed"],
    )
    if "discrimination" in names:
        with one_line_errors():
            check_source(data.store, data.hookpoint, "neighbours")
    if "intervention" in names:
        ask_for_foils(data.samples, CHOICES - 1)
    if entry:
        data = replace(data, skipped=entry.drawn.skipped)
    grades = entry.grader if entry else several
    about = {"suite": entry.metadata} if entry else None
    solver = explainer_solver(explainer, explanations, data)
    return score_task(data, solver, scorers, grader=grades, about=about, stop=stop, stop_mean=stop_mean)


def score_names(scores: str | list[str]) -> list[str]:
    """Read `-T scores=…`.

    Raises:
        UserError: A name is unknown or occurs twice, or there is none.
    """
    text = ",".join(str(name) for name in scores) if isinstance(scores, list) else str(scores)
    judged = [name for name, spec in SCORES.items() if spec.judged and spec.needs == ("grader",)]
    groups = {"judged": judged, "all": list(SCORES)}
    names = groups.get(text, [name.strip() for name in text.split(",") if name.strip()])
    unknown = [name for name in names if spec_of(name) is None]
    if unknown or not names or len(set(names)) < len(names):
        raise UserError(
            f"scores={text}: give judged, all, or some of {', '.join(SCORES)}, each once, separated by commas"
        )
    return names


def _options(given: dict[str, Any], entry: Fixed | None) -> dict[str, Any]:
    """Return what was given, else what the suite says, else the defaults; without what none of them says."""
    options = given | (entry.options if entry else {})
    return _DEFAULTS | {name: value for name, value in options.items() if value is not None}


def _scorer(name: str, options: dict[str, Any]) -> Scorer:
    """Return a score's scorer, with those of the options that it takes and that the samples do not say."""
    make = SCORERS[name]
    arguments = {key.removeprefix("test_"): value for key, value in options.items()}
    taken = signature(make).parameters.keys() - SAMPLE_OPTIONS.keys() - {"store"}
    return make(**{key: value for key, value in arguments.items() if key in taken})
