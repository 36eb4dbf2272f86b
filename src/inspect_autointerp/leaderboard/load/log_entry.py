"""One log as the entries of a leaderboard, one per score: made from its header and one sample."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import isfinite, isnan
from pathlib import Path
from typing import Any, NamedTuple

from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log_sample

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.default_model import LEXICAL, NO_MODEL
from inspect_autointerp.inspect_support.explanation import KEY as EXPLANATION
from inspect_autointerp.inspect_support.model_name import sampling, telling_arguments
from inspect_autointerp.leaderboard.load.consistency import not_reached
from inspect_autointerp.leaderboard.load.edits import UNREAD
from inspect_autointerp.leaderboard.load.header import (
    FLOORS,
    header_estimates,
    scorers_of,
    solver_of,
    trained_on_of,
)
from inspect_autointerp.leaderboard.load.log_archive import LogArchive, read_header, sample_member
from inspect_autointerp.leaderboard.load.log_values import Check, log_check
from inspect_autointerp.leaderboard.load.setting import UNKNOWN, Setting
from inspect_autointerp.leaderboard.load.values_file import SUFFIX, count_values_files
from inspect_autointerp.scorers.shared.specs import spec_of
from inspect_autointerp.sharded import KEY as SWEEP
from inspect_autointerp.statistics.estimates import Estimate
from inspect_autointerp.text.json_values import is_dict
from inspect_autointerp.text.settings_words import SEPARATOR, label_words

_NO_MODEL = ("constant", "verbose", "empty", "supply", "human", "verbalizer")
"""Explainers that ask no model."""
RANDOM_CODER = "random:"
"""Prefix of a random coder's name (`prep.coders.random_topk`)."""


class Shard(NamedTuple):
    """The part of a sharded evaluation that a log holds (`autointerp eval-sharded`)."""

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
    setting: Setting
    """Settings that must agree for two entries to be compared."""
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
    """Name of the score in the log."""
    latents: tuple[str, ...] = field(default=(), repr=False)
    """Their ids, in order of text."""
    subject: str = ""
    coder: str = ""
    trained: bool = False
    """True if the explainer was trained on this score: it is shown, and not ranked."""
    baseline: bool = False
    """True for the lexical baseline: a floor in a table with language models, see `comparable`."""
    shard: Shard | None = None
    """Part of a sharded evaluation; None for a whole log."""
    logs: tuple[str, ...] = field(default=(), repr=False)
    """The logs of a sweep's shards, whose entry this is (`merge_shards`); `path` is the first then."""
    digest: str | None = None
    """The digest that the entry's suite publishes of its store; None without a suite, or where it publishes none."""
    one_store: bool = True
    """True if the entry's suite is over one store, `Suite.one_store`."""
    edited: int = 0
    """Latents whose score was edited after the run (`edits`)."""
    absent: int = 0
    """Latents that the header lists and of which the log has no sample; they count as unscored."""

    @property
    def name(self) -> str:
        """The explainer, with what a reader has to know of the log: scores edited after the run, samples absent."""
        edited = f", {self.edited} score{'s' * (self.edited > 1)} edited" if self.edited else ""
        absent = f", {self.absent} sample{'s' * (self.absent > 1)} missing" if self.absent else ""
        return self.explainer + edited + absent

    @property
    def statistic(self) -> str:
        """The one that entries are ordered by; empty where the score is unknown or does not have it."""
        spec = spec_of(self.setting.score)
        return spec.headline if spec and spec.headline in self.scores else ""

    @property
    def headline(self) -> float:
        """The mean that entries are ordered by; NaN where undefined."""
        return self.scores[self.statistic].mean if self.statistic else float("nan")


def read_entries(folder: str) -> list[Entry]:
    """Read every log of this project below a folder, oldest first; other projects' logs are passed over.

    The shards of a sweep are entries of their own, see `merge_shards`.

    Raises:
        UserError: There is no such folder, or none of its logs is of this project.
    """
    if "://" not in folder and not Path(folder).exists():
        raise UserError(f"{folder}: no such folder; evaluate something first: inspect eval tasks/detection.py")
    entries = sorted(_entries(folder), key=lambda entry: entry.created)
    if not entries and (n := count_values_files(folder)):
        raise UserError(
            f"{folder}: it holds values without logs ({n} × *{SUFFIX}), and these count only beside their logs; put the"
            " .eval files there too"
        )
    if not entries:
        raise UserError(f"{folder}: it holds no logs of this project; to write one: inspect eval tasks/detection.py")
    return entries


