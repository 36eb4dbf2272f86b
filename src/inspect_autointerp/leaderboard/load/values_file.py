"""A log's values as Parquet beside the log: `NAME.eval.values.parquet`, written when the evaluation ends.

It holds the rows of `consistency.Samples`, one per sample, so the leaderboard does not read the samples. It is never
trusted over the log. It counts only if it names the digest of the log that lies beside it, if five of the log's
samples, drawn at random, say the same, and if all checks of `consistency` find nothing. Otherwise the log is read.
`autointerp verify` does not read such files.
"""

import os
import random
from collections import Counter
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
from inspect_ai.log import EvalLog, read_eval_log_sample
from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json

from inspect_autointerp.leaderboard.load.consistency import Samples, summary_contradictions
from inspect_autointerp.leaderboard.load.edits import UNREAD
from inspect_autointerp.leaderboard.load.log_archive import LogArchive, log_digest, sample_member
from inspect_autointerp.leaderboard.load.sample_rows import COSTS, FACTS, TEXT, Origins, over_epochs
from inspect_autointerp.store import parquet as pq
from inspect_autointerp.text.json_values import is_dict

SUFFIX = ".values.parquet"
_FORMAT = 1
"""Version of the files; a file of another version is not read."""
_ABOUT = b"inspect_autointerp_values"
_TYPES: dict[str, tuple[pa.DataType, ...]] = {
    "id": (pa.string(), pa.large_string()),
    "epoch": (pa.int64(),),
    "failed": (pa.bool_(),),
    "explanation": (pa.string(), pa.large_string()),
}
_NUMBERS = (pa.float32(), pa.float64())
_MOST_COLUMNS = 10_000
_DRAWN = 5
"""Samples of the log that are compared with the file."""


class _Origins(BaseModel):
    """`sample_rows.Origins` as JSON; nothing is odd in a log that has a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    explanations: list[tuple[str | None, str | None, str | None, int]]
    own: int
    other: int
    made: dict[str, dict[str, int]]


class _About(BaseModel):
    """The file's description of itself."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: int
    log: str
    """`log_digest` of the log that was read."""
    origins: _Origins


def write_values_file(path: str, samples: Samples) -> bool:
    """Write what was read of a log beside it.

    Args:
        path: The log's path or URL.
        samples: Contents of all of its samples.

    Returns:
        Whether the file was written: not for a log that contradicts itself, was edited, or lacks samples.

    Raises:
        Exception: The file cannot be written; errors are those of the file system.
    """
    if samples.absent or samples.edited or samples.contradictions:
        return False
    origins = samples.origins
    about = _About(
        format=_FORMAT,
        log=log_digest(path),
        origins=_Origins(
            explanations=[(*source, count) for source, count in origins.explanations.items()],
            own=origins.own,
            other=origins.other,
            made={name: dict(made) for name, made in origins.made.items()},
        ),
    )
    rows = samples.rows.drop(columns=[name for name in samples.rows if str(name).endswith(f"/{TEXT}")])
    table = pa.Table.from_pandas(rows, preserve_index=False)
    table = table.replace_schema_metadata({_ABOUT: about.model_dump_json().encode()})
    fs: Any
    fs, place = fsspec.core.url_to_fs(path + SUFFIX)
    partial = f"{place}.{os.getpid()}"
    try:
        with fs.open(partial, "wb") as file:
            pq.write_table(table, file)
        fs.mv(partial, place)
    except BaseException:
        with suppress(Exception):
            fs.rm(partial)
        raise
    return True


def count_values_files(folder: str) -> int:
    """Count the files in a folder, or below it."""
    fs: Any
    fs, place = fsspec.core.url_to_fs(folder)
    return len(fs.glob(f"{place.rstrip('/')}/**/*{SUFFIX}"))


def keep_as(source: str, target: str, digest: str) -> None:
    """Copy a file for another log that has the same samples, such as a copy whose header differs.

    Args:
        source: The file.
        target: The new file.
        digest: `log_digest` of the other log.
    """
    table = pq.read_table(Path(source))
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    about = _About.model_validate_json(metadata[_ABOUT]).model_copy(update={"log": digest})
    pq.write_table(table.replace_schema_metadata({_ABOUT: about.model_dump_json().encode()}), Path(target))


