"""One log as the entries of a leaderboard, one per score. Its header and one sample are read, whatever its size."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from inspect_ai.log import EvalLog, EvalScore, list_eval_logs, read_eval_log, read_eval_log_sample

from inspect_autointerp.errors import UserError
from inspect_autointerp.model_name import sampling, telling_arguments
from inspect_autointerp.sweep import KEY as SWEEP

FLOORS = ("shuffled", "constant", "empty")
_NO_MODEL = ("constant", "empty", "supply", "human")
"""Explainers that ask no model."""
HEADLINES = ("balanced_accuracy", "correlation", "accuracy", "auroc", "effect")
"""The statistics that entries are ordered by: the first of them that a score has."""
RANDOM_CODER = "random:"
"""How the name of a coder that was made at random begins (`prep.coders.random_topk`)."""
_METRICS = ("estimate_mean", "estimate_low", "estimate_high")
"""What `scorers.metrics.estimate` leaves in a log; Inspect puts the package's name in front."""


class Estimate(NamedTuple):
    """A mean over latents, with its 95 % interval; NaN where undefined."""

    mean: float
    low: float
    high: float
    n: int
    """Latents that have a value."""


class Shard(NamedTuple):
    """What part of a sweep a log is (`autointerp sweep`)."""

    sweep: str
    number: int
    """From 1."""
    of: int


@dataclass(frozen=True)
class Entry:
    """One explainer (or floor) in one evaluation."""

    explainer: str
    """The model, the solver where it is not `explain`, and its settings where they are not the defaults."""
    floor: bool
    setting: dict[str, str]
    """What has to agree for two entries to be compared: score, suite (empty if none), store, hookpoint, latents,
    grader, prompt, options."""
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
    scorer: str = ""
    """What the score is called in the log."""
    latents: tuple[str, ...] = field(default=(), repr=False)
    """Their ids, in order of text."""
    subject: str = ""
    coder: str = ""
    baseline: bool = False
    """Of the lexical baseline: a floor where it stands among language models, see `compare`."""
    shard: Shard | None = None
    """Where the log is one of a sweep's."""
    logs: tuple[str, ...] = field(default=(), repr=False)
    """The logs of a sweep's shards, whose entry this is (`sweeps.merged`); `path` is the first then."""
    digest: str | None = None
    """The digest that the entry's suite publishes of its store; None without a suite, or where it publishes none."""
    one_store: bool = True
    """Whether the entry's suite is over one store, `Suite.one_store`."""

    @property
    def statistic(self) -> str:
        """The one that entries are ordered by; empty where a score has none of `HEADLINES`."""
        return next((key for key in HEADLINES if key in self.scores), "")

    @property
    def headline(self) -> float:
        """The mean that entries are ordered by; NaN where undefined."""
        return self.scores[self.statistic].mean if self.statistic else float("nan")


