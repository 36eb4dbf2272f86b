"""A log's numbers computed anew from its samples, and everything in the log compared with everything else in it."""

from dataclasses import dataclass
from hashlib import sha256
from math import isclose, isnan, nan
from typing import Any

import fsspec
from inspect_ai.log import EvalLog, read_eval_log, read_eval_log_sample

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.provenance import provenance
from inspect_autointerp.inspect_support.stated_estimates import stated_estimates
from inspect_autointerp.leaderboard.load.consistency import Samples, summary_contradictions
from inspect_autointerp.leaderboard.load.log_entry import Entry, entries, suite_of
from inspect_autointerp.leaderboard.load.log_values import check_of, summarized
from inspect_autointerp.leaderboard.submit.recompute_statistics import FromVerdicts, compare_statistics
from inspect_autointerp.statistics.estimates import Estimate
from inspect_autointerp.statistics.intervals import bootstrap_interval

_UNREAD = {"messages", "events", "attachments", "store"}
_BLOCK = 1 << 20
_SHOWN = 5
"""Contradictions that a message names."""
_SAID = {"name": str, "version": int, "sha256": str, "label": str, "scores": list, "grader": str, "latents": int}
"""Required facts about a log's suite, with their types."""


@dataclass(frozen=True)
class ScoreOf:
    """One score of a log."""

    entry: Entry
    values: dict[str, list[float]]
    """By statistic, of each latent; NaN where undefined."""
    estimates: dict[str, Estimate]
    """Computed from the values. A latent whose sample failed counts as wholly unscored."""
    edited: int
    """Latents whose score was edited after the run."""


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
    from_verdicts: FromVerdicts
    """Scores whose statistics were computed again from verdicts. All of them agree."""


def recomputed(path: str) -> Recomputed:
    """Read a log of a suite, every sample's scores included.

    Raises:
        UserError: It cannot be read, is no finished entry of a suite, contradicts itself, or lacks samples.
    """
    digest = log_sha256(path)
    try:
        log = read_eval_log(path, header_only=True)
    except Exception as error:  # a log cut short can fail in any layer
        raise UserError(f"{path}: not a readable log ({type(error).__name__})") from error
    suite = suite_of(log)
    if not suite:
        raise UserError(
            f"{path}: not a log of a suite; run inspect_autointerp/multi_score with -T suite=… and the"
            " suite's own grader"
        )
    if odd := [name for name, kind in _SAID.items() if not isinstance(suite.get(name), kind)]:
        raise UserError(
            f"{path}: does not say of its suite the {', '.join(odd)}: not written by this version, or changed"
        )
    if log.status != "success" or not log.results:
        raise UserError(f"{path}: the run is not finished (status {log.status})")
    if (log.eval.config.epochs or 1) != 1:
        raise UserError(f"{path}: {log.eval.config.epochs} epochs; an entry takes one")
    try:
        summaries = summarized(path)  # from the log, whatever lies in a cache or beside it
    except Exception as error:  # a damaged log can fail in any layer
        raise UserError(f"{path}: damaged ({type(error).__name__})") from error
    check = check_of(summaries)
    own = [
        entry
        for entry in entries(log, path, check)
        if entry.scorer in suite["scores"] and entry.setting.grader == suite["grader"]
    ]
    latents = own[0].latents if own else ()
    samples, texts = _read(path, log)
    values = _values(samples)
    edited, from_verdicts = _check(path, summaries, samples, texts)
    stated = stated_estimates(log)
    scores = {
        entry.scorer: _score(entry, values, stated.get(entry.scorer, {}), path, edited.get(entry.scorer, 0))
        for entry in own
    }
    about = {key: value for key, value in provenance(path, log, {}, check.estimates).items() if key != "log"}
    about["eval_id"] = log.eval.eval_id
    store = str((log.eval.metadata or {}).get("store"))
    return Recomputed(path, digest, suite, store, latents, about, scores, from_verdicts)


def log_sha256(path: str) -> str:
    """The sha256 of a log's bytes.

    Raises:
        UserError: It cannot be read.
    """
    digest = sha256()
    try:
        with fsspec.open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError, ImportError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return digest.hexdigest()


Texts = dict[tuple[str, str], tuple[str | None, str | None]]
"""By score and latent, the answer and the report."""