def read_values_file(path: str, header: EvalLog, archive: LogArchive | None = None) -> Samples | None:
    """Read the file beside a log.

    Args:
        path: The log's path or URL.
        header: The log's header.
        archive: The log's directory, if it was read.

    Returns:
        None if there is none, or it does not count; a file that is damaged or false is named in one line of warning.
    """
    try:
        fs, place = fsspec.core.url_to_fs(path + SUFFIX)
        if not fs.exists(place):
            return None
        with fs.open(place, "rb") as file:
            return _samples(path, header, file, archive or LogArchive.read(path))
    except Exception as error:  # a damaged file can fail in any layer
        reason = str(error) if isinstance(error, _Odd) else f"it is damaged: {type(error).__name__}"
        getLogger(__name__).warning(f"{path}{SUFFIX} is passed over ({reason}); the log is read in its place")
        return None


class _Odd(ValueError):
    """The file is not what it should be."""


def _samples(path: str, header: EvalLog, file: Any, archive: LogArchive | None) -> Samples | None:
    parquet = pq.open_file(file)
    schema: pa.Schema = parquet.schema_arrow
    description = (schema.metadata or {}).get(_ABOUT, b"")
    stated: Any = from_json(description)
    if not is_dict(stated) or stated.get("format") != _FORMAT:
        return None  # of another version of this package, whose description has other fields
    about = _About.model_validate_json(description)
    if about.log != (archive.digest if archive else log_digest(path)):
        return None  # of the log before it was edited or scored again, or of another one
    planned = len(header.eval.dataset.sample_ids or []) * (header.eval.config.epochs or 1)
    if len(schema) > _MOST_COLUMNS or parquet.metadata.num_rows > planned:
        raise _Odd("more columns or rows than the log can have")
    if len(set(schema.names)) < len(schema) or not {*_TYPES, *FACTS, *COSTS} <= set(schema.names):
        raise _Odd("other columns than the log's")
    types: list[Any] = schema.types
    for name, kind in zip(schema.names, types, strict=True):
        if kind not in _TYPES.get(name, _NUMBERS):
            raise _Odd(f"column {name[:40]!r} has another type than the log's")
    table: pa.Table = parquet.read()
    if any(table.column(name).null_count for name in ("id", "epoch", "failed")):
        raise _Odd("values are missing")
    rows = pq.frame_of(table.replace_schema_metadata(None)).astype({"id": "str", "explanation": "str"}).copy()
    kept = about.origins
    origins = Origins(
        explanations=Counter({(source, model, store): n for source, model, store, n in kept.explanations}),
        own=kept.own,
        other=kept.other,
        made={name: Counter(made) for name, made in kept.made.items()},
    )
    samples = Samples(header, rows, over_epochs(rows).set_index("id"), origins, {})
    if samples.absent or samples.contradictions or not _says_the_same(path, archive, samples):
        raise _Odd("it says something else than the log")
    return samples


def _says_the_same(path: str, archive: LogArchive | None, samples: Samples) -> bool:
    """Compare a few samples of the log, drawn so that nobody can know which, with their rows."""
    n = min(_DRAWN if archive else 1, len(samples.rows))  # of a log in JSON each takes reading all
    rows = samples.rows.iloc[random.SystemRandom().sample(range(len(samples.rows)), n)].reset_index(drop=True)
    names = zip(rows["id"], rows["epoch"], strict=True)
    read = [_sample(path, archive, str(id), int(epoch)) for id, epoch in names]
    there = Samples.read(samples.header, read, {})
    alone = Samples(samples.header, rows, over_epochs(rows).set_index("id"), samples.origins, {})
    if list(summary_contradictions(alone, there)):
        return False
    facts = [*FACTS, *COSTS]
    same = np.allclose(there.rows[facts].to_numpy(), rows[facts].to_numpy(), equal_nan=True)
    return same and all(map(_same_text, rows["explanation"], there.rows["explanation"]))


def _sample(path: str, archive: LogArchive | None, id: str, epoch: int) -> dict[str, Any]:
    if archive is None:
        return read_eval_log_sample(path, id, epoch, exclude_fields=UNREAD).model_dump()
    return archive.json(sample_member(id, epoch))


def _same_text(ours: object, theirs: object) -> bool:
    """Compare explanations; a summary has white space collapsed, and none of a long one."""
    return not isinstance(ours, str) or (isinstance(theirs, str) and ours.split() == theirs.split())
