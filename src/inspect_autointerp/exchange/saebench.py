"""SAEBench's autointerp result, one JSON file per SAE: `{release}_{sae_id}_eval_results.json`.

Its score is the plain accuracy over 14 windows, ten of them silent: a judge that always says "silent" gets 0.714.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from inspect_autointerp.exchange.faults import Faults
from inspect_autointerp.exchange.records import Row, finite, parse_index, short
from inspect_autointerp.exchange.source import Source
from inspect_autointerp.exchange.strict_json import Unreadable, load

_ENTRIES = "eval_result_unstructured"


def is_saebench(record: Mapping[str, Any]) -> bool:
    """Whether this is such a result."""
    return record.get("eval_type_id") == "autointerp" and _ENTRIES in record


def read_saebench(source: Source, faults: Faults) -> Iterator[Row]:
    """The explanations of a result; it names an SAE of SAELens's registry, and no hookpoint."""
    try:
        content = load(source.read())
    except Unreadable as error:
        faults.add(f"{source.given}:{error.line}", str(error))
        return
    entries = content.get(_ENTRIES) if isinstance(content, dict) and is_saebench(content) else None
    if not isinstance(entries, dict):
        faults.add(source.given, "not a SAEBench autointerp result (eval_type_id, eval_result_unstructured)")
        return
    for name, entry in entries.items():
        place = f"{source.given}, entry {short(name)}"
        index = parse_index(name)
        if index is None or not isinstance(entry, dict) or "explanation" not in entry:
            faults.add(place, "not a latent's index with an explanation")
        elif parse_index(entry.get("latent", index)) != index:
            faults.add(place, f"it says of itself that it is latent {short(entry['latent'])}")
        else:
            score = finite(entry.get("score"))
            scores = {} if score is None else {"autointerp": score}
            yield Row(place=place, index=index, text=entry["explanation"], method="saebench", scores=scores)
