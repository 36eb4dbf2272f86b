"""Delphi's run folder: `explanations/HOOKPOINT_latentINDEX.txt`, a JSON string each, with `--` for a `/` in a name."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from inspect_autointerp.formats.dedupe import once_each
from inspect_autointerp.formats.delphi_scores import file_name
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Row, parse_index, short
from inspect_autointerp.formats.source import Source
from inspect_autointerp.formats.strict_json import Unreadable, load

_FILE = re.compile(r"(.+)_latent([0-9]+)\.txt", re.DOTALL)
_UNPARSED = "Explanation could not be parsed."
"""Text that Delphi writes (and scores) if the explainer's answer held no explanation."""


def texts(source: Source) -> list[str]:
    """The files of explanations in a run's folder, or in its folder `explanations` given by itself."""
    files = source.names("explanations")
    if any(name.endswith(".txt") for name in files):
        return files
    return [name for name in source.names() if _FILE.fullmatch(name)]


def read_delphi(source: Source, faults: Faults) -> Iterator[Row]:
    """The explanations of a run; their hookpoint is as in the file's name, that is with `--` for `/`."""
    for name, content in source.read_all(texts(source)):
        match = _FILE.fullmatch(name.rpartition("/")[2])
        index = parse_index(match[2]) if match else None
        if match is None or index is None:
            faults.add(source.place(name), "not named as Delphi does, HOOKPOINT_latentINDEX.txt")
            continue
        try:
            text = load(content)
        except Unreadable as error:
            faults.add(f"{source.place(name)}:{error.line}", f"{error}; Delphi writes a JSON string")
            continue
        if not isinstance(text, str):
            faults.add(source.place(name), f"{short(text)}, where Delphi writes a JSON string")
            continue
        unparsed = text == _UNPARSED
        yield Row(
            place=source.place(name),
            index=index,
            hookpoint=match[1],
            text=None if unparsed else text,
            reason="not_parsed_by_delphi" if unparsed else None,
        )


def write_delphi(rows: Iterable[Row], folder: Path) -> None:
    """Write a run's `explanations/`; its `scores/` are written by `delphi_scores`, which needs verdicts and a store."""
    (folder / "explanations").mkdir()
    for row in once_each(rows):
        name = file_name(str(row.hookpoint), row.index)
        (folder / "explanations" / name).write_text(json.dumps(row.text), encoding="ascii")