def read_entries(folder: str) -> list[Entry]:
    """Read every log of this project below a folder, oldest first; other projects' logs are passed over.

    The shards of a sweep are entries of their own, see `sweeps.merged`.

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
            yield _broken(Path(info.name).name, info.name, f"unreadable ({type(error).__name__})")
            continue
        if "inspect_autointerp" in (log.eval.metadata or {}):
            yield from entries(log, info.name)


def entries(log: EvalLog, path: str) -> list[Entry]:
    """The entries of a log by its header: one per scorer, those that `inspect score` added included."""
    explainer, floor, baseline = _explainer(log)
    if log.status != "success" or not log.results:
        broken = _broken(explainer, path, f"not finished (status {log.status})", str(log.eval.created))
        return [replace(broken, shard=_shard(log))]
    by_scorer: dict[str, list[EvalScore]] = {}
    for score in log.results.scores:
        by_scorer.setdefault(score.scorer, []).append(score)
    ids = log.eval.dataset.sample_ids or []
    made = _made_by(path, ids, set(by_scorer))
    latents = tuple(sorted(map(str, ids)))
    usages = list(log.stats.model_usage.values())
    cost = sum(usage.total_cost if usage.total_cost is not None else float("nan") for usage in usages)
    metadata = log.eval.metadata or {}
    suite = suite_of(log)
    return [
        Entry(
            explainer=explainer,
            floor=floor,
            baseline=baseline,
            setting={
                "score": scorer.rstrip("0123456789"),  # Inspect numbers a scorer that is added a second time
                "suite": str(suite.get("label", "")),
                "store": str(metadata.get("store")),
                "hookpoint": str(metadata.get("hookpoint")),
                "grader": str(made.get(scorer, {}).get("grader")),
                "prompt": str(made.get(scorer, {}).get("prompt")),
                "options": json.dumps(made.get(scorer, {}).get("options"), sort_keys=True),
                "latents": digest_of(latents),
            },
            scores=_estimates(scores),
            n_latents=len(ids),
            tokens_per_latent=sum(usage.total_tokens for usage in usages) / len(ids) if ids else float("nan"),
            cost_per_latent=cost / len(ids) if ids and usages else float("nan"),
            created=str(log.eval.created),
            path=path,
            scorer=scorer,
            latents=latents,
            subject=str(metadata.get("subject")),
            coder=str(metadata.get("coder")),
            shard=_shard(log),
            digest=suite.get("digest"),
            one_store=suite.get("one_store", True),
        )
        for scorer, scores in by_scorer.items()
    ]


def suite_of(log: EvalLog) -> dict[str, Any]:
    """What a log says of the suite that it is an entry of (`suites.fixed`); nothing if it is of none."""
    suite = (log.eval.metadata or {}).get("suite")
    return suite if isinstance(suite, dict) and suite.get("entry") is True else {}


def digest_of(latents: Sequence[str]) -> str:
    """What tells sets of latents apart: their ids, in order of text."""
    return sha256("\n".join(latents).encode()).hexdigest()[:16]


def _shard(log: EvalLog) -> Shard | None:
    of = (log.eval.metadata or {}).get(SWEEP)
    if not isinstance(of, dict):
        return None
    return Shard(str(of.get("id")), int(of.get("shard", 0)), int(of.get("of", 0)))


def _explainer(log: EvalLog) -> tuple[str, bool, bool]:
    """What wrote a log's explanations, whether it is a floor, and whether it is the lexical baseline."""
    arguments, model = log.eval.task_args, log.eval.model
    wanted = arguments.get("explainer", "explain")
    options = dict(wanted) if isinstance(wanted, dict) else {"name": wanted}
    if log.eval.solver:  # --solver, in place of the task's
        options = {"name": log.eval.solver.rpartition("/")[2], **(log.eval.solver_args or {})}
    solver, file = str(options.pop("name", "explain")), arguments.get("explanations")
    if file is not None:
        options["file"], solver = Path(str(file)).name, "supply" if solver == "explain" else solver
    if solver in _NO_MODEL or file is not None:
        label = solver
    else:
        label = model if solver == "explain" else f"{solver} ({model})"
        options = telling_arguments(log.eval.model_args) | sampling(log.eval.model_generate_config) | options
    label += f" {json.dumps(options, sort_keys=True)}" if options else ""
    floor = solver in FLOORS
    return label, floor, not floor and model.endswith("/lexical") and solver not in _NO_MODEL and file is None


def _made_by(path: str, ids: list[Any], scorers: set[str]) -> dict[str, dict[str, Any]]:
    """By scorer the metadata of one of its scores: it says what the log's header does not where scores were added."""
    found: dict[str, dict[str, Any]] = {}
    for id in ids:
        try:
            sample = read_eval_log_sample(path, id, exclude_fields={"messages", "events", "attachments", "store"})
        except IndexError:  # not in the log: it failed, or the log is a part of the run
            continue
        found |= {name: score.metadata for name, score in (sample.scores or {}).items() if score.metadata}
        if scorers <= found.keys():
            break
    return found


def _estimates(scores: list[EvalScore]) -> dict[str, Estimate]:
    """The statistics of a score by name."""
    found = {}
    for score in scores:
        value = {name.rsplit("/", 1)[-1]: float(metric.value) for name, metric in score.metrics.items()}
        mean, low, high = (value.get(name, float("nan")) for name in _METRICS)
        found[score.name] = Estimate(mean, low, high, score.scored_samples or 0)
    return found


def _broken(name: str, path: str, problem: str, created: str = "") -> Entry:
    nan = float("nan")
    return Entry(name, False, {}, {}, 0, nan, nan, created, path, problem)


def is_known(value: float) -> bool:
    """Whether a number is defined."""
    return not isnan(value)
