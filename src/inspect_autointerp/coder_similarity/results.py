"""Comparisons as rows and files: the matched pairs as CSV and Parquet, everything as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from inspect_autointerp.coder_similarity.comparison import Comparison, Estimate, Measure
from inspect_autointerp.coder_similarity.hookpoints import Site
from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.csv_text import cells

MEASURES: tuple[Measure, ...] = ("cosine", "correlation", "explanations")


def pairs_frame(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """A row per matched pair.

    Columns:
        store_a, hookpoint_a, index_a, store_b, hookpoint_b, index_b: The latents, and the digests of their stores.
        cosine, correlation, explanations: How alike they are; NaN where undefined or not known.
        fires_a, fires_b: On how many tokens of the shared windows each fires; missing without such windows.
    """
    frames: list[pd.DataFrame] = []
    for one in comparisons:
        columns: dict[str, Any] = {}
        for side, site, index in (("a", one.a, one.pairs[0]), ("b", one.b, one.pairs[1])):
            columns |= {f"store_{side}": site.store.digest, f"hookpoint_{side}": site.hookpoint, f"index_{side}": index}
        columns |= {name: one.values.get(name, float("nan")) for name in MEASURES}
        for side, fires in zip("ab", one.fires or (None, None), strict=True):
            columns[f"fires_{side}"] = pd.array([pd.NA] * len(index) if fires is None else fires, dtype="Int64")
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def record(one: Comparison) -> dict[str, Any]:
    """A comparison without its pairs, for JSON; what is undefined is None."""
    return {
        "a": _site(one.a),
        "b": _site(one.b),
        "matched_by": one.matched_by,
        "candidates": one.candidates,
        "tokens": one.n_tokens,
        "matchable": list(one.matchable),
        "matched": len(one.pairs[0]),
        "estimates": {name: _estimate(estimate) for name, estimate in one.estimates.items()},
        "shuffled": {name: _estimate(estimate) for name, estimate in one.shuffled.items()},
        "unrelated": one.unrelated and _estimate(one.unrelated),
        "notes": one.notes,
    }


def write_json(comparisons: Sequence[Comparison], options: dict[str, Any], target: Path) -> None:
    """Write options, comparisons and their pairs as JSON.

    Raises:
        UserError: It cannot be written; nothing is changed then.
    """
    records: list[dict[str, Any]] = []
    for one in comparisons:
        frame = pairs_frame([one]).drop(columns=["store_a", "hookpoint_a", "store_b", "hookpoint_b"]).astype(object)
        records.append(record(one) | {"pairs": frame.where(frame.notna(), None).to_dict("records")})
    text = json.dumps({"options": options, "comparisons": records}, allow_nan=False) + "\n"
    with atomic_file(target) as path:
        path.write_text(text, encoding="utf-8")


def write_csv(comparisons: Sequence[Comparison], target: Path) -> None:
    """Write the pairs as CSV; errors as above."""
    with atomic_file(target) as path:
        cells(pairs_frame(comparisons)).to_csv(path, index=False)


def write_parquet(comparisons: Sequence[Comparison], target: Path) -> None:
    """Write the pairs as Parquet; errors as above."""
    with atomic_file(target) as path:
        pairs_frame(comparisons).to_parquet(path, index=False, compression="zstd")


def write_text(text: str, target: Path) -> None:
    """Write a text; errors as above."""
    with atomic_file(target) as path:
        path.write_text(text, encoding="utf-8")


def _site(site: Site) -> dict[str, object]:
    about: dict[str, object] = {"store": site.given, "digest": site.store.digest, "hookpoint": site.hookpoint}
    return about | {"coder": site.coder, "latents": site.width}


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {name: value if isfinite(value) else None for name, value in asdict(estimate).items()}
