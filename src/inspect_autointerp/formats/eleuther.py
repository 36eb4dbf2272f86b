"""The EleutherAI explanations dataset: one flat JSON object per coder, `{"INDEX": "explanation"}`, and nothing else."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from inspect_autointerp.formats.dedupe import once_each
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Row, parse_index, short
from inspect_autointerp.formats.source import Source
from inspect_autointerp.formats.strict_json import Unreadable, decode

_SCORES = {"detection": "recall", "fuzzing": "fuzz"}
"""Names in the dataset of those of our scores that it has."""
_WHITE = " \t\n\r"


def is_eleuther(record: Mapping[str, Any]) -> bool:
    """Return whether this is such an object: indices with texts."""
    texts = (isinstance(value, str | None) for value in record.values())
    return bool(record) and all(texts) and all(parse_index(name) is not None for name in record)


def read_eleuther(source: Source, faults: Faults) -> Iterator[Row]:
    """The explanations of a file; it names no hookpoint."""
    try:
        text = decode(source.read())
        pairs = list(_pairs(text))
    except Unreadable as error:
        faults.add(f"{source.given}:{error.line}", str(error))
        return
    for line, name, value in pairs:
        place, index = f"{source.given}:{line}", parse_index(name)
        if index is None:
            faults.add(place, f"{short(name)} is not a latent's index")
        elif not isinstance(value, str | None):
            faults.add(place, f"latent {index} has {short(value)} where its explanation should be")
        else:
            yield Row(place=place, index=index, text=value)


def _pairs(text: str) -> Iterator[tuple[int, str, Any]]:
    """The names and values of a flat object with their lines; a name that stands twice comes twice.

    Raises:
        Unreadable: It is no JSON object.
    """
    try:
        if not isinstance(json.loads(text), dict):
            raise Unreadable('not a JSON object {"INDEX": "explanation"}')
    except json.JSONDecodeError as error:
        raise Unreadable(f"broken JSON ({error.msg}, column {error.colno})", error.lineno) from None
    except RecursionError:
        raise Unreadable("JSON is nested too deeply") from None
    except ValueError as error:
        raise error if isinstance(error, Unreadable) else Unreadable("a number that is too long") from None
    # It is well formed, so only what separates its parts has to be stepped over.
    decoder, line, counted = json.JSONDecoder(), 1, 0
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        line, counted = line + text.count("\n", counted, position), position
        name, position = decoder.raw_decode(text, position)
        value, position = decoder.raw_decode(text, _skip(text, position, ":"))
        yield line, name, value
        position = _skip(text, position, ",")


def _skip(text: str, position: int, sign: str = "") -> int:
    """The place of what comes next, behind white space and this sign."""
    while text[position] in _WHITE or text[position] == sign:
        position += 1
    return position


def write_eleuther(rows: Iterable[Row], folder: Path) -> None:
    """Write `HOOKPOINT_feature.json`, and `scores/{recall,fuzz}_HOOKPOINT.json` where there are such scores.

    A score is its headline, the balanced accuracy, where the dataset has the accuracy.
    """
    scores: dict[str, dict[int, float]] = {}
    name = ""
    with (folder / "texts").open("w", encoding="ascii", newline="") as file:
        for number, row in enumerate(once_each(rows, scores)):
            name = str(row.hookpoint).replace("/", "--")
            file.write(f"{',' if number else '{'}\n{json.dumps(str(row.index))}: {json.dumps(row.text)}")
        file.write("\n}\n")
    (folder / "texts").rename(folder / f"{name}_feature.json")
    for score, kind in _SCORES.items():
        if score in scores:
            (folder / "scores").mkdir(exist_ok=True)
            by_latent = {str(index): value for index, value in scores[score].items()}
            (folder / "scores" / f"{kind}_{name}.json").write_text(
                json.dumps(by_latent, indent=0) + "\n", encoding="ascii"
            )
