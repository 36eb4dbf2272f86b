"""The values of one log: every statistic of every latent. Read once, then kept in the user's cache as Parquet."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from inspect_autointerp.leaderboard.summaries import summaries
from inspect_autointerp.remote import cache_folder

FACTS = ("firing_share", "max_activation")
"""What a sample's metadata says of its latent."""
_FORMAT = "1"
"""Of the files kept: another when what they hold changes."""
_HUGE = 1e38
"""What a float32 cannot hold is no score."""
_BLOCK = 1000
"""Samples whose summaries are held at once."""
_STAMP = b"inspect_autointerp"


def log_values(path: str, wanted: Callable[[str], bool] = lambda column: True) -> pd.DataFrame:
    """The values of a log's samples, over the epochs of each.

    Args:
        path: The log's path or URL.
        wanted: Whether a column of those below is; `id` always is.

    Returns:
        A row per sample, by `id` (str); `firing_share`, `max_activation` (float64); `explanation` (str; missing where
        there is none, and where it is too long for a summary, about 1,000 characters); and for each scorer and
        statistic `SCORER/STATISTIC` (float32; NaN where undefined).

    Raises:
        ValueError: The log is cut short or is none; other errors of the layers below are possible too.
    """
    stamp = _stamp(path)
    kept = cache_folder() / "logs" / f"{sha256(path.encode()).hexdigest()[:24]}.parquet"
    if _stamp_of(kept) != stamp:
        table = pa.Table.from_pandas(_read(path), preserve_index=False)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _STAMP: stamp})
        if not _keep(table, kept):  # a cache that cannot be written costs time only
            return table.select([name for name in table.column_names if name == "id" or wanted(name)]).to_pandas()
    names = [name for name in pq.read_schema(kept).names if name == "id" or wanted(name)]
    return pq.read_table(kept, columns=names).to_pandas()


def _stamp(path: str) -> bytes:
    """What changes when a log does."""
    fs, place = fsspec.core.url_to_fs(path)
    info = fs.info(place)
    changed = [str(info.get(key)) for key in ("size", "mtime", "LastModified", "ETag")]
    return json.dumps([_FORMAT, path, *changed]).encode()


def _stamp_of(kept: Path) -> bytes | None:
    try:
        return (pq.read_schema(kept).metadata or {}).get(_STAMP)
    except (OSError, pa.ArrowInvalid):
        return None


def _keep(table: pa.Table, kept: Path) -> bool:
    partial = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, partial)
        partial.replace(kept)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True


def _read(path: str) -> pd.DataFrame:
    found = summaries(path)
    blocks = []
    while block := list(islice(found, _BLOCK)):
        blocks.append(_frame(block))
    return _over_epochs(pd.concat(blocks, ignore_index=True) if blocks else _frame([]))


def _frame(block: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    metadata = [summary.get("metadata") or {} for summary in block]
    scores = [summary.get("scores") or {} for summary in block]
    columns: dict[str, Any] = {
        "id": pd.Series([str(summary["id"]) for summary in block], dtype="str"),
        "epoch": np.array([summary.get("epoch") or 1 for summary in block], dtype=np.int64),
        "explanation": pd.Series([_explanation(of) for of in metadata], dtype="str"),
    }
    columns |= {name: _numbers([of.get(name) for of in metadata]) for name in FACTS}
    for scorer in dict.fromkeys(name for of in scores for name in of):
        values = [of[scorer]["value"] if scorer in of else None for of in scores]
        dicts = [value if isinstance(value, dict) else {} for value in values]
        statistics = list(dict.fromkeys(name for value in dicts for name in value))
        numbers = _numbers([[value.get(name) for name in statistics] for value in dicts]).astype(np.float32)
        columns |= {f"{scorer}/{name}": numbers[:, i] for i, name in enumerate(statistics)}
    return pd.DataFrame(columns)


def _numbers(values: list[Any]) -> np.ndarray:
    """float64: numbers as they are, NaN of infinite or huge ones and of anything else."""
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        objects = np.array(values, dtype=object)
        found = np.array([v if isinstance(v, int | float) else np.nan for v in objects.flat], dtype=np.float64)
        found = found.reshape(objects.shape)
    found[~(np.abs(found) < _HUGE)] = np.nan
    return found


def _explanation(metadata: Mapping[str, Any]) -> str | None:
    """What the solver left; of a long explanation a summary says only that it was removed."""
    content = metadata.get("explanation")
    text = content.get("text") if isinstance(content, dict) else None
    return text if isinstance(text, str) else None


def _over_epochs(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.drop_duplicates(["id", "epoch"], keep="last")  # a sample that was run again is recorded twice
    if frame["id"].is_unique:
        return frame.drop(columns="epoch").reset_index(drop=True)
    grouped = frame.groupby("id", sort=False)
    means = (
        grouped.mean(numeric_only=True)
        .drop(columns="epoch")
        .astype({name: "f4" for name in map(str, frame) if "/" in name})
    )
    return means.join(grouped["explanation"].first()).reset_index()
