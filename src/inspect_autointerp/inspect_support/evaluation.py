"""What every task does alike: open the contexts, bind the grader, say in the log what was compared with what."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from inspect_ai import Task
from inspect_ai.log import HeadlineMetric
from inspect_ai.model import Model, get_model, model_roles
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Solver
from inspect_ai.viewer import SampleScoreView, ScoreColorScale, TaskSamplesColumn, TaskSamplesView, ViewerConfig
from rich.console import Console
from rich.markup import escape

from inspect_autointerp import __version__
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.dataset import LatentDataset, give_donors, latent_dataset
from inspect_autointerp.inspect_support.interruption_advice import advise_at_run_end
from inspect_autointerp.inspect_support.logprob_support import forget_at_run_end
from inspect_autointerp.inspect_support.unscored_warning import warn_of_unscored
from inspect_autointerp.models.shared_engines import release_at_task_end
from inspect_autointerp.sharded.worker_hooks import serve_sweep
from inspect_autointerp.text.streams import accept_any_text

LEXICAL = "inspect_autointerp/lexical"
_CHANCE = {"balanced_accuracy": 0.5, "auroc": 0.5, "accuracy": 0.2}
"""What guessing gets, by how a score's name begins; an accuracy is that of choosing one of five."""
_RESOLVING = "inspect_ai._eval.loader"
"""The module in which Inspect resolves tasks; it has no public sign of it."""
SELF_GRADED = "none given: the explainer grades itself"
NO_GRADER = "none: the score asks no model"
MAIN_GRADES = "none given: the main model, which explains nothing, grades"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Show a user's mistake as Inspect shows its own: one line, no traceback."""
    from inspect_ai._util.error import PrerequisiteError  # Inspect has no public name for it

    try:
        yield
    except UserError as error:
        raise PrerequisiteError(escape(str(error))) from error  # Inspect prints it as rich markup


def open_dataset(
    contexts: str | None,
    *,
    hookpoint: str | None,
    latents: object,
    min_contexts: int,
    seed: int,
    window: int | None = None,
    donors: bool = False,
) -> LatentDataset:
    """The latents to evaluate.

    Args:
        contexts: See `named_stores.locate`.
        hookpoint: See `dataset.latent_dataset`, as for the next three.
        latents: What to evaluate.
        min_contexts: Below which a latent is skipped.
        seed: Of random draws.
        window: Tokens in a context, see `Store`.
        donors: Whether each sample is to name another latent, whose explanation it gets.
    """
    with one_line_errors():
        data = latent_dataset(
            locate(contexts), hookpoint=hookpoint, latents=latents, min_contexts=min_contexts, seed=seed, window=window
        )
        if donors:
            give_donors(data.samples, seed)
    return data


def latent_task(
    data: LatentDataset,
    solver: Solver,
    scorer: Scorer | list[Scorer],
    *,
    shown: Mapping[str, Sequence[str]],
    grader: str | Model | None,
    unbound: str = SELF_GRADED,
    graded: bool = True,
    about: Mapping[str, Any] | None = None,
) -> Task:
    """The Inspect task over these latents.

    The explainer is Inspect's main model, and whatever the user gives wins; only where no model was given at all is
    it the lexical floor. (`Task(model=…)` would beat `--model`, so it is set in that case alone.) The grader is bound
    as a role, which the log records; without one the log's metadata says that the explainer graded itself, or what
    else holds then.

    Args:
        data: The latents.
        solver: What produces an explanation.
        scorer: What grades it, or several.
        shown: By each scorer's name its statistics to show as columns in the viewer, the headline first.
        grader: The grading model, or None.
        unbound: What the log says of the grader where the role is not bound, or nobody asks it.
        graded: Whether a grader is asked at all; without one the role is left alone.
        about: What else the log's metadata says.
    """
    accept_any_text()
    warn_of_unscored()
    release_at_task_end()
    forget_at_run_end()
    advise_at_run_end()
    serve_sweep()
    no_model = _no_model_given()
    if no_model:
        grader = grader or LEXICAL if graded else None
        Console(stderr=True).print(
            f"No --model given: {LEXICAL} does everything, a floor that needs no key."
            " With an API key: --model openai/gpt-4o-mini", markup=False, highlight=False,
        )  # fmt: skip
    roles = model_roles().get("grader")
    score, statistics = next(iter(shown.items()))
    return Task(
        dataset=data.samples,
        solver=solver,
        scorer=scorer,
        model=LEXICAL if no_model else None,
        model_roles={"grader": grader} if grader else None,
        headline_metric=HeadlineMetric(scorer=score, score=statistics[0]),
        viewer=_viewer(shown),
        metadata={
            "store": data.store.digest,
            "subject": data.store.manifest.subject,
            "coder": data.store.manifest.hookpoints[data.hookpoint].coder,
            "hookpoint": data.hookpoint,
            "latents_skipped": data.skipped,
            "grader": "the role `grader`" if graded and (grader or roles) else unbound,
            "inspect_autointerp": __version__,
            **(about or {}),
        },
    )


def _no_model_given() -> bool:
    """Whether Inspect is resolving a task for an evaluation without any model.

    Outside of that, in Python before an evaluation, Inspect would name the model of the one before.
    """
    frame = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != _RESOLVING:
        frame = frame.f_back
    if frame is None:
        return False
    try:
        return str(get_model()) == "none/none"
    except Exception:  # outside of an evaluation there is no model to ask for
        return False


def _chance(key: str) -> float:
    """What guessing gets in a statistic; 0 where that is not known."""
    return next((chance for prefix, chance in _CHANCE.items() if key.startswith(prefix)), 0.0)


def _viewer(shown: Mapping[str, Sequence[str]]) -> ViewerConfig:
    scales = {
        key: ScoreColorScale(palette="good-high", min=_chance(key), max=1)
        for statistics in shown.values()
        for key in statistics
    }
    bad = ScoreColorScale(palette="good-low", min=0, max=1)
    scales |= dict.fromkeys(("unscored", "constant"), bad)
    columns = [TaskSamplesColumn(id="sampleId"), TaskSamplesColumn(id="answer")]
    return ViewerConfig(
        task_samples_view=TaskSamplesView(
            name="Latents",
            columns=[
                *columns,
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
