"""The values of one log: every statistic of every latent. Read once, then kept in the user's cache as Parquet.

When a log is read for the first time, its values come from the file beside it, if there is one that counts
(`values_file`), or else from all of its samples: whether it is damaged anywhere, contradicts itself (`consistency`),
or was edited (`edits`) is kept with its values.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
from inspect_ai.log import EvalLog, read_eval_log

from inspect_autointerp.leaderboard.load.consistency import Samples
from inspect_autointerp.leaderboard.load.edits import edited_scores
from inspect_autointerp.leaderboard.load.log_archive import LogArchive, read_header
from inspect_autointerp.leaderboard.load.sample_summaries import summaries
from inspect_autointerp.leaderboard.load.values_file import read_values_file
from inspect_autointerp.statistics.estimates import Estimate
from inspect_autointerp.store import parquet as pq
from inspect_autointerp.store.remote import cache_folder

_FORMAT = "5"
"""Version of the cached files; it changes with their contents, or with the checks of `consistency`."""
_STAMP, _CHECK = b"inspect_autointerp", b"inspect_autointerp_check"


@dataclass(frozen=True)
class Check:
    """Result of reading all of a log."""

    n_samples: int
    contradictions: list[str]
    """In plain English."""
    absent: list[str]
    """Latents that the header lists and of which there is no sample."""
    edited: dict[str, int]
    """By score, of how many latents it was edited after the run."""
    estimates: dict[str, dict[str, Estimate]]
    """By score and statistic, the mean over latents with its interval."""


def log_values(path: str, wanted: Callable[[str], bool] = lambda column: True) -> pd.DataFrame:
    """The values of a log's samples, over the epochs of each.

    Args:
        path: The log's path or URL.
        wanted: Whether a column of those below is; `id` always is.

    Returns:
        A row per sample, by `id` (str); `firing_share`, `max_activation`, `cost_…`, `words`, `characters` (float64);
        `explanation` (str; missing where there is none, and where it is too long for a summary, about 1,000
        characters); and for each scorer and statistic `SCORER/STATISTIC` (float32; NaN where undefined).

    Raises:
        ValueError: The log is cut short or is none; other errors of the layers below are possible too.
    """
    table = _table(path)
    if isinstance(table, Path):
        names = [name for name in pq.read_schema(table).names if name == "id" or wanted(name)]
        return pq.frame_of(pq.read_table(table, columns=names))
    return pq.frame_of(table.select([name for name in table.column_names if name == "id" or wanted(name)]))


def log_check(path: str, header: EvalLog | None = None, archive: LogArchive | None = None) -> Check:
    """Return what reading all of a log came to; errors as above.

    Args:
        path: The log's path or URL.
        header: The log's header, if it was read.
        archive: The log's directory, if it was read.
    """
    table = _table(path, header, archive)
    schema = pq.read_schema(table) if isinstance(table, Path) else table.schema
    check = json.loads((schema.metadata or {})[_CHECK])
    estimates = {
        scorer: {name: Estimate(*parts) for name, parts in by_name.items()}
        for scorer, by_name in check.pop("estimates").items()
    }
    return Check(**check, estimates=estimates)


def _table(path: str, header: EvalLog | None = None, archive: LogArchive | None = None) -> Path | pa.Table:
    """The file of a log's values in the cache; the values themselves where the cache cannot be written."""
    stamp = _stamp(path)
    kept = cache_folder() / "logs" / f"{sha256(path.encode()).hexdigest()[:24]}.parquet"
    if _stamp_of(kept) == stamp:
        return kept
    samples = read_values_file(path, header or read_header(path), archive) or summarized(path)
    table = pa.Table.from_pandas(samples.values.reset_index(), preserve_index=False)
    more = {_STAMP: stamp, _CHECK: json.dumps(asdict(check_of(samples))).encode()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **more})
    return kept if _keep(table, kept) else table  # a cache that cannot be written costs time only


def check_of(samples: Samples) -> Check:
    """Return the result of reading all samples of a log."""
    edited = {name: len(ids) for name, ids in samples.edited.items()}
    return Check(len(samples.rows), samples.contradictions, samples.absent, edited, samples.estimates)


def summarized(path: str) -> Samples:
    """Read a log's header and the summaries of its samples; errors as above."""
    return Samples.read(read_eval_log(path, header_only=True), summaries(path), edited_scores(path))


def _stamp(path: str) -> bytes:
    """Return what changes when a log does."""
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
        pq.write_table(table, partial, use_dictionary=["explanation"])  # numbers repeat too seldom for it to pay
        partial.replace(kept)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True
