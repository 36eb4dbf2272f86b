"""The task builder that every task of this package uses; Inspect passes over files whose names begin with `_`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec

import anyio
import inspect_ai
from inspect_ai import Task
from inspect_ai.log import HeadlineMetric
from inspect_ai.model import Model, model_roles
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Solver
from inspect_ai.viewer import SampleScoreView, ScoreColorScale, TaskSamplesColumn, TaskSamplesView, ViewerConfig

from inspect_autointerp import __version__
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.argument_types import check_arguments, check_bounds
from inspect_autointerp.inspect_support.dataset import LatentDataset, give_donors, latent_dataset
from inspect_autointerp.inspect_support.identical_warning import warn_of_identical
from inspect_autointerp.inspect_support.interruption_advice import advise_at_run_end
from inspect_autointerp.inspect_support.logprob_support import forget_at_run_end
from inspect_autointerp.inspect_support.unscored_warning import warn_of_unscored
from inspect_autointerp.inspect_support.values_at_end import keep_values_at_task_end
from inspect_autointerp.inspect_support.verdicts import IMPORTANCE
from inspect_autointerp.latent import join_hookpoints, split_hookpoints
from inspect_autointerp.models.likelihood.role import is_served, likelihood_name
from inspect_autointerp.models.shared_engines import release_at_task_end
from inspect_autointerp.scorers.shared.ask import bound_graders, check_graders, graders
from inspect_autointerp.scorers.shared.judging_option import Judging, read_judging
from inspect_autointerp.scorers.shared.specs import SCORES, ScoreSpec, chance_of
from inspect_autointerp.scorers.shared.stop_at_mean import stop_at_mean
from inspect_autointerp.sharded.worker_hooks import serve_sweep
from inspect_autointerp.solvers.explainers import Explainer, name_of
from inspect_autointerp.solvers.explainers import explainer as solver_named
from inspect_autointerp.store.halves import read_half
from inspect_autointerp.text.streams import accept_any_text

INTERFACE = "A"
"""The letter of all tasks' versions, as in Inspect Evals (`2-A`): changes when an argument is renamed or removed."""
TAGS = ["interpretability", "automated interpretability", "sparse autoencoders"]
"""Tags of every task, the same as in eval.yaml beside this file."""

P = ParamSpec("P")


