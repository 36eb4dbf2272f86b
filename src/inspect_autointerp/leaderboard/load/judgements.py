"""Labels that graders gave to contexts, across logs: which graders judged the same context by the same explanation."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.log_samples import read_header, read_samples
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.scorers.shared.several_graders import GRADERS
from inspect_autointerp.scorers.shared.specs import spec_of
from inspect_autointerp.text.json_values import is_list, is_mapping

PEOPLE = "people"
"""Prefix of the name of people as a grader (`load.people`)."""


class Group(NamedTuple):
    """Conditions that must agree for two graders to have answered the same questions."""

    score: str
    store: str
    prompt: str
    threshold: str
    """Fuzzing's; empty for detection."""
    concepts: str = ""
    """Embedder of `-T concepts=`, where a label is of any of several concepts; empty where the text was judged."""


class Explained(NamedTuple):
    """An explanation of a latent."""

    latent: str
    text: str


@dataclass(frozen=True)
class Labels:
    """One grader's labels of the contexts of one explanation."""

    units: np.ndarray
    """int64 (context,): a code of the context, and for fuzzing of the marks that it wears."""
    labels: np.ndarray
    """float32 (context,): 1, 0, or NaN where unscored."""
    truths: np.ndarray
    """float32 (context,): 1 activating, 0 random, NaN for harder kinds of negatives."""


Judgements = dict[Group, dict[Explained, dict[str, Labels]]]
"""By group, explanation and grader. Of a grader that judged an explanation twice, the newest log counts."""


def read_judgements(results: Results) -> Judgements:
    """Read the labels behind every score that several graders can give; all samples of the logs are read.

    Args:
        results: The entries, those that compare with no other included (`read_results(…, alone=True)`).

    Raises:
        UserError: A log cannot be read, or holds verdicts that are none.
    """
    judgements: Judgements = {}
    rows = results.entries.sort_values("created", kind="stable").to_dict("records")
    by_log: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        spec = spec_of(row["score"])
        if spec and spec.several_graders:
            by_log.setdefault(row["log"], []).append({str(name): value for name, value in row.items()})
    for log, entries in by_log.items():
        for one in results.logs_of(log):
            for sample in read_samples(one, read_header(one)):
                for entry in entries:
                    score = (sample.scores or {}).get(entry["scorer"])
                    if score is None:
                        continue
                    where = f"{one}: the verdicts of {entry['scorer']} of {sample.id}"
                    verdicts = recorded_verdicts(score.metadata, where)
                    options: dict[str, Any] | None = json.loads(entry["options"])
                    threshold, concepts = (str((options or {}).get(name) or "") for name in ("threshold", "concepts"))
                    group = Group(entry["score"], entry["store"], entry["prompt"], threshold, concepts)
                    of_explanation = judgements.setdefault(group, {}).setdefault(
                        Explained(str(sample.id), score.answer or ""), {}
                    )
                    for name, labels in _by_grader(entry["grader"], verdicts, score.metadata or {}, where):
                        of_explanation[name] = labels
    return judgements


def unit_code(start: int, partner: int | None = None) -> int:
    """Return the code of a context: where it begins, and where the context begins whose marks it wears."""
    return hash((start, -1 if partner is None else partner))


def recorded_graders(metadata: Mapping[str, Any], n: int, where: str) -> list[dict[str, Any]]:
    """Return what a score's metadata says of each of several graders; nothing where there was one.

    Args:
        metadata: The score's.
        n: Its verdicts.
        where: What errors call them.

    Raises:
        UserError: It is damaged.
    """
    graders: object = metadata.get(GRADERS) or []
    for one in graders if is_list(graders) else [None]:
        names = ("label", "reason")
        columns: list[Any] = [one.get(name, [None] * n) for name in names] if is_mapping(one) else []
        good = bool(columns) and is_mapping(one) and isinstance(one.get("name"), str)
        if not good or any(not is_list(column) or len(column) != n for column in columns):
            raise UserError(f"{where}: those of its graders are damaged")
        if any(label not in (0, 1, None) for label in columns[0]):
            raise UserError(f"{where}: a grader's label is none of 0, 1 and null")
    return graders if is_list(graders) else []


def _by_grader(
    grader: str, verdicts: list[Verdict], metadata: Mapping[str, Any], where: str
) -> Iterator[tuple[str, Labels]]:
    placed = [(number, one) for number, one in enumerate(verdicts) if one.start is not None]
    if not placed:
        return
    units = np.array(
        [unit_code(one.start or 0, None if one.partner is None else verdicts[one.partner].start) for _, one in placed],
        dtype=np.int64,
    )
    kinds = {"activating": 1.0, "random": 0.0}
    truths = np.array([kinds.get(one.kind, np.nan) for _, one in placed], dtype=np.float32)
    several = recorded_graders(metadata, len(verdicts), where)
    columns = {one["name"]: one.get("label", [None] * len(verdicts)) for one in several} or {
        grader: [one.label for one in verdicts]
    }
    for name, column in columns.items():
        labels = np.array([column[number] for number, _ in placed], dtype=np.float32)  # None becomes NaN
        yield name, Labels(units, labels, truths)
