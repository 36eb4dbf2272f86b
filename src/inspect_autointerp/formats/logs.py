"""Inspect logs of this project as rows: what each sample's metadata say of its explanation, and its scores."""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.records import Row, finite, parse_index, short

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

_TOGETHER = 256
"""Samples that are read together at the least."""
_PARTS = 128
"""In how many parts a large log is read: for each Inspect reads the log's directory, which grows with the log."""
_UNUSED = {"messages", "events", "attachments", "store", "output"}


def read_header(path: str) -> "EvalLog":
    """A log's header.

    Raises:
        UserError: It cannot be read, or is not of this project.
    """
    from inspect_ai.log import read_eval_log

    try:
        log = read_eval_log(path, header_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such log") from None
    except Exception as error:
        raise _unreadable(path, error) from error
    if "inspect_autointerp" not in (log.eval.metadata or {}):
        raise UserError(f"{path}: a log of another project (task {short(log.eval.task)}), without explanations")
    return log


def log_rows(path: str, log: "EvalLog", shown: str | None = None) -> Iterator[Row]:
    """The explanations of a log with their scores, in the order of its samples; a part of them is in memory at a time.

    A row's index is that of the sample; where the explanation was written for another latent (a floor), it says so.

    Args:
        path: Of the log.
        log: Its header.
        shown: What messages call it; the path by default.

    Raises:
        UserError: A sample cannot be read, or is not of this project.
    """
    wanted = _there(path, log)
    for begin in range(0, len(wanted), size := max(_TOGETHER, len(wanted) // _PARTS)):
        part = wanted[begin : begin + size]
        for sample in _samples(path, part):
            yield _row(shown or path, sample, log)


def _there(path: str, log: "EvalLog") -> list[tuple[str | int, int]]:
    """The ids and epochs of the samples that a log holds: all of them, unless it was interrupted."""
    from inspect_ai.log import read_eval_log_sample_summaries

    if log.status == "success":
        return list(product(log.eval.dataset.sample_ids or [], range(1, (log.eval.config.epochs or 1) + 1)))
    try:
        return [(sample.id, sample.epoch) for sample in read_eval_log_sample_summaries(path)]
    except Exception as error:
        raise _unreadable(path, error) from error


def _samples(path: str, wanted: list[tuple[str | int, int]]) -> list["EvalSample"]:
    from inspect_ai.log import read_eval_log_samples_by_id

    try:
        return read_eval_log_samples_by_id(path, wanted, exclude_fields=_UNUSED)
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> UserError:
    """What is said of a log that is cut short or broken: it can fail in any layer."""
    return UserError(f"{path}: not a readable Inspect log ({type(error).__name__})")


def _row(place: str, sample: "EvalSample", log: "EvalLog") -> Row:
    latent = str(sample.id)
    hookpoint, _, digits = latent.rpartition("/")
    index = parse_index(digits)
    if index is None:
        raise UserError(f"{place}: sample {short(latent)} is no latent; the log is of no task of this project")
    explanation = sample.metadata.get("explanation")
    explanation = (
        explanation if isinstance(explanation, dict) else {"reason": "error" if sample.error else "no_explanation"}
    )
    scores, made_by = _scores(sample)
    written_for = explanation.get("latent", latent)
    return Row(
        place=place,
        index=index,
        hookpoint=hookpoint,
        text=explanation.get("text"),
        reason=explanation.get("reason"),
        explainer=log.eval.model if explanation.get("text") else None,
        method=explanation.get("source"),
        written_for=None if written_for == latent else written_for,
        store=explanation.get("store"),
        scores=scores,
        made_by=made_by,
    )


def _scores(sample: "EvalSample") -> tuple[dict[str, float], dict[str, str]]:
    """A sample's scores, and how each was made."""
    scores: dict[str, float] = {}
    made_by: dict[str, str] = {}
    for name, score in (sample.scores or {}).items():
        values: Mapping[str, Any] = score.value if isinstance(score.value, Mapping) else {"value": score.value}
        for statistic, value in values.items():
            number = finite(value)
            scores[f"{name}.{statistic}"] = float("nan") if number is None else number
        about = score.metadata or {}
        made_by |= {f"{name}.{key}": str(about[key]) for key in ("grader", "prompt") if key in about}
        if "options" in about:
            made_by[f"{name}.options"] = json.dumps(about["options"], sort_keys=True)
    return scores, made_by
