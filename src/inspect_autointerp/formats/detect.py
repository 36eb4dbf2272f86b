"""Which format a source has, by its content alone: neither by its name nor by what is likely."""

import csv
import json
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import delphi, eleuther, neuronpedia, prism, saebench, sage, tables
from inspect_autointerp.formats.source import GZIP, PARQUET, ZIP, Source
from inspect_autointerp.formats.strict_json import Unreadable, decode, load
from inspect_autointerp.text.json_values import is_dict, is_list

FORMATS = ("jsonl", "csv", "parquet", "neuronpedia", "delphi", "saebench", "eleuther", "sage", "prism", "log")
FOLDERS = ("neuronpedia", "delphi", "sage", "prism")
"""The formats that are folders, or can be."""
_FILES_OF = {
    "neuronpedia": neuronpedia.batches,
    "delphi": delphi.texts,
    "sage": sage.results,
    "prism": prism.units,
}
"""By format, what lists its files in a folder."""
_LOG = ("version", "status", "eval")
"""The names that a JSON log of Inspect begins with."""


def recognise(source: Source) -> str:
    """The format of a source, one of `FORMATS`.

    Raises:
        UserError: It is none of them, or could be of several: then the message says what to give as `format`.
    """
    formats, why = _of_folder(source) if source.is_folder else _of_file(source)
    if len(formats) == 1:
        return formats[0]
    if formats:
        raise UserError(
            f"{source.given}: it can be read as {' or as '.join(formats)}; give format={' or format='.join(formats)}"
        )
    raise UserError(f"{source.given}: {why}; explanations are read from {', '.join(FORMATS)}")


def _of_folder(source: Source) -> tuple[list[str], str]:
    formats = [name for name, files in _FILES_OF.items() if files(source)]
    files = (
        "batch-N.jsonl.gz (Neuronpedia's), HOOKPOINT_latentN.txt (Delphi's), feature_N/structured_results.json (SAGE's)"
        " and MODEL_layer-N_unit-N.csv (PRISM's)"
    )
    return formats, f"a folder without {files}"


def _of_file(source: Source) -> tuple[list[str], str]:
    head = source.head()
    if head.startswith(PARQUET):
        return ["parquet"], ""
    if head.startswith(ZIP):
        return ["log"], ""  # whether it is one is said when it is read
    if not head.startswith(GZIP) and is_json_log(head):
        return ["log"], ""
    content = source.read()
    if not content.strip():
        return [], "the file is empty"
    try:
        decode(content)
    except Unreadable as error:
        raise UserError(f"{source.given}:{error.line}: {error}") from None
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return _of_text(content)
    first, _, rest = content.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    try:
        return _of_json(*_parsed(content, first, rest)), "JSON of no known kind"
    except Unreadable as error:
        raise UserError(f"{source.given}:{error.line}: {error}") from None


def _parsed(content: bytes, first: bytes, rest: bytes) -> tuple[Any, bool]:
    """The object of the first line, and whether there are more lines; or the whole file, if that is one object.

    Names that stand twice are for the format's reader to refuse.
    """
    try:
        return json.loads(first), bool(rest.strip())
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(decode(content)), False
    except (ValueError, RecursionError):
        return load(content), False  # which says what is wrong


def is_json_log(head: bytes) -> bool:
    """Return whether a file that begins like this is a JSON log of Inspect."""
    place = -1
    for name in _LOG:
        place = head.find(f'"{name}"'.encode(), place + 1)
        if place < 0:
            return False
    return head.lstrip().startswith(b"{")


def _of_json(record: Any, lines: bool) -> list[str]:
    """The formats that an object can be of: a whole file, or the first of several lines."""
    if is_list(record):
        features = bool(record) and all(is_dict(one) and neuronpedia.is_neuronpedia(one) for one in record)
        return ["neuronpedia"] if features and not lines else []
    matches = {
        "jsonl": tables.is_row(record),
        "neuronpedia": neuronpedia.is_neuronpedia(record),
        "saebench": not lines and saebench.is_saebench(record),
        "eleuther": not lines and eleuther.is_eleuther(record),
        "sage": not lines and sage.is_sage(record),
    }
    return [name for name, is_it in matches.items() if is_it]


def _of_text(content: bytes) -> tuple[list[str], str]:
    none: list[str] = []
    try:
        head = next(csv.reader([decode(content.partition(b"\n")[0]).rstrip("\r")]), none)
    except csv.Error:  # a line longer than a field may be
        head = none
    if tables.is_row(dict.fromkeys(head)):
        return ["csv"], ""
    if prism.is_prism(head):
        return ["prism"], ""
    return [], (
        "neither JSON nor a CSV file whose head names `explanation`, and `latent` or `index`; nor PRISM's, with"
        " `layer`, `unit` and `description`"
    )
