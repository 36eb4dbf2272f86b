"""The task builder that every task of this package uses; Inspect passes over files whose names begin with `_`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from inspect_ai import Task
from inspect_ai.log import HeadlineMetric
from inspect_ai.model import Model, model_roles
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Solver
from inspect_ai.viewer import SampleScoreView, ScoreColorScale, TaskSamplesColumn, TaskSamplesView, ViewerConfig

from inspect_autointerp import __version__
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.inspect_support.dataset import LatentDataset, give_donors, latent_dataset
from inspect_autointerp.inspect_support.identical_warning import warn_of_identical
from inspect_autointerp.inspect_support.interruption_advice import advise_at_run_end
from inspect_autointerp.inspect_support.logprob_support import forget_at_run_end
from inspect_autointerp.inspect_support.unscored_warning import warn_of_unscored
from inspect_autointerp.models.likelihood.role import likelihood_name
from inspect_autointerp.models.shared_engines import release_at_task_end
from inspect_autointerp.scorers.shared.specs import SCORES, ScoreSpec, chance_of
from inspect_autointerp.scorers.shared.stop_at_mean import stop_at_mean
from inspect_autointerp.sharded.worker_hooks import serve_sweep
from inspect_autointerp.solvers.explainers import Explainer, name_of
from inspect_autointerp.solvers.explainers import explainer as solver_named
from inspect_autointerp.text.streams import accept_any_text

INTERFACE = "A"
"""The letter of all tasks' versions, as in Inspect Evals (`2-A`): changes when an argument is renamed or removed."""
TAGS = ["interpretability", "automated interpretability", "sparse autoencoders"]
"""Tags of every task, the same as in eval.yaml beside this file."""


def open_latents(
    store: str | None,
    hookpoint: str | None,
    latents: object,
    negatives: str | Sequence[str],
    min_contexts: int,
    window: int | None,
    seed: int,
) -> LatentDataset:
    """Open the latents to evaluate: the store as `locate` finds it, the others see `latent_dataset`."""
    with one_line_errors():
        return latent_dataset(
            locate(store),
            hookpoint=hookpoint,
            latents=latents,
            negatives=negatives,
            min_contexts=min_contexts,
            window=window,
            seed=seed,
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
    grader: str | Model | None = None,
    hard: Sequence[str] | None = None,
    about: Mapping[str, Any] | None = None,
    stop_mean: str | Sequence[str] | None = None,
) -> Task:
    """Return the Inspect task over these latents.

    The explainer is Inspect's main model; with no model at all it is the lexical baseline (`default_model`). The
    grader is bound as a role, which the log records.

    Args:
        data: The latents.
        solver: What produces an explanation.
        scorers: By their names in `SCORES`, the one that heads the log first.
        grader: The grading model; None for the role's own, or the explainer.
        hard: Kinds of negatives whose statistics the viewer shows; those of the latents by default.
        about: What else the log's metadata says.
        stop_mean: When the mean of the first score is known well enough, see `stop_at_mean`.
    """
    accept_any_text()
    warn_of_unscored()
    warn_of_identical()
    release_at_task_end()
    forget_at_run_end()
    advise_at_run_end()
    serve_sweep()
    specs = {name: SCORES[name] for name in scorers}
    kinds = data.kinds[1:] if hard is None else hard
    shown = {name: list(spec.columns_shown(kinds)) for name, spec in specs.items()}
    if len(shown) > 1:
        shown = {name: [spec.headline, "unscored"] for name, spec in specs.items()}
    first = next(iter(specs))
    with one_line_errors():
        judge = _grader_note(list(specs.values()), grader)
        stopping = stop_at_mean(stop_mean, first, data)
    return Task(
        dataset=data.samples,
        solver=solver,
        scorer=list(scorers.values()),
        version=task_version(specs.values()),
        tags=TAGS,
        model_roles={"grader": grader} if grader else None,
        headline_metric=HeadlineMetric(scorer=first, metric="mean"),
        viewer=_viewer(shown),
        early_stopping=stopping,
        metadata={
            "store": data.store.digest,
            "subject": data.store.manifest.subject,
            "coder": data.store.at(data.hookpoint).entry.coder,
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


def _grader_note(specs: Collection[ScoreSpec], grader: str | Model | None) -> str:
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


def _viewer(shown: Mapping[str, Sequence[str]]) -> ViewerConfig:
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
                *(TaskSamplesColumn.score(score, key) for score, statistics in shown.items() for key in statistics),
                TaskSamplesColumn(id="input", visible=False),
                TaskSamplesColumn(id="target", visible=False),
            ],
            score_color_scales=scales,
            color_scales_enabled=True,
            multiline=False,
        ),
        sample_score_view=SampleScoreView(default="grid"),
    )
