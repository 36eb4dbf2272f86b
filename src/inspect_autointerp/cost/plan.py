"""The evaluation that is planned, from what the command line was given: an entry point, which joins the tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, cast

import yaml
from inspect_ai import Task
from inspect_ai.scorer import Scorer
from pydantic import TypeAdapter, ValidationError

from inspect_autointerp import tasks
from inspect_autointerp.cost.recorded_calls import ROLES, Call
from inspect_autointerp.errors import UserError
from inspect_autointerp.models.likelihood.role import is_served
from inspect_autointerp.scorers.shared.judging_option import read_judging
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.shared.stopping import LABELLED
from inspect_autointerp.statistics.stop_rule import StopRule, stop_rule
from inspect_autointerp.suites.frozen_options import fixed
from inspect_autointerp.tasks.multi_score import score_names
from inspect_autointerp.text.json_values import is_mapping

_EMBEDS = "it compares vectors and asks no model"
_JUDGES = "the grader runs in memory, hf/…, and writes nothing"
_READS = "the likelihood model runs in memory, on this project's demo subject or hf/…"


@dataclass(frozen=True)
class Plan:
    """An evaluation."""

    scores: tuple[str, ...]
    task: Task
    model: str
    """The explainer."""
    roles: Mapping[str, str]
    """By role of `ROLES` the model that has it; the explainer has the others."""
    here: Mapping[str, str]
    """Scores that send nothing to a model's provider, and why."""
    cached: bool
    """True if explanations are taken from Inspect's cache where they are there."""
    options: Mapping[str, Any]
    """Arguments of the task."""
    stop: StopRule | None = None
    """When grading of a latent stops. The task is made without it, and asks everything."""
    stop_mean: StopRule | None = None
    """When the evaluation stops; the task is made without it, too."""

    @property
    def asking(self) -> list[Scorer]:
        """The scorers that ask a model."""
        scorers = cast(list[Scorer], self.task.scorer)
        return [scorer for name, scorer in zip(self.scores, scorers, strict=True) if name not in self.here]

    def model_of(self, call: Call) -> str:
        """Which model a call is put to."""
        return self.model if call.by_main else self.roles[call.role]


def planned(
    scores: Sequence[str],
    model: str,
    model_roles: Sequence[str],
    task_args: Sequence[str],
    given: Mapping[str, str | None],
) -> Plan:
    """Read what is planned.

    Args:
        scores: Names, see `tasks.multi_score`; of one score its own task is meant, of several `suite`.
        model: The explainer.
        model_roles: `ROLE=MODEL`, as `inspect eval --model-role` takes them.
        task_args: `NAME=VALUE`, as `inspect eval -T` takes them.
        given: Arguments of tasks that have options of their own; None where they were not given.

    Raises:
        UserError: Something is not there, or not understood.
    """
    wanted = arguments(task_args) | {name: value for name, value in given.items() if value is not None}
    if scores:
        wanted["scores"] = list(scores)
    named, grader = wanted.pop("suite", None), wanted.pop("grader", None)
    if named is not None:
        frozen = fixed(str(named), {"grader": grader} | _measured(wanted), None)
        wanted, grader = wanted | frozen.options, grader or frozen.suite.evaluation.grader
    if wanted.get("graders") is not None:
        raise UserError(
            f"-T graders={wanted['graders']}: a plan is of one grader; give each as --grader, and add up what they cost"
        )
    names = score_names(wanted.pop("scores", "judged"))
    make = getattr(tasks, names[0]) if len(names) == 1 and named is None else tasks.multi_score
    if make is tasks.multi_score:
        wanted["scores"] = ",".join(names)
    parameters = signature(make).parameters
    for name, value in wanted.items():
        if name not in parameters:
            known = ", ".join(sorted(parameters.keys() - {"scores"}))
            raise UserError(f"-T {name}={value}: the task {make.__name__} has no such argument; there are {known}")
        try:
            TypeAdapter(parameters[name].annotation).validate_python(value)
        except ValidationError as error:
            raise UserError(f"-T {name}={value}: {error.errors()[0]['msg']}") from error
    stops = _stops(wanted, names)
    roles = {"grader": _one("--grader", str(grader))} if grader else {}
    roles |= _roles(model_roles)
    by_probability = read_judging(wanted.get("judging") or "answer") is not None
    judge = roles.get("grader", model) if by_probability else None
    here = {name: why for name in names if (why := _here(name, roles.get("likelihood"), judge))}
    cached = _cached(wanted.get("explainer"))
    return Plan(tuple(names), _made(make, wanted), _one("--model", model), roles, here, cached, wanted, *stops)