def _entries(folder: str) -> Iterator[Entry]:
    for info in list_eval_logs(folder):
        name = Path(info.name).name
        try:
            archive = LogArchive.read(info.name)
            log = read_header(info.name, archive)
        except Exception as error:  # a log cut short can fail in any layer: it is listed, not fatal
            yield _broken(name, info.name, f"unreadable ({type(error).__name__})")
            continue
        if "inspect_autointerp" not in (log.eval.metadata or {}):
            continue
        try:
            entries = checked_entries(log, info.name, archive)
        except Exception as error:  # nothing of a log is read later that was not read here once
            entries = [
                _broken(log.eval.model, info.name, f"unreadable ({type(error).__name__})", str(log.eval.created))
            ]
        yield from entries


def checked_entries(log: EvalLog, path: str, archive: LogArchive | None = None) -> list[Entry]:
    """Return the entries of a log, all of which was read and compared with itself (`consistency`).

    An entry whose log contradicts itself, or has no samples, has that as its `problem`.

    Args:
        log: The log's header.
        path: The log's path or URL.
        archive: The log's directory, if it was read.

    Raises:
        Exception: The log is damaged anywhere; errors are those of the layers below.
    """
    if log.status != "success" or not log.results:
        return entries(log, path)
    check = log_check(path, log, archive)
    return [
        replace(entry, edited=check.edited.get(entry.scorer, 0), absent=len(check.absent) if check.n_samples else 0,
                problem=_problem(entry, check, log))
        for entry in entries(log, path, check, archive)
    ]  # fmt: skip


def _problem(entry: Entry, check: Check, log: EvalLog) -> str | None:
    """Why an entry of a finished log can be compared with nothing; None if it can be."""
    if not check.n_samples:
        why = "" if log.eval.config.log_samples is not False else " (made with --no-log-samples)"
        own = f"; its own summary says {entry.statistic} {entry.headline:.3f}" if is_known(entry.headline) else ""
        return f"the log has no samples{why}{own}"
    if not check.contradictions:
        return None
    first, *others = check.contradictions
    more = f", and {len(others)} more contradiction{'s' * (len(others) > 1)}" if others else ""
    return f"the log contradicts itself: {first}{more}"


def entries(log: EvalLog, path: str, check: Check | None = None, archive: LogArchive | None = None) -> list[Entry]:
    """Return the entries of a log: one per scorer, those that `inspect score` added included.

    Args:
        log: The log's header.
        path: The log's path or URL.
        check: What reading all of the log came to; by default it is read.
        archive: The log's directory, if it was read.
    """
    explainer, floor, baseline = _explainer(log)
    if log.status != "success" or not log.results:
        broken = _broken(explainer, path, f"not finished (status {log.status})", str(log.eval.created))
        return [replace(broken, shard=_shard(log))]
    check = check or log_check(path, log, archive)
    estimates = check.estimates if check.n_samples else header_estimates(log)
    scorers = scorers_of(log)
    asked, left = log.eval.dataset.sample_ids or [], not_reached(log)
    ids = [id for id in asked if str(id) not in left]
    absent = set(check.absent)
    made, trained_on = _made_by(path, archive, (id for id in ids if str(id) not in absent), set(scorers))
    trained_on |= set() if floor else trained_on_of(log)
    latents = tuple(sorted(map(str, ids)))
    planned = digest_of(latents if len(ids) == len(asked) else sorted(map(str, asked)))
    usages = list(log.stats.model_usage.values())
    cost = sum(usage.total_cost if usage.total_cost is not None else float("nan") for usage in usages)
    cost = cost if isfinite(cost) else float("nan")
    metadata = log.eval.metadata or {}
    suite = suite_of(log)
    return [
        Entry(
            explainer=explainer,
            floor=floor,
            trained=not floor and scorer.rstrip("0123456789") in trained_on,
            baseline=baseline,
            setting=Setting(
                score=scorer.rstrip("0123456789"),  # Inspect numbers a scorer that is added a second time
                suite=_text(suite.get("label", "")),
                store=_text(metadata.get("store")),
                hookpoint=_text(metadata.get("hookpoint")),
                grader=_text(made.get(scorer, {}).get("grader")),
                prompt=_text(made.get(scorer, {}).get("prompt")),
                options=_options(made.get(scorer, {}).get("options"), metadata.get("stop_mean")),
                latents=planned,
            ),
            scores=estimates.get(scorer, {}),
            n_latents=len(ids),
            tokens_per_latent=sum(usage.total_tokens for usage in usages) / len(ids) if ids else float("nan"),
            cost_per_latent=cost / len(ids) if ids and usages else float("nan"),
            created=str(log.eval.created),
            path=path,
            scorer=scorer,
            latents=latents,
            subject=_text(metadata.get("subject")),
            coder=_text(metadata.get("coder")),
            shard=_shard(log),
            digest=None if suite.get("digest") is None else _text(suite["digest"]),
            one_store=suite.get("one_store") is not False,
        )
        for scorer in scorers
    ]


