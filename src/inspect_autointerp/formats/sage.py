"""SAGE's results (arXiv 2511.20820): `feature_N/structured_results.json`, one file per latent, with what it cost.

The format is read as the published results of the repository jiujiubuhejiu/SAGE have it. The explanation is the text
under `[DESCRIPTION]:` in the last analysis. A file says the layer and not the coder: it is called `layer_7` here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Row, finite, parse_index, short
from inspect_autointerp.formats.source import Source
from inspect_autointerp.formats.strict_json import Unreadable, load
from inspect_autointerp.text.json_values import is_dict, is_list

FILE = "structured_results.json"
_DESCRIPTION = re.compile(r"\[DESCRIPTION\]:(.*?)(?=^\s*\[(?:EVIDENCE|LABEL)|\Z)", re.DOTALL | re.MULTILINE)


def is_sage(record: Mapping[str, Any]) -> bool:
    """Return whether this is such a file's object."""
    return {"feature_id", "layer", "analysis_history", "hypotheses"} <= record.keys()


def results(source: Source) -> list[str]:
    """Return the files of a folder: of one feature, or of a layer's features."""
    own = [name for name in source.names() if name == FILE]
    return own or [f"{folder}/{FILE}" for folder in source.folders() if FILE in _bases(source.names(folder))]


def _bases(names: list[str]) -> set[str]:
    return {name.rpartition("/")[2] for name in names}


def read_sage(source: Source, faults: Faults) -> Iterator[Row]:
    """Return the explanations of a file or a folder."""
    files = source.read_all(results(source)) if source.is_folder else iter([("", source.read())])
    for name, content in files:
        place = source.place(name)
        try:
            record = load(content)
        except Unreadable as error:
            faults.add(f"{place}:{error.line}", str(error))
            continue
        if not is_dict(record) or not is_sage(record):
            faults.add(place, "not SAGE's: feature_id, layer, analysis_history or hypotheses is missing")
            continue
        index, layer = parse_index(record["feature_id"]), parse_index(record["layer"])
        if index is None or layer is None:
            wrong = record["feature_id"] if index is None else record["layer"]
            faults.add(place, f"{short(wrong)}, where SAGE writes a feature_id and a layer")
            continue
        text = _description(record["analysis_history"])
        usage = record.get("token_usage")
        usage = usage if is_dict(usage) else {}
        models = usage.get("by_model")
        yield Row(
            place=place,
            index=index,
            hookpoint=f"layer_{layer}",
            text=text,
            reason=None if text else "no_description",
            explainer=", ".join(sorted(models)) if is_dict(models) and models else None,
            method="sage",
            cost=_cost(record, usage),
        )


def _description(history: object) -> str | None:
    """The last description; None where an agent came to none."""
    for analysis in reversed(history) if is_list(history) else ():
        if isinstance(analysis, str) and (match := _DESCRIPTION.search(analysis)):
            return " ".join(match[1].split()) or None
    return None


def _cost(record: Mapping[str, Any], usage: Mapping[str, Any]) -> dict[str, float]:
    """Return the costs that a record gives, by the names of `models.spending`."""
    numbers = {
        "explainer_tokens": finite(usage.get("total_tokens")),
        "calls": finite(usage.get("total_calls")),
        "seconds": finite(record.get("duration_seconds")),
    }
    return {name: number for name, number in numbers.items() if number is not None}
