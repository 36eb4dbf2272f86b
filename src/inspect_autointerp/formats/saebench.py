"""SAEBench's autointerp result, one JSON file per SAE: `{release}_{sae_id}_eval_results.json`.

Its score is the plain accuracy over 14 windows, ten of them silent: a judge that always says "silent" gets 0.714.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.dedupe import once_each
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Row, finite, parse_index, short
from inspect_autointerp.formats.source import Source
from inspect_autointerp.formats.strict_json import Unreadable, load
from inspect_autointerp.text.json_values import is_dict

_ENTRIES = "eval_result_unstructured"


def is_saebench(record: Mapping[str, Any]) -> bool:
    """Return whether this is such a result."""
    return record.get("eval_type_id") == "autointerp" and _ENTRIES in record


def read_saebench(source: Source, faults: Faults) -> Iterator[Row]:
    """The explanations of a result; it names an SAE of SAELens's registry, and no hookpoint."""
    try:
        content = load(source.read())
    except Unreadable as error:
        faults.add(f"{source.given}:{error.line}", str(error))
        return
    entries = content.get(_ENTRIES) if is_dict(content) and is_saebench(content) else None
    if not is_dict(entries):
        faults.add(source.given, "not a SAEBench autointerp result (eval_type_id, eval_result_unstructured)")
        return
    for name, entry in entries.items():
        place = f"{source.given}, entry {short(name)}"
        index = parse_index(name)
        if index is None or not is_dict(entry) or "explanation" not in entry:
            faults.add(place, "not a latent's index with an explanation")
        elif parse_index(entry.get("latent", index)) != index:
            faults.add(place, f"it says of itself that it is latent {short(entry['latent'])}")
        else:
            score = finite(entry.get("score"))
            scores = {} if score is None else {"autointerp": score}
            yield Row(place=place, index=index, text=entry["explanation"], method="saebench", scores=scores)


def write_saebench(rows: Iterable[Row], folder: Path, *, subject: str, coder: str, created: str) -> None:
    """Write `{release}_{sae_id}_eval_results.json`; its score is detection's balanced accuracy, not the plain one.

    What SAEBench has and our logs do not is null: each judged window, the SAE's configuration.

    Args:
        rows: Of one hookpoint; gone through twice.
        folder: Where to.
        subject: The model's name.
        coder: `RELEASE:ID` of SAELens's registry, or whatever names the coder.
        created: When the evaluation began, ISO 8601.

    Raises:
        UserError: There is no detection score, the only one that the format has a place for.
    """
    scores: dict[str, dict[int, float]] = {}
    for _ in once_each(rows, scores):
        pass
    detection = scores.get("detection", {})
    if not detection:
        raise UserError("saebench: it has a place for detection alone, and these logs have no such score")
    release, _, sae = coder.rpartition(":")
    values = list(detection.values())
    top: dict[str, Any] = {
        "eval_type_id": "autointerp",
        "eval_config": {"model_name": subject, "n_latents": len(detection), "override_latents": sorted(detection)},
        "eval_id": sha256(f"{subject} {coder} {created}".encode()).hexdigest()[:32],
        "datetime_epoch_millis": round(datetime.fromisoformat(created).timestamp() * 1000),
        "eval_result_metrics": {
            "autointerp": {"autointerp_score": float(np.mean(values)), "autointerp_std_dev": float(np.std(values))}
        },
        "eval_result_details": [],
        "sae_bench_commit_hash": "",
        "sae_lens_id": sae,
        "sae_lens_release_id": release,
        "sae_lens_version": None,
        "sae_cfg_dict": None,
    }
    name = f"{release}_{sae}".strip("_").replace("/", "_")
    with (folder / f"{name}_eval_results.json").open("w", encoding="ascii", newline="") as file:
        file.write(json.dumps(top, indent=1)[:-2] + f',\n "{_ENTRIES}": {{')
        for number, row in enumerate(once_each(rows)):
            entry = {"latent": row.index, "explanation": row.text, "predictions": None, "correct seqs": None}
            entry |= {"score": detection.get(row.index), "logs": None}
            file.write(f"{',' if number else ''}\n  {json.dumps(str(row.index))}: {json.dumps(entry)}")
        file.write("\n }\n}\n")