def _options(options: Any, stop_mean: object) -> str:
    """Return a score's options as JSON, and the rule that could end the evaluation before its last latent."""
    if stop_mean is not None:
        own: dict[str, Any] = options if is_dict(options) else {}
        options = {**own, "stop_mean": stop_mean}
    return json.dumps(options, sort_keys=True)


def _text(value: object) -> str:
    """Return what a log says as text that every file can hold: half a character of UTF-16 is spelled out."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def suite_of(log: EvalLog) -> dict[str, Any]:
    """Return what a log says of its suite (`suites.frozen_options`); nothing if it is an entry of none."""
    suite = (log.eval.metadata or {}).get("suite")
    return suite if is_dict(suite) and suite.get("entry") is True else {}


def digest_of(latents: Sequence[str]) -> str:
    """Return what tells sets of latents apart: their ids, in order of text."""
    return sha256("\n".join(latents).encode()).hexdigest()[:16]


def _shard(log: EvalLog) -> Shard | None:
    facts = (log.eval.metadata or {}).get(SWEEP)
    if not is_dict(facts):
        return None
    return Shard(str(facts.get("id")), int(facts.get("shard", 0)), int(facts.get("of", 0)))


def _explainer(log: EvalLog) -> tuple[str, bool, bool]:
    """Return what wrote a log's explanations, whether it is a floor, and whether it is the lexical baseline."""
    model = LEXICAL if log.eval.model == NO_MODEL else log.eval.model
    solver, options, from_file = solver_of(log)
    if solver in _NO_MODEL or from_file:
        label = solver
    else:
        label = model if solver == "explain" else f"{model}{SEPARATOR}{solver}"
        options = telling_arguments(log.eval.model_args) | sampling(log.eval.model_generate_config) | options
    label = label_words(label, options)
    floor = solver in FLOORS
    return label, floor, not floor and model.endswith("/lexical") and solver not in _NO_MODEL and not from_file


def _made_by(
    path: str, archive: LogArchive | None, ids: Iterable[str | int], scorers: set[str]
) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return what the log's header does not say.

    Returns:
        By scorer the metadata of one of its scores, which may have been added later; and the scores that a sample says
        the explanation's writer was trained on, as explanations from a file do.
    """
    metadata: dict[str, dict[str, Any]] = {}
    trained_on: set[str] = set()
    for id in ids:
        try:
            sample = _sample(path, archive, id)
        except (IndexError, KeyError):  # not in the log: it failed, or the log is a part of the run
            continue
        metadata |= {name: score.metadata for name, score in (sample.scores or {}).items() if score.metadata}
        explanation = sample.metadata.get(EXPLANATION)
        trained_on |= set(map(str, (explanation if is_dict(explanation) else {}).get("trained_on") or ()))
        if scorers <= metadata.keys():
            break
    return metadata, trained_on


def _sample(path: str, archive: LogArchive | None, id: str | int) -> EvalSample:
    """Read a sample without messages and events; an archive's directory that was read is not read again."""
    if archive is None:
        return read_eval_log_sample(path, id, exclude_fields=UNREAD)
    fields: dict[str, Any] = archive.json(sample_member(id))
    return EvalSample.model_validate({name: value for name, value in fields.items() if name not in UNREAD})


def _broken(name: str, path: str, problem: str, created: str = "") -> Entry:
    nan = float("nan")
    return Entry(name, False, UNKNOWN, {}, 0, nan, nan, created, path, problem)


def is_known(value: float) -> bool:
    """Return whether a number is defined."""
    return not isnan(value)