def task(function: Callable[P, Task]) -> Callable[P, Task]:
    """Register an Inspect task whose arguments are checked by their annotations when it is called."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Task:
        with one_line_errors():
            given = signature(function).bind(*args, **kwargs).arguments
            check_arguments(function, given)
            check_bounds(given)
        return function(*args, **kwargs)

    return inspect_ai.task(checked)


def open_latents(
    store: str | None,
    hookpoint: str | None,
    latents: object,
    negatives: str | Sequence[str],
    min_contexts: int,
    window: int | None,
    seed: int,
) -> LatentDataset:
    """Open the latents to evaluate.

    The store is as `locate` finds it, or `STORE#1/2` for a half of its documents; the others see `latent_dataset`.
    """
    with one_line_errors():
        whole, half = read_half(store)
        return latent_dataset(
            locate(whole),
            hookpoint=hookpoint,
            latents=latents,
            negatives=negatives,
            min_contexts=min_contexts,
            window=window,
            seed=seed,
            half=half,
        )


def explainer_solver(explainer: Explainer, explanations: str | None, data: LatentDataset) -> Solver:
    """Return what explains the latents; the arguments are those of `tasks.detection`."""
    with one_line_errors():
        if name_of(explainer) == "shuffled" and explanations is None:
            give_donors(data.samples, data.seed)
        return solver_named(explainer, explanations, data.seed, data.store, data.hookpoint)


def score_task(
    data: LatentDataset,
    solver: Solver,
    scorers: Mapping[str, Scorer],
    *,
    grader: str | Model | Sequence[str] | None = None,
    hard: Sequence[str] | None = None,
    about: Mapping[str, Any] | None = None,
    stop: str | Sequence[str] | None = None,
    stop_mean: str | Sequence[str] | None = None,
) -> Task:
    """Return the Inspect task over these latents.

    The explainer is Inspect's main model; with no model at all it is the lexical baseline (`default_model`). The
    grader is bound as a role, which the log records.

    Args:
        data: The latents.
        solver: What produces an explanation.
        scorers: By their names in `SCORES`, the one that heads the log first.
        grader: The grading model, or several (`read_graders`); None for the role's own, or the explainer.
        hard: Kinds of negatives whose statistics the viewer shows; those of the latents by default.
        about: What else the log's metadata says.
        stop: When a latent's contexts are graded well enough; the scorers know it, here it is checked.
        stop_mean: When the mean of the first score is known well enough, see `stop_at_mean`.
    """
    accept_any_text()
    warn_of_identical()
    release_at_task_end()
    forget_at_run_end()
    keep_values_at_task_end()
    advise_at_run_end()
    serve_sweep()
    specs = {name: SCORES[name] for name in scorers}
    warn_of_unscored({name: spec.headline for name, spec in specs.items()})
    places = split_hookpoints(data.hookpoint)
    kinds = data.kinds[1:] if hard is None else hard
    shown = {name: list(spec.columns_shown(kinds)) for name, spec in specs.items()}
    together = _shown_together(specs) if len(specs) > 1 else None
    first = next(iter(specs))
    with one_line_errors():
        check_several(list(specs.values()), grader, stop)
        if stop is not None and IMPORTANCE in data.kinds:
            raise UserError(
                f"stop and negatives={IMPORTANCE} do not go together: weights need all drawn contexts; give one"
            )
        judge = _grader_note(list(specs.values()), grader)
        stopping = stop_at_mean(stop_mean, first, data)
    return Task(
        dataset=data.samples,
        solver=solver,
        scorer=list(scorers.values()),
        version=task_version(specs.values()),
        tags=TAGS,
        model_roles={"grader": grader if isinstance(grader, str | Model) else list(grader)} if grader else None,
        headline_metric=HeadlineMetric(scorer=first, metric="mean"),
        viewer=_viewer(shown, together),
        early_stopping=stopping,
        metadata={
            "store": data.store.digest,
            "subject": data.store.manifest.subject,
            "coder": join_hookpoints(list(dict.fromkeys(data.store.at(name).entry.coder for name in places))),
            "hookpoint": data.hookpoint,
            "latents_skipped": data.skipped,
            "grader": judge,
            "scores": [spec.version for spec in specs.values()],
            "inspect_autointerp": __version__,
            **({"stop_mean": str(stopping.rule)} if stopping else {}),
            **(about or {}),
        },
    )


def task_version(specs: Iterable[ScoreSpec]) -> str:
    """Return a task's version, `N-X`: logs of two numbers do not compare, and X is the version of the arguments.

    N is the sum of the numbers of the scores' versions, so it grows whenever one of them does.
    """
    return f"{sum(int(spec.version.rpartition('/')[2]) for spec in specs)}-{INTERFACE}"


def read_graders(grader: str | None, graders: str | Sequence[str] | None) -> str | list[str] | None:
    """Read `-T grader=…` and `-T graders=…`.

    Returns:
        One grader's name, the names of several, or None where none is given.

    Raises:
        UserError: Both are given, a name is empty, or no aggregate can be made of these graders.
    """
    if graders is None:
        return grader
    with one_line_errors():
        names = graders.split(",") if isinstance(graders, str) else [str(name) for name in graders]
        names = [name.strip() for name in names]
        if grader is not None:
            raise UserError(f"grader={grader} and graders={','.join(names)}: give one of the two")
        if not all(names):
            raise UserError(f"graders={','.join(names)}: a name is empty; give models, separated by commas")
        check_graders(names)
    return names if len(names) > 1 else names[0]


def check_judging(judging: Judging, grader: str | Sequence[str] | None) -> None:
    """Check that the graders can be judged with as `-T judging=…` says; the bound role goes before `grader`.

    Without either it is the main model. While no evaluation runs, that is not known, or is what the last call of
    `eval_set` left behind: it is checked when it is first asked.

    Raises:
        UserError: One returns no log-probabilities of what it is given; or there is no such way of judging.
    """
    if read_judging(judging) is None:
        return
    from inspect_autointerp.inspect_support.compat import active_model

    named = [str(model) for model in bound_graders()] or ([grader] if isinstance(grader, str) else grader or [])
    main = active_model() if _is_evaluating() else None
    for name in named or ([] if main is None else [str(main)]):
        is_served(name, "grader")


def _is_evaluating() -> bool:
    """Return whether Inspect makes the task for an evaluation that has begun."""
    try:
        anyio.get_current_task()
    except RuntimeError:
        return False
    return True


def check_several(
    specs: Collection[ScoreSpec],
    grader: str | Model | Sequence[str] | None,
    stop: str | Sequence[str] | None = None,
) -> None:
    """Check that the scores can be graded by as many graders as there are; the bound role goes before `grader`.

    Raises:
        UserError: There are several, and a score asks one, or grading is to stop; or no aggregate can be made of them.
    """
    bound = bound_graders()
    n = len(bound) or (1 if grader is None or isinstance(grader, str | Model) else len(grader))
    if n == 1:
        return
    if bound:
        graders()
    if stop is not None:
        raise UserError(
            f"stop and {n} graders do not go together: a rule reads the labels of one grader; give one of the two"
        )
    alone = [spec.title for spec in specs if "grader" in spec.needs and not spec.several_graders]
    if alone:
        can = ", ".join(spec.title for spec in SCORES.values() if spec.several_graders)
        raise UserError(f"{n} graders: {', '.join(alone)} asks one; give one grader, or only scores of {can}")


def _grader_note(specs: Collection[ScoreSpec], grader: str | Model | Sequence[str] | None) -> str:
    """Return what the log says of who grades.

    Raises:
        UserError: A likelihood model is needed, and the role is bound to one that cannot be used.
    """
    needs = {need for spec in specs for need in spec.needs}
    if "likelihood" in needs:
        likelihood = likelihood_name()
        if "grader" not in needs:
            return f"none: {likelihood} says how probable texts are"
    if "grader" not in needs:
        return "none: the subject decides, on texts by the writer" if "writer" in needs else "none: no model is asked"
    if grader or model_roles().get("grader"):
        return "the role `grader`"
    if all(spec.explained for spec in specs):
        return "none given: the explainer grades itself"
    return "none given: the main model, which explains nothing, grades"


def _shown_together(specs: Mapping[str, ScoreSpec]) -> dict[str, list[str]]:
    """Return the statistics that the list shows where it has several scores, and of which scores, in order.

    Inspect titles a column by its statistic alone, so scores with one statistic have columns with one title. Only
    headlines are shown, and each of all scores that have it: else its title would be wrong of a column that a reader
    adds.
    """
    headlines = dict.fromkeys(spec.headline for spec in specs.values())
    return {key: [name for name, spec in specs.items() if key in spec.keys] for key in headlines}


def _title(scores: Sequence[str]) -> str:
    """Return the title of the columns of one statistic: `simulation`, or `det, fuz`, in the order of the columns.

    Inspect cuts titles at about 14 characters.
    """
    return scores[0] if len(scores) == 1 else ", ".join(score[:3] for score in scores)


def _viewer(shown: Mapping[str, Sequence[str]], together: Mapping[str, Sequence[str]] | None = None) -> ViewerConfig:
    columns = [(score, key) for score, statistics in shown.items() for key in statistics]
    labels = None
    if together:
        columns = [(score, key) for key, scores in together.items() for score in scores]
        labels = {key: _title(scores) for key, scores in together.items()}
    scales = {
        key: ScoreColorScale(palette="good-high", min=chance_of(key), max=1)
        for statistics in shown.values()
        for key in statistics
    }
    bad = ScoreColorScale(palette="good-low", min=0, max=1)
    scales |= dict.fromkeys(("unscored", "constant", "same_labels"), bad)
    return ViewerConfig(
        task_samples_view=TaskSamplesView(
            name="Latents",
            columns=[
                TaskSamplesColumn(id="sampleId"),
                TaskSamplesColumn(id="answer"),
                *(TaskSamplesColumn.score(score, key) for score, key in columns),
                TaskSamplesColumn(id="input", visible=False),
                TaskSamplesColumn(id="target", visible=False),
            ],
            score_labels=labels,
            score_color_scales=scales,
            color_scales_enabled=True,
            multiline=False,
        ),
        sample_score_view=SampleScoreView(default="grid"),
    )
