"""An entry for other people's leaderboards: rows of a suite with their values per latent, in one JSON file."""

from math import isnan
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from inspect_autointerp import __version__
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.strict_json import Unreadable, load
from inspect_autointerp.leaderboard.load.setting import Setting
from inspect_autointerp.leaderboard.submit.recompute import Recomputed, recomputed
from inspect_autointerp.text.json_values import is_dict

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_LARGEST = 1 << 30


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Statistic:
    """One statistic of a row. None is undefined."""

    mean: float | None
    low: float | None
    high: float | None
    """The 95 % interval of the mean."""
    n: int
    """Latents that have a value."""
    values: list[float | None]
    """By latent, as `Submission.latents` has them."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Row:
    """One score of one log."""

    log: str
    """sha256 of the log."""
    score: str
    explainer: str
    floor: bool
    setting: Setting
    subject: str
    coder: str
    tokens_per_latent: float | None
    cost_per_latent: float | None
    """In dollars. Both are of the whole log."""
    statistics: dict[str, Statistic]
    edited: int = 0
    """Latents whose score was edited after the run, by Inspect's `edit_score`."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Log:
    """A log that rows come from."""

    name: str
    sha256: str
    created: str
    eval_id: str
    explainer: dict[str, Any]
    """The model, settings of its sampling, and the task's arguments."""
    packages: dict[str, Any]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Submission:
    """The file that `autointerp submit` writes and `autointerp verify` reads."""

    format: Literal[1]
    suite: dict[str, Any]
    """Facts about the suite in the logs, see `suites.frozen_options.Fixed.metadata`."""
    latents: list[str]
    logs: list[Log]
    rows: list[Row]
    packed_by: str
    """The version of this package."""


def pack(paths: list[str]) -> Submission:
    """Pack logs of one suite.

    Raises:
        UserError: One of them is no finished evaluation of a suite with the suite's grader, scores and latents, or does
            not agree with itself; or they are of several suites.
    """
    logs = [recomputed(path) for path in paths]
    for log in logs:
        if len(log.latents) != log.suite["latents"]:
            raise UserError(
                f"{log.path}: {len(log.latents)} of the suite's {log.suite['latents']} latents; run it without --limit"
            )
        if missing := [score for score in log.suite["scores"] if score not in log.scores]:
            raise UserError(f"{log.path}: it lacks the suite's {', '.join(missing)}")
    first = logs[0]
    for log in logs[1:]:
        if log.sha256 == first.sha256:
            raise UserError(f"{log.path}: given twice")
        if (log.suite, log.latents, log.store) != (first.suite, first.latents, first.store):
            raise UserError(
                f"{log.path}: of suite {log.suite['label']} over store {log.store}, and {first.path} is of"
                f" {first.suite['label']} over {first.store}; one entry is of one suite, store and draw"
            )
    return Submission(
        format=1,
        suite=first.suite,
        latents=list(first.latents),
        logs=[log_of(log) for log in logs],
        rows=[row for log in logs for row in rows_of(log)],
        packed_by=__version__,
    )


def log_of(log: Recomputed) -> Log:
    """Return the facts about a log."""
    about = log.about
    arguments = {key: _without_folder(value) for key, value in about["explainer"]["task_args"].items()}
    return Log(
        name=Path(log.path).name,
        sha256=log.sha256,
        created=about["created"],
        eval_id=about["eval_id"],
        explainer=about["explainer"] | {"task_args": arguments},
        packages=about["packages"],
    )


def rows_of(log: Recomputed) -> list[Row]:
    """The rows of a log, of the suite's scores only."""
    return [
        Row(
            log=log.sha256,
            score=score,
            explainer=recomputed.entry.explainer,
            floor=recomputed.entry.floor,
            setting=recomputed.entry.setting,
            subject=recomputed.entry.subject,
            coder=recomputed.entry.coder,
            tokens_per_latent=_known(recomputed.entry.tokens_per_latent),
            cost_per_latent=_known(recomputed.entry.cost_per_latent),
            statistics={
                name: Statistic(
                    mean=_known(estimate.mean),
                    low=_known(estimate.low),
                    high=_known(estimate.high),
                    n=estimate.n,
                    values=[_known(value) for value in recomputed.values[name]],
                )
                for name, estimate in recomputed.estimates.items()
            },
            edited=recomputed.edited,
        )
        for score, recomputed in log.scores.items()
    ]


def _without_folder(argument: Any) -> Any:
    """A task's argument, of files the name alone: where they lie on somebody's machine is nobody's business."""
    if is_dict(argument):
        return {key: _without_folder(value) for key, value in argument.items()}
    return Path(argument).name if isinstance(argument, str) and Path(argument).is_absolute() else argument


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def read_submission(path: Path) -> Submission:
    """Read a file that `autointerp submit` wrote.

    Raises:
        UserError: It cannot be read, or is none.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path}: too large for an entry")
        content = path.read_bytes()
        load(content)  # which refuses what pydantic lets pass: names that stand twice
        return TypeAdapter(Submission).validate_json(content)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except Unreadable as error:
        raise UserError(f"{path}, line {error.line}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: not an entry of `autointerp submit` ({place}: {first['msg']})") from error