def _read(path: str, log: EvalLog) -> tuple[list[dict[str, Any]], Texts]:
    """Read all samples, those that failed included; and the texts that reduced scores repeat."""
    records: list[dict[str, Any]] = []
    texts: Texts = {}
    for id in log.eval.dataset.sample_ids or []:
        try:
            sample = read_eval_log_sample(path, id, exclude_fields=_UNREAD)
        except IndexError:
            continue
        except Exception as error:
            raise UserError(f"{path}: sample {id} cannot be read ({type(error).__name__})") from error
        texts |= {(name, str(id)): (score.answer, score.explanation) for name, score in (sample.scores or {}).items()}
        scores = {name: score.model_dump(exclude={"history"}) for name, score in (sample.scores or {}).items()}
        records.append(
            {
                "id": str(sample.id),
                "epoch": sample.epoch,
                "metadata": sample.metadata,
                "error": sample.error,
                "scores": scores,
            }
        )
    return records, texts


def _check(
    path: str, summaries: Samples, samples: list[dict[str, Any]], texts: Texts
) -> tuple[dict[str, int], FromVerdicts]:
    """Compare everything in a log with everything else in it.

    Returns:
        By score, of how many latents it was edited after the run; and what the verdicts came to.

    Raises:
        UserError: The log contradicts itself, or has no sample of some of its latents.
    """
    header, absent = summaries.header, summaries.absent
    whole = Samples.read(header, samples, summaries.edited)
    lines = [f"{len(absent)} of its {len(summaries.ids)} samples are missing ({absent[0]})"] if absent else []
    lines += [*summaries.contradictions, *whole.contradictions, *summary_contradictions(summaries, whole)]
    lines += [
        f"the reduced score {reduced.scorer} of {score.sample_id} has another answer or report than its sample"
        for reduced in header.reductions or []
        for score in reduced.samples
        if texts.get((reduced.scorer, str(score.sample_id))) not in (None, (score.answer, score.explanation))
    ]
    from_verdicts = compare_statistics(samples, summaries.edited)
    lines += from_verdicts.differences
    if lines:
        raise UserError(f"{path}: contradicts itself: {'; '.join(list(dict.fromkeys(lines))[:_SHOWN])}")
    return {name: len(ids) for name, ids in summaries.edited.items()}, from_verdicts


def _values(samples: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """By latent and score what the samples say; nothing of a sample that failed."""
    return {
        sample["id"]: {
            name: score["value"] for name, score in sample["scores"].items() if isinstance(score["value"], dict)
        }
        for sample in samples
    }


def _score(
    entry: Entry,
    values: dict[str, dict[str, dict[str, Any]]],
    stated: dict[str, dict[str, float]],
    path: str,
    edited: int,
) -> ScoreOf:
    of_latent = [values.get(latent, {}).get(entry.scorer) for latent in entry.latents]
    by_name = {name: [_number((value or {}).get(name)) for value in of_latent] for name in entry.scores}
    estimates = {name: estimate_of(column) for name, column in by_name.items()}
    for name, parts in stated.items():
        for part, there in parts.items():
            here = getattr(estimates[name], part) if name in estimates else nan
            if not same(here, there):
                raise UserError(
                    f"{path}: its header says {part} {there:.6g} of {entry.scorer}'s {name}, but its samples give"
                    f" {here:.6g}: changed since it was written"
                )
    if "unscored" in by_name and None in of_latent:  # the header's mean is of the latents that have a score
        unscored = [1.0 if value is None else value["unscored"] for value in of_latent]
        by_name["unscored"] = [_number(one) for one in unscored]
        estimates["unscored"] = estimate_of(by_name["unscored"])
    return ScoreOf(entry, by_name, estimates, edited)


def estimate_of(values: list[float]) -> Estimate:
    """The mean of the values that are defined, and its interval."""
    known = [value for value in values if not isnan(value)]
    low, high = bootstrap_interval(known)
    return Estimate(sum(known) / len(known) if known else nan, low, high, len(known))


def same(one: float, other: float) -> bool:
    """Return whether two numbers agree up to the order in which they were added up; NaN is NaN."""
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (isnan(one) and isnan(other))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else nan
