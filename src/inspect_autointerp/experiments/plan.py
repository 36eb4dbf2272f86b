"""The plan of a study: a task per level that has contexts and a model, and what the others lack."""

import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from typing import Any

from inspect_ai import Task, task_with  # pyright: ignore[reportUnknownVariableType]  # not typed in full
from inspect_ai.model import get_model

from inspect_autointerp.cost.plan import Plan, arguments, planned
from inspect_autointerp.errors import UserError, plain_message
from inspect_autointerp.experiments.definition import Level, Study, merged
from inspect_autointerp.experiments.stores import Given, Place
from inspect_autointerp.inspect_support.default_model import LEXICAL
from inspect_autointerp.tasks.multi_score import score_names


@dataclass(frozen=True)
class Asked:
    """Who is asked: models by the names of levels, the first under the default level's; and roles."""

    models: Mapping[str, str]
    graders: Mapping[str, str]
    """Empty where the explainer grades itself."""
    roles: Sequence[str] = ()
    """`ROLE=MODEL`, of other roles."""

    @property
    def model(self) -> str:
        """The explainer."""
        return next(iter(self.models.values()))

    @property
    def grader(self) -> str | None:
        """The grader."""
        return next(iter(self.graders.values()), None)


@dataclass(frozen=True)
class Run:
    """One level's evaluation."""

    name: str
    level: Level
    place: Place
    scores: tuple[str, ...]
    arguments: dict[str, Any]
    """Arguments of the task, without those that name the store."""
    model: str
    grader: str | None
    roles: tuple[str, ...] = ()

    def planned(self) -> Plan:
        """The evaluation, made anew.

        Raises:
            UserError: The arguments cannot be used; the message says of which level.
        """
        given = [f"{name}={json.dumps(value)}" for name, value in self.arguments.items()]
        place = {"store": self.place.store, "hookpoint": self.place.hookpoint, "grader": self.grader}
        try:
            with redirect_stdout(StringIO()):
                plan = planned(self.scores, self.model, self.roles, given, place)
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from error
        # After an eval set, whose tasks have models of their own, a task made in the same process finds none given.
        plan.task.model = plan.task.model_roles = None
        return plan

    def task(self, study: str) -> Task:
        """The task as an eval set takes it; the log's metadata names study and level.

        Raises:
            UserError: As above, or there is no such model.
        """
        plan = self.planned()
        metadata = dict(plan.task.metadata or {})
        if self.grader and metadata["grader"].startswith("none given"):
            metadata["grader"] = "the role `grader`"
        if "intervention" in self.scores and "likelihood" in plan.roles:
            metadata["grader"] = f"none: {plan.roles['likelihood']} says how probable an explanation is"
        metadata |= {"study": study, "level": self.name}
        roles = {role: _model(model) for role, model in plan.roles.items()}
        return task_with(plan.task, model=_model(self.model), model_roles=roles, metadata=metadata)

    @property
    def explains(self) -> str:
        """The same for two runs of which the second finds all explanations in Inspect's cache."""
        explainer = dict(self.arguments.get("explainer", {}))
        explainer["name"] = explainer.get("name", "explain").replace("shuffled", "explain")
        told = {name: self.arguments.get(name) for name in ("latents", "window", "seed", "min_contexts")}
        return json.dumps([explainer, told, self.model, self.place.store, self.place.hookpoint], sort_keys=True)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for two runs that are one."""
        options = json.dumps(self.arguments, sort_keys=True)
        return self.place.store, self.place.hookpoint, options, self.model, self.grader


@dataclass(frozen=True)
class Planned:
    """A study as it will be run."""

    name: str
    study: Study
    levels: dict[str, Level]
    """All rows of the table, floors last."""
    default: str
    """The level that others are compared with; empty where there is none."""
    runs: list[Run]
    missing: dict[str, str] = field(default_factory=dict[str, str])
    """By level, how to have it run."""

    @cached_property
    def of_demo(self) -> bool:
        """Return whether any of it is run on the demo."""
        return any(run.place.stand_in is not None for run in self.runs)


def plan_study(
    name: str, study: Study, given: Given, asked: Asked, more: Mapping[str, Any], human: str | None = None
) -> Planned:
    """Find out what can be run.

    Args:
        name: The study's.
        study: What it is.
        given: Contexts.
        asked: Models.
        more: Further arguments of all tasks, over the study's.
        human: A file of explanations that people wrote.

    Raises:
        UserError: A level that was named is not there, or a store cannot be used.
    """
    hookpoints = given.hookpoints() if study.each == "hookpoint" else {}
    offered = {"model": asked.models, "grader": asked.graders or {asked.model: ""}, "hookpoint": hookpoints}
    own = dict.fromkeys(offered[study.each]) if study.each else {}
    levels = {name: Level() for name in own if name not in study.levels} | study.levels
    default = next(iter(own), study.default or next(iter(levels), ""))
    if default not in levels:
        raise UserError(f"{name}: default: {default}: no such level; there are {', '.join(levels)}")
    every = study.with_floors(levels, default)
    known = {*every, *(study.floors or {})}
    for level in given.stores or {} if study.each != "hookpoint" else {}:
        if level not in known:
            raise UserError(f"--level-store {level}=…: {name} has no such level; there are {', '.join(every)}")
    runs: list[Run] = []
    missing: dict[str, str] = {}
    seen: dict[tuple[object, ...], str] = {}
    for level_name, level in every.items():
        base = level.of or level_name
        options = merged(study.arguments(level), more)
        model = level.model or (asked.models.get(base, asked.model) if study.each == "model" else asked.model)
        grader = asked.graders.get(base, asked.grader) if study.each == "grader" else asked.grader
        is_human = options.get("explainer", {}).get("name") == "human"
        if is_human:
            options |= {"explainer": {"name": "human"}, "explanations": human}
        lacks = study.each and base not in own and not (level.model or (is_human and human))
        if lacks or (is_human and not human):
            if not level.of:
                missing[level_name] = "--human FILE" if is_human else _how(study.each, level_name)
            continue
        place = (
            hookpoints.get(base) if study.each == "hookpoint" and not level.store else given.place(level_name, level)
        )
        if not isinstance(place, Place):
            missing[level_name] = place or ""
            continue
        run = Run(level_name, level, place, tuple(study.scores), options, model, grader, tuple(asked.roles))
        if run.key not in seen:
            runs.append(run)
        elif not level.floor:  # the lexical baseline where it is the explainer anyway needs no word
            missing[level_name] = f"its own contexts; without them it would repeat {seen[run.key]}"
        seen.setdefault(run.key, level_name)
    rows = {key: level for key, level in every.items() if key in missing or any(run.name == key for run in runs)}
    return Planned(name, study, rows, default, runs, missing)


def _how(each: str | None, level: str) -> str:
    return f'--level-store "{level}=DIR@HOOKPOINT"' if each == "hookpoint" else f'--{each} "{level}=PROVIDER/NAME"'


def read_models(option: str, given: Sequence[str]) -> dict[str, str]:
    """`PROVIDER/NAME` or `LEVEL=PROVIDER/NAME`, by level; a model without a name goes by its own.

    Raises:
        UserError: One is neither, or a name stands twice.
    """
    models: dict[str, str] = {}
    for argument in given:
        level, _, model = argument.rpartition("=")
        if "/" not in model or (level or model) in models:
            raise UserError(f"{option} {argument}: give PROVIDER/NAME, or LEVEL=PROVIDER/NAME with each level once")
        models[level or model] = model
    return models


def task_arguments(given: Sequence[str]) -> dict[str, Any]:
    """`-T NAME=VALUE`, by name.

    Raises:
        UserError: One is not of that form.
    """
    options = arguments(given)
    if isinstance(explainer := options.get("explainer"), str):
        options["explainer"] = {"name": explainer}
    return options


def read_scores(given: str) -> tuple[str, ...]:
    """Read `--scores`.

    Raises:
        UserError: See `multi_score.score_names`.
    """
    return tuple(score_names(given))


def demo_asked(models: Mapping[str, str], graders: Mapping[str, str], roles: Sequence[str]) -> Asked:
    """Who is asked where no model was given: the lexical baseline."""
    return Asked(models or {LEXICAL: LEXICAL}, graders if models or graders else {LEXICAL: LEXICAL}, roles)


def _model(name: str) -> Any:
    from inspect_autointerp.inspect_support.compat import PrerequisiteError

    try:
        return get_model(name)
    except PrerequisiteError as error:
        raise UserError(f"{name}: {plain_message(error)}") from error
    except ValueError as error:
        raise UserError(f"{name}: {' '.join(str(error).split())}") from error
