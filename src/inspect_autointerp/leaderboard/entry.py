"""One log as one entry of a leaderboard. Only the log's header is read, whatever its size."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import NamedTuple

from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

from inspect_autointerp.errors import UserError

FLOORS = ("shuffled", "empty")
_NOT_OPTIONS = ("contexts", "explainer", "grader")
"""Arguments of a task that say where the data are and who is compared, not how."""
_METRICS = ("estimate_mean", "estimate_low", "estimate_high")
"""What `scorers.metrics.estimate` leaves in a log; Inspect puts the package's name in front."""


class Estimate(NamedTuple):
    """A mean over latents, with its 95 % interval; NaN where undefined."""

    mean: float
    low: float
    high: float
    n: int
    """Latents that have a value."""


@dataclass(frozen=True)
class Entry:
    """One explainer (or floor) in one evaluation."""

    explainer: str
    """The model, the solver where it is not `explain`, and its settings where they are not the defaults."""
    floor: bool
    setting: dict[str, str]
    """What has to agree for two entries to be compared: metric, store, hookpoint, latents, grader, options."""
    scores: dict[str, Estimate]
    n_latents: int
    """Latents evaluated, unscored ones included."""
    tokens_per_latent: float
    """All models together, input and output."""
    cost_per_latent: float
    """In dollars; NaN where Inspect knows no price for a model."""
    created: str
    path: str
    problem: str | None = field(default=None)
    """Why it can be compared with nothing, for instance that it was not finished."""


def read_entries(folder: str) -> list[Entry]:
    """Read every log of this project below a folder, oldest first; other projects' logs are passed over.

    Raises:
        UserError: There is no such folder, or none of its logs is of this project.
    """
    if "://" not in folder and not Path(folder).exists():
        raise UserError(f"{folder}: no such folder; evaluate something first: inspect eval tasks/detection.py")
    entries = sorted(_entries(folder), key=lambda entry: entry.created)
    if not entries:
        raise UserError(f"{folder}: no log of this project in it; inspect eval tasks/detection.py writes one")
    return entries


def _entries(folder: str) -> Iterator[Entry]:
    for info in list_eval_logs(folder):
        try:
            log = read_eval_log(info, header_only=True)
        except Exception as error:  # a log cut short can fail in any layer: it is listed, not fatal
            yield _broken(info.name, f"unreadable ({type(error).__name__})")
            continue
        if "inspect_autointerp" in (log.eval.metadata or {}):
            yield entry(log, info.name)


def entry(log: EvalLog, path: str) -> Entry:
    """The entry that a log's header makes."""
    spec, metadata = log.eval, log.eval.metadata or {}
    arguments = dict(spec.task_args)
    solver = str(arguments.get("explainer", "explain"))
    config = {key: value for key, value in spec.model_generate_config.model_dump(exclude_none=True).items()}
    label = spec.model if solver == "explain" else f"{solver} ({spec.model})" if solver != "empty" else "empty"
    if config and solver != "empty":
        label += f" {json.dumps(config, sort_keys=True)}"
    options = {key: value for key, value in arguments.items() if key not in (*_NOT_OPTIONS, "latents", "hookpoint")}
    setting = {
        "metric": spec.task.rsplit("/", 1)[-1],
        "store": str(metadata.get("store")),
        "hookpoint": str(metadata.get("hookpoint")),
        "grader": _grader(log),
        "options": json.dumps(options, sort_keys=True),
        "latents": json.dumps(sorted(map(str, spec.dataset.sample_ids or []))),
    }
    n = len(spec.dataset.sample_ids or [])
    usages = list(log.stats.model_usage.values())
    cost = sum(usage.total_cost if usage.total_cost is not None else float("nan") for usage in usages)
    problem = None if log.status == "success" and log.results else f"not finished (status {log.status})"
    return Entry(
        explainer=label,
        floor=solver in FLOORS or spec.model.endswith("/lexical"),
        setting=setting,
        scores=_scores(log),
        n_latents=n,
        tokens_per_latent=sum(usage.total_tokens for usage in usages) / n if n else float("nan"),
        cost_per_latent=cost / n if n and usages else float("nan"),
        created=str(spec.created),
        path=path,
        problem=problem,
    )


def _grader(log: EvalLog) -> str:
    role = (log.eval.model_roles or {}).get("grader")
    if role is None:
        return f"{log.eval.model}, which graded itself"
    role = role[0] if isinstance(role, list) else role
    config = role.config.model_dump(exclude_none=True)
    return f"{role.model} {json.dumps(config, sort_keys=True)}" if config else role.model


def _scores(log: EvalLog) -> dict[str, Estimate]:
    """The scores of a log by name."""
    found = {}
    for score in log.results.scores if log.results else []:
        value = {name.rsplit("/", 1)[-1]: float(metric.value) for name, metric in score.metrics.items()}
        mean, low, high = (value.get(name, float("nan")) for name in _METRICS)
        found[score.name] = Estimate(mean, low, high, score.scored_samples or 0)
    return found


def _broken(path: str, problem: str) -> Entry:
    nan = float("nan")
    return Entry(Path(path).name, False, {}, {}, 0, nan, nan, "", path, problem)


def is_known(value: float) -> bool:
    """Whether a number is defined."""
    return not isnan(value)
