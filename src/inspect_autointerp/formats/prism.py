"""PRISM's descriptions (arXiv 2506.15538): CSV files with several descriptions of a unit, a row each.

The format is read as the published descriptions of the repository lkopf/prism have it: the columns `layer`, `unit`,
`description`, and where known `mean_activation` and `highlights`; a file per unit, or one file of many. Rows of one
layer and unit are the concepts of one explanation, in order. The mean activation of the highlighted tokens is a
concept's weight, and the highlights are passed over. A file says the layer and not the module: it is called `layer_20`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from inspect_autointerp.formats.csv_rows import csv_rows
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Row, finite, is_unicode, parse_index, short
from inspect_autointerp.formats.source import Source
from inspect_autointerp.inspect_support.explanation import read_concepts, union_text

_NEEDED = {"layer", "unit", "description"}
_FILE = re.compile(r"(?P<model>.+)_layer-\d+_unit-\d+\.csv", re.DOTALL)


def is_prism(head: Sequence[str]) -> bool:
    """Return whether these are the columns of such a file."""
    return set(head) >= _NEEDED


def units(source: Source) -> list[str]:
    """Return the files of a folder, each of a unit."""
    return [name for name in source.names() if _FILE.fullmatch(name)]


def read_prism(source: Source, faults: Faults) -> Iterator[Row]:
    """Return the explanations of a file or a folder."""
    files = source.read_all(units(source)) if source.is_folder else iter([("", source.read())])
    for name, content in files:
        match = _FILE.fullmatch(name or source.given.replace("\\", "/").rpartition("/")[2])
        yield from _rows(content, source.place(name), faults, match["model"] if match else None)


def _rows(content: bytes, place: str, faults: Faults, model: str | None) -> Iterator[Row]:
    by_unit: dict[tuple[int, int], list[dict[str, Any]]] = {}
    places: dict[tuple[int, int], str] = {}
    for where, head, fields in csv_rows(content, place, faults, _head_problem):
        row = dict(zip(head, fields, strict=True))
        layer, unit = parse_index(row["layer"]), parse_index(row["unit"])
        if layer is None or unit is None:
            wrong = row["layer"] if layer is None else row["unit"]
            faults.add(where, f"{short(wrong)}, where PRISM writes the numbers of a layer and a unit")
            continue
        if not is_unicode(row["description"]):
            faults.add(where, "a description has half a surrogate pair, which is not valid Unicode")
            continue
        weight = _weight(row.get("mean_activation", ""))
        if isinstance(weight, str):
            faults.add(where, weight)
            continue
        places.setdefault((layer, unit), where)
        concepts = by_unit.setdefault((layer, unit), [])
        if row["description"].strip():  # a cluster that the model could not describe
            concepts.append({"text": row["description"].strip(), "weight": weight})
    for (layer, unit), concepts in by_unit.items():
        yield Row(
            place=places[layer, unit],
            index=unit,
            hookpoint=f"layer_{layer}",
            model=model,
            text=union_text(read_concepts(concepts)),
            method="prism",
            concepts=concepts if len(concepts) > 1 else (),
        )


def _head_problem(head: Sequence[str]) -> str | None:
    if is_prism(head) and len(set(head)) == len(head):
        return None
    return "not PRISM's: the head must name, once each, layer, unit and description"


def _weight(field: str) -> float | str | None:
    """Return the mean activation in a field; None where it is empty, a sentence where it is no number."""
    if not field.strip():
        return None
    try:
        number = finite(float(field))
    except ValueError:
        number = None
    return f"{short(field)}, where PRISM writes a mean activation" if number is None else number
