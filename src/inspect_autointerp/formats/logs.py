"""Inspect logs of this project as rows: what each sample's metadata say of its explanation, and its scores."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.records import Row, finite, parse_index, short
from inspect_autointerp.inspect_support.answer_reasons import main_reason
from inspect_autointerp.inspect_support.explanation import read_concepts
from inspect_autointerp.inspect_support.log_samples import read_samples
from inspect_autointerp.text.json_values import is_dict

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample


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
    for sample in read_samples(path, log):
        yield _row(shown or path, sample, log)


def _row(place: str, sample: "EvalSample", log: "EvalLog") -> Row:
    latent = str(sample.id)
    hookpoint, _, digits = latent.rpartition("/")
    index = parse_index(digits)
    if index is None:
        raise UserError(
            f"{place}: sample {short(latent)} is not a latent; the log does not come from a task of this project"
        )
    explanation = sample.metadata.get("explanation")
    explanation = explanation if is_dict(explanation) else {"reason": "error" if sample.error else "no_explanation"}
    scores, made_by = _scores(sample)
    written_for = explanation.get("latent", latent)
    return Row(
        place=place,
        index=index,
        hookpoint=hookpoint,
        text=explanation.get("text"),
        reason=main_reason(reason) if isinstance(reason := explanation.get("reason"), str) else None,
        explainer=log.eval.model if explanation.get("text") else None,
        method=explanation.get("source"),
        written_for=None if written_for == latent else written_for,
        store=explanation.get("store"),
        trained_on=",".join(map(str, explanation.get("trained_on") or ())) or None,
        scores=scores,
        made_by=made_by,
        concepts=[asdict(concept) for concept in read_concepts(explanation.get("concepts"))],
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
