"""The definition of a study: its factor, its levels as task arguments, and the paper's numbers for each.

The studies of this project are files under `studies/`; one's own is a file of the same form.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from inspect_autointerp.errors import UserError
from inspect_autointerp.text.json_values import is_list
from inspect_autointerp.text.strict_yaml import Unreadable, load

_FLOORS = "floors"


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if is_list(value) else (value,)


Reported = Annotated[tuple[float] | tuple[float, float, float], BeforeValidator(_as_tuple)]
"""The paper's figures for a score: median and quartiles, or the mean alone."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Demo(_Part):
    """A level's replacement in the demo."""

    as_: str
    """In words."""
    hookpoint: str | None = None
    """Hookpoint of the store; its only one by default."""
    prep: str | None = None
    """Arguments of `autointerp prep demo` for a store of its own; the demo's store by default."""

    model_config = ConfigDict(alias_generator=lambda name: name.rstrip("_"))


class Need(_Part):
    """A store of a level's own."""

    prep: str
    """Arguments of `autointerp prep` for it. Facts about the study's contexts can be named: `{subject}`, `{coder}`,
    `{width}`, `{hookpoint}`, `{layer}`, `{corpus}`, `{tokens}`."""
    demo: Demo | None = None
    """None where the demo has no such thing."""


class Level(_Part):
    """One level of the factor."""

    task: dict[str, Any] = {}
    """Arguments of the task, over the study's; of `explainer` option by option."""
    model: str | None = None
    """The explainer; the study's by default."""
    store: Need | None = None
    """None for the contexts that the study is run on."""
    demo: Demo | None = None
    """Hookpoint of a level without `store`; `stores.HOOKPOINT` by default."""
    paper: dict[str, Reported] = {}
    """By score."""
    paper_at: dict[str, dict[str, Reported]] = {}
    """Figures of a floor, by level and score."""
    floor: bool = False
    of: str | None = None
    """The level that this floor belongs to."""


class Pair(_Part):
    """Two columns of values that are correlated over latents, each a level and a score."""

    first: tuple[str, str]
    second: tuple[str, str]
    paper: float | None = None
    """The paper's Pearson correlation."""


class Study(_Part):
    """One table."""

    about: str
    table: str = ""
    """Table or figure of the paper; empty for a study that is not of the paper."""
    factor: str
    """Name of the factor."""
    scores: list[str]
    default: str | None = None
    """The level that others are compared with; the first by default."""
    each: Literal["model", "grader", "hookpoint"] | None = None
    """Makes a level of each explainer, grader or hookpoint that the user gives; levels named here have the paper's
    numbers."""
    task: dict[str, Any] = {}
    """Arguments of the task, for all levels."""
    levels: dict[str, Level] = {}
    floors: dict[str, Level] | None = None
    """For each level; None for those of `studies/floors.yaml`, at the default level alone."""
    pairs: list[Pair] = []
    """Correlations over latents, also between scores of two levels, so of two explainers."""
    notes: list[str] = []

    @model_validator(mode="after")
    def _check_pairs(self) -> "Study":
        """Check that pairs name levels and scores of the study.

        Raises:
            ValueError: One does not.
        """
        for level, score in (side for pair in self.pairs for side in (pair.first, pair.second)):
            if self.each is None and level not in self.levels:
                raise ValueError(f"pairs: unknown level {level}; there are {', '.join(self.levels)}")
            if score not in self.scores:
                raise ValueError(f"pairs: unknown score {score}; there are {', '.join(self.scores)}")
        return self

    def with_floors(self, levels: Mapping[str, Level], default: str) -> dict[str, Level]:
        """Levels and their floors by name, the floors last.

        Args:
            levels: The study's, or what the user gave in their place.
            default: The one that shared floors are of.
        """
        extended = dict(levels)
        if self.floors is None:
            for name, floor in _shared_floors().items():
                extended[name] = _under(levels[default], floor).model_copy(update={"of": default})
            return extended
        for name, floor in self.floors.items():
            for level_name, level in levels.items():
                paper = floor.paper_at.get(level_name, {})
                extended[f"{level_name}, {name}"] = _under(level, floor).model_copy(
                    update={"of": level_name, "paper": paper}
                )
        return extended

    def arguments(self, level: Level) -> dict[str, Any]:
        """The task's arguments at a level."""
        return merged(self.task, level.task)


def merged(task: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with others over them: of two mappings, as `explainer` is one, option by option."""
    arguments = dict(task)
    for name, value in over.items():
        held = arguments.get(name)
        arguments[name] = {**held, **value} if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return arguments


def _under(level: Level, floor: Level) -> Level:
    changed: dict[str, Any] = {"task": merged(level.task, floor.task), "paper": floor.paper, "floor": True}
    if floor.store:
        changed["store"] = floor.store
    return level.model_copy(update=changed)


def study_names() -> list[str]:
    """The studies that come with this project."""
    names = sorted(Path(path.name).stem for path in _folder().iterdir() if path.name.endswith(".yaml"))
    return [name for name in names if name != _FLOORS]


def read_study(name: str) -> Study:
    """One of `study_names`, or a file of one's own.

    Raises:
        UserError: There is none of that name, the file is not of that form, or it names code (see `check_study`).
    """
    from inspect_autointerp.experiments.check import check_study

    if name in study_names():
        return Study.model_validate(yaml.safe_load((_folder() / f"{name}.yaml").read_text(encoding="utf-8")))
    if not name.endswith((".yaml", ".yml")):
        raise UserError(
            f"{name}: no such study; there are {', '.join(study_names())}, or give a .yaml file of your own"
        )
    try:
        study = Study.model_validate(load(Path(name).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, Unreadable) as error:
        raise UserError(f"{name}: cannot be read ({' '.join(str(error).split())})") from error
    except ValidationError as error:
        [first, *_] = error.errors()
        where = ".".join(map(str, first["loc"])) or "it"
        raise UserError(f"{name}: {where}: {first['msg']}; studies/examples.yaml shows the form") from error
    check_study(study, name)
    return study


def _shared_floors() -> dict[str, Level]:
    floors = yaml.safe_load((_folder() / f"{_FLOORS}.yaml").read_text(encoding="utf-8"))
    return {name: Level.model_validate(floor) for name, floor in floors.items()}


def _folder() -> Any:
    return files("inspect_autointerp.studies")
