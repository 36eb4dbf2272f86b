"""Neuronpedia: its bulk export's explanations (`explanations/batch-N.jsonl.gz`), and features as its HTTP API has them.

The latent's `index` is a string there, and `layer` the name of the source (`6-res-jb`): it stands for the hookpoint.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from inspect_autointerp.exchange.faults import Faults
from inspect_autointerp.exchange.records import Row, finite, parse_index, short
from inspect_autointerp.exchange.source import Source
from inspect_autointerp.exchange.strict_json import Unreadable, load
from inspect_autointerp.exchange.tables import json_lines

_LATENT = ("modelId", "layer", "index")
ENDINGS = (".jsonl", ".jsonl.gz")


def is_neuronpedia(record: Mapping[str, Any]) -> bool:
    """Whether this is an explanation or a feature of Neuronpedia's."""
    return all(name in record for name in _LATENT) and ("description" in record or "explanations" in record)


def batches(source: Source) -> list[str]:
    """The files of explanations in a folder: of the export's own layout, or directly in it."""
    return next((found for folder in ("explanations", "") if (found := _lines_files(source, folder))), [])


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
    for record in content if isinstance(content, list) else [content]:
        yield from _rows(source.given, record, faults, {})


def source_is_lines(source: Source) -> bool:
    """Whether each line of a file is JSON by itself, as far as the first one tells."""
    first = source.read().lstrip().partition(b"\n")[0]
    try:
        return isinstance(load(first), dict)
    except Unreadable:
        return False


def _lines_files(source: Source, folder: str) -> list[str]:
    return [name for name in source.names(folder) if name.endswith(ENDINGS)]


def _rows(place: str, record: Any, faults: Faults, scores: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    """The explanation of a line, or all those of a feature."""
    if not isinstance(record, dict) or not is_neuronpedia(record):
        faults.add(place, "not Neuronpedia's: it needs modelId, layer, index, and description or explanations")
        return
    index = parse_index(record["index"])
    names = record["modelId"], record["layer"]
    if index is None or not all(isinstance(name, str) for name in names):
        faults.add(place, f"index {short(record['index'])}, or its modelId or layer, is not as Neuronpedia writes it")
        return
    found = record.get("explanations", [record])
    for said in found if isinstance(found, list) else [None]:
        if not isinstance(said, dict) or "description" not in said:
            faults.add(place, "an explanation without `description`")
            continue
        maker = said.get("explanationModelName"), said.get("typeName")
        if not all(isinstance(name, str | None) for name in maker):
            faults.add(place, "explanationModelName or typeName is not text")
            continue
        yield Row(
            place=place,
            index=index,
            model=names[0],
            hookpoint=names[1],
            text=said["description"],
            explainer=maker[0] or None,
            method=maker[1] or None,
            scores=scores.get(str(said.get("id"))) or _scores(said.get("scores")),
        )


def _scores(scores: object) -> dict[str, float]:
    """By type, Neuronpedia's ExplanationScores that have a value."""
    found = [score for score in scores if isinstance(score, dict)] if isinstance(scores, list) else []
    values = {score.get("explanationScoreTypeName"): finite(score.get("value")) for score in found}
    return {name: value for name, value in values.items() if isinstance(name, str) and value is not None}
