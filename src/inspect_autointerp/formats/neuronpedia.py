"""Neuronpedia: its bulk export's explanations (`explanations/batch-N.jsonl.gz`), and features as its HTTP API has them.

The latent's `index` is a string there, and `layer` the name of the source (`6-res-jb`): it stands for the hookpoint.
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from inspect_autointerp.formats.dedupe import score_of
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Row, finite, headlines, parse_index, short
from inspect_autointerp.formats.source import Source
from inspect_autointerp.formats.strict_json import Unreadable, load
from inspect_autointerp.formats.tables import json_lines
from inspect_autointerp.text.json_values import is_dict, is_list

_LATENT = ("modelId", "layer", "index")
_BATCH = 1024
"""Explanations in a file that we write; the export has so many latents in one."""
_SCORES = {"detection": "eleuther_recall", "fuzzing": "eleuther_fuzz", "embedding": "eleuther_embedding"}
"""Neuronpedia's names of those of our scores that it knows; the others keep their own names."""
_FILE = re.compile(r"batch-\d+\.jsonl(\.gz)?")


def is_neuronpedia(record: Mapping[str, Any]) -> bool:
    """Return whether this is an explanation or a feature of Neuronpedia's."""
    return all(name in record for name in _LATENT) and ("description" in record or "explanations" in record)


def batches(source: Source) -> list[str]:
    """The files of explanations in a folder: of the export's own layout, or directly in it."""
    none: list[str] = []
    return next((files for folder in ("explanations", "") if (files := _lines_files(source, folder))), none)


def read_neuronpedia(source: Source, faults: Faults) -> Iterator[Row]:
    """The explanations of a folder of batches, of one batch, or of features as JSON."""
    if source.is_folder:
        scores: dict[str, dict[str, float]] = {}
        for name in _lines_files(source, "scores"):
            for _, record in json_lines(source, name, faults):
                scores.setdefault(str(record.get("explanationId")), {}).update(_scores([record]))
        for name in batches(source):
            for place, record in json_lines(source, name, faults):
                yield from _rows(place, record, faults, scores)
        return
    if source_is_lines(source):
        for place, record in json_lines(source, "", faults):
            yield from _rows(place, record, faults, {})
        return
    try:
        content = load(source.read())
    except Unreadable as error:
        faults.add(f"{source.given}:{error.line}", str(error))
        return
    for record in content if is_list(content) else [content]:
        yield from _rows(source.given, record, faults, {})


def source_is_lines(source: Source) -> bool:
    """Return whether each line of a file is JSON by itself, as far as the first one tells."""
    first = source.read().lstrip().partition(b"\n")[0]
    try:
        return isinstance(load(first), dict)
    except Unreadable:
        return False


def _lines_files(source: Source, folder: str) -> list[str]:
    return [name for name in source.names(folder) if _FILE.fullmatch(name.rpartition("/")[2])]


def _rows(place: str, record: Any, faults: Faults, scores: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    """The explanation of a line, or all those of a feature."""
    if not is_dict(record) or not is_neuronpedia(record):
        faults.add(place, "not Neuronpedia's: it needs modelId, layer, index, and description or explanations")
        return
    index = parse_index(record["index"])
    names = record["modelId"], record["layer"]
    if index is None or not all(isinstance(name, str) for name in names):
        faults.add(place, f"index {short(record['index'])}, or its modelId or layer, is not as Neuronpedia writes it")
        return
    explanations = record.get("explanations", [record])
    for explanation in explanations if is_list(explanations) else [None]:
        if not is_dict(explanation) or "description" not in explanation:
            faults.add(place, "an explanation without `description`")
            continue
        maker = [explanation.get(name) for name in ("explanationModelName", "typeName", "authorId", "createdAt")]
        if not all(isinstance(name, str | None) for name in maker):
            faults.add(place, "explanationModelName, typeName, authorId or createdAt is not text")
            continue
        yield Row(
            place=place,
            index=index,
            model=names[0],
            hookpoint=names[1],
            text=explanation["description"],
            explainer=maker[0] or None,
            method=maker[1] or None,
            author=maker[2] or None,
            created=maker[3] or None,
            scores=scores.get(str(explanation.get("id"))) or _scores(explanation.get("scores")),
        )


def _scores(scores: object) -> dict[str, float]:
    """By type, Neuronpedia's ExplanationScores that have a value."""
    records = [score for score in scores if is_dict(score)] if is_list(scores) else []
    values = {score.get("explanationScoreTypeName"): finite(score.get("value")) for score in records}
    return {name: value for name, value in values.items() if isinstance(name, str) and value is not None}


@dataclass(frozen=True, kw_only=True)
class Names:
    """Neuronpedia's names of the model and the source that an export is about."""

    model: str
    """`modelId`, for instance `gpt2-small`."""
    source: str
    """`layer`, the id of the source, for instance `6-res-jb`."""
    author: str
    """`authorId`, of a registered user."""
    created: str
    """ISO 8601."""


def write_neuronpedia(rows: Iterable[Row], folder: Path, names: Names) -> None:
    """Write `explanations/batch-N.jsonl.gz`, and as lines of the table ExplanationScore `scores/batch-N.jsonl.gz`.

    An id is made of what it stands for, so that what is written twice is the same explanation. A score's `jsonDetails`
    is an empty list: our logs hold no verdicts of single contexts.
    """
    _write_batches(folder / "explanations", _explanations(rows, names))
    _write_batches(folder / "scores", _all_scores(rows, names))


def _explanations(rows: Iterable[Row], names: Names) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for row in rows:
        if (name := _id(row, names)) in seen:
            continue
        seen.add(name)
        yield {
            "id": name,
            "modelId": names.model,
            "layer": names.source,
            "index": str(row.index),
            "description": row.text,
            "authorId": names.author,
            "typeName": row.method,
            "explanationModelName": row.explainer,
            "createdAt": names.created,
        }


def _all_scores(rows: Iterable[Row], names: Names) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for row in rows:
        about = _id(row, names)
        for statistic, value in headlines(row.scores).items():
            ours = score_of(statistic)
            kind = _SCORES.get(ours, ours)
            grader = row.made_by.get(f"{statistic.partition('.')[0]}.grader")
            name = _hashed(about, kind, str(grader))
            if name in seen:
                continue
            seen.add(name)
            yield {
                "id": name,
                "explanationId": about,
                "value": value,
                "explanationScoreTypeName": kind,
                "explanationScoreModelName": grader,
                "jsonDetails": "[]",
                "initiatedByUserId": names.author,
                "createdAt": names.created,
            }


def _id(row: Row, names: Names) -> str:
    parts = (names.model, names.source, str(row.index), str(row.text), str(row.method), str(row.explainer))
    return _hashed(*parts)


def _hashed(*parts: str) -> str:
    """Twenty-five letters and digits, a letter first, as Neuronpedia's ids are."""
    number = int.from_bytes(sha256("\0".join(parts).encode()).digest())
    digits: list[str] = []
    for _ in range(24):
        number, digit = divmod(number, 36)
        digits.append("0123456789abcdefghijklmnopqrstuvwxyz"[digit])
    return "c" + "".join(digits)


def _write_batches(folder: Path, records: Iterator[dict[str, Any]]) -> None:
    number = 0
    while part := list(islice(records, _BATCH)):
        folder.mkdir(exist_ok=True)
        lines = "".join(json.dumps(record, allow_nan=False) + "\n" for record in part)
        (folder / f"batch-{number}.jsonl.gz").write_bytes(gzip.compress(lines.encode("ascii"), mtime=0))
        number += 1
