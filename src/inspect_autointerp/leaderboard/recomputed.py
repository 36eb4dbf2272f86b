"""A log's numbers computed anew from its samples, and compared with what its header says."""

from dataclasses import dataclass
from hashlib import sha256
from math import isclose, isnan, nan
from typing import Any

import fsspec
from inspect_ai.log import EvalLog, read_eval_log, read_eval_log_sample

from inspect_autointerp.errors import UserError
from inspect_autointerp.exchange.provenance import provenance
from inspect_autointerp.intervals import bootstrap_interval
from inspect_autointerp.leaderboard.entry import Entry, entries, suite_of
from inspect_autointerp.leaderboard.header import Estimate

_UNREAD = {"messages", "events", "attachments", "store"}
_BLOCK = 1 << 20
_SAID = {"name": str, "version": int, "sha256": str, "label": str, "scores": list, "grader": str, "latents": int}
"""What a log has to say of its suite."""


@dataclass(frozen=True)
class ScoreOf:
    """One score of a log."""

    entry: Entry
    values: dict[str, list[float]]
    """By statistic, of each latent; NaN where undefined."""
    estimates: dict[str, Estimate]
    """Computed from the values."""


@dataclass(frozen=True)
class Recomputed:
    """A log of a suite."""

    path: str
    sha256: str
    suite: dict[str, Any]
    store: str
    latents: tuple[str, ...]
    """In order of text."""
    about: dict[str, Any]
    scores: dict[str, ScoreOf]
    """By name; the suite's alone, as the suite's grader gave them."""


def recomputed(path: str) -> Recomputed:
    """Read a log of a suite, every sample's scores included.

    Raises:
        UserError: It cannot be read, or is no finished entry of a suite; or its header says something else than its
            samples.
    """
    digest = log_sha256(path)
    try:
        log = read_eval_log(path, header_only=True)
    except Exception as error:  # a log cut short can fail in any layer
        raise UserError(f"{path}: not a readable log ({type(error).__name__})") from error
    suite = suite_of(log)
    if not suite:
        raise UserError(f"{path}: no entry of a suite; run inspect_autointerp/suite with -T suite=… and its own grader")
    if odd := [name for name, kind in _SAID.items() if not isinstance(suite.get(name), kind)]:
        raise UserError(
            f"{path}: does not say of its suite the {', '.join(odd)}: not written by this version, or changed"
        )
    if log.status != "success" or not log.results:
        raise UserError(f"{path}: not finished (status {log.status})")
    if (log.eval.config.epochs or 1) != 1:
        raise UserError(f"{path}: {log.eval.config.epochs} epochs; an entry is of one")
    own = [
        entry
        for entry in entries(log, path)
        if entry.scorer in suite["scores"] and entry.setting["grader"] == suite["grader"]
    ]
    latents = own[0].latents if own else ()
    values = _values(path, log, latents)
    scores = {entry.scorer: _score(entry, values, path) for entry in own}
    about = {key: value for key, value in provenance(path, log, {}).items() if key != "log"}
    about["eval_id"] = log.eval.eval_id
    store = str((log.eval.metadata or {}).get("store"))
    return Recomputed(path, digest, suite, store, latents, about, scores)


def log_sha256(path: str) -> str:
    """The sha256 of a log's bytes.

    Raises:
        UserError: It cannot be read.
    """
    found = sha256()
    try:
        with fsspec.open(path, "rb") as file:
            while block := file.read(_BLOCK):  # pyright: ignore[reportAttributeAccessIssue]
                found.update(block)
    except (OSError, ValueError, ImportError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return found.hexdigest()


def _values(path: str, log: EvalLog, latents: tuple[str, ...]) -> dict[str, dict[str, dict[str, Any]]]:
    """By latent and score what the samples say; nothing of a sample that failed."""
    named = {str(id): id for id in log.eval.dataset.sample_ids or []}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for latent in latents:
        try:
            sample = read_eval_log_sample(path, named[latent], exclude_fields=_UNREAD)
        except IndexError:
            found[latent] = {}
            continue
        except Exception as error:
            raise UserError(f"{path}: sample {latent} cannot be read ({type(error).__name__})") from error
        scores = sample.scores or {}
        found[latent] = {name: dict(score.value) for name, score in scores.items() if isinstance(score.value, dict)}
    return found


def _score(entry: Entry, values: dict[str, dict[str, dict[str, Any]]], path: str) -> ScoreOf:
    by_name = {
        name: [_number(values[latent].get(entry.scorer, {}).get(name)) for latent in entry.latents]
        for name in entry.scores
    }
    estimates = {name: estimate_of(of) for name, of in by_name.items()}
    for name, said in entry.scores.items():
        for part in Estimate._fields:
            here, there = getattr(estimates[name], part), getattr(said, part)
            if not same(here, there):
                raise UserError(
                    f"{path}: its header says {part} {there:.6g} of {entry.scorer}'s {name}, and its samples come to"
                    f" {here:.6g}: changed since it was written"
                )
    return ScoreOf(entry, by_name, estimates)


def estimate_of(values: list[float]) -> Estimate:
    """The mean of the values that are defined, and its interval."""
    known = [value for value in values if not isnan(value)]
    low, high = bootstrap_interval(known)
    return Estimate(sum(known) / len(known) if known else nan, low, high, len(known))


def same(one: float, other: float) -> bool:
    """Whether two numbers agree up to the order in which they were added up; NaN is NaN."""
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (isnan(one) and isnan(other))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else nan