def _stops(wanted: dict[str, Any], names: Sequence[str]) -> tuple[StopRule | None, StopRule | None]:
    """Take the rules of stopping out of a task's arguments.

    Raises:
        UserError: One is not understood, or applies to none of the scores.
    """
    stop = stop_rule(wanted.pop("stop", None))
    if stop is not None and not set(names) & set(LABELLED):
        raise UserError(f"-T stop={stop}: none of the scores {', '.join(names)} labels contexts one by one")
    least, most = SCORES[names[0]].bounds
    return stop, stop_rule(wanted.pop("stop_mean", None), "stop_mean", least, most, logs=True)


def _measured(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the task's arguments that a named suite can fix."""
    known = signature(tasks.multi_score).parameters.keys() - {"explainer", "explanations"}
    return {name: value for name, value in wanted.items() if name in known}


def _one(option: str, model: str) -> str:
    if not all(model.partition("/")) or "," in model:
        raise UserError(f"{option} {model}: give one model, as PROVIDER/NAME")
    return model


def arguments(given: Sequence[str]) -> dict[str, Any]:
    """Return what `-T NAME=VALUE` gives, by name.

    Raises:
        UserError: One is not of that form.
    """
    from inspect_autointerp.inspect_support.compat import parse_cli_args

    for argument in given:
        if not argument.partition("=")[0] or "=" not in argument:
            raise UserError(f"-T {argument}: give NAME=VALUE")
    try:
        return parse_cli_args(list(given))
    except yaml.YAMLError as error:
        raise UserError(f"-T {' -T '.join(given)}: not understood ({' '.join(str(error).split())})") from error


def _roles(given: Sequence[str]) -> dict[str, str]:
    roles: dict[str, str] = {}
    for argument in given:
        role, _, model = argument.partition("=")
        if model.startswith("{"):
            try:
                model = str(yaml.safe_load(model)["model"])
            except (yaml.YAMLError, KeyError, TypeError):
                model = ""
        if role not in ROLES or not model:
            raise UserError(f"--model-role {argument}: give ROLE=MODEL; the tasks ask the roles {', '.join(ROLES)}")
        roles[role] = _one(f"--model-role {role}=", model)
    return roles


def _here(score: str, likelihood: str | None, judge: str | None) -> str | None:
    """Why a score asks nobody's provider.

    Args:
        score: The score's name.
        likelihood: The model that is bound to this role; None for none.
        judge: The grader that judges by probability; None where it writes its answers.

    Raises:
        UserError: It returns no log-probabilities of what it is given.
    """
    if judge is not None and SCORES[score].probability_version:
        return None if is_served(judge, "grader") else _JUDGES
    needs = SCORES[score].needs
    if not needs:
        return _EMBEDS
    if "likelihood" in needs:
        return None if likelihood and is_served(likelihood) else _READS
    return None


def _made(make: Any, wanted: Mapping[str, Any]) -> Task:
    from inspect_autointerp.inspect_support.compat import PrerequisiteError

    try:
        return make(**wanted)
    except PrerequisiteError as error:  # what `errors.one_line_errors` makes of a user's mistake
        raise UserError(str(error.__cause__ or error)) from error


def _cached(explainer: object) -> bool:
    return not is_mapping(explainer) or explainer.get("cache", True) is not False
