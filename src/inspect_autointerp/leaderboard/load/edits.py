"""Which scores of a log were edited after the run, by Inspect's `edit_score`, which keeps what a score was before.

Inspect keeps that history in the samples alone, not in their summaries. So the bytes of all samples are searched for a
history that is not empty, and only samples that have one are parsed. Reading a member of the log to its end also checks
its checksum.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from zipfile import ZipFile, is_zipfile

import fsspec
from inspect_ai.log import EvalSample, read_eval_log_sample, read_eval_log_samples

_HISTORY = re.compile(rb'"history"\s*:\s*\[\s*\{')
"""In JSON a text cannot look like this, since its quotes are escaped."""
_OVERLAP = 64
_CHUNK = 1 << 20
_SAMPLES = "samples/"
UNREAD = {"messages", "events", "attachments", "store"}
_MEMBER = re.compile(r"samples/(.+)_epoch_(\d+)\.json", re.DOTALL)


def edited_scores(path: str) -> dict[str, set[str]]:
    """Return the ids of the latents whose score was edited, by score.

    Args:
        path: A log's path or URL.

    Raises:
        Exception: The log is damaged anywhere; errors are those of the layers below.
    """
    edited: dict[str, set[str]] = defaultdict(set)
    for sample in _with_history(path):
        for name, score in (sample.scores or {}).items():
            if score.history:
                edited[name].add(str(sample.id))
    return dict(edited)


def _with_history(path: str) -> Iterator[EvalSample]:
    fs, place = fsspec.core.url_to_fs(path)
    with fs.open(place, "rb") as file:
        if not is_zipfile(file):  # a log in JSON
            yield from read_eval_log_samples(path, all_samples_required=False, exclude_fields=UNREAD)
            return
        with ZipFile(file) as archive:
            members = dict.fromkeys(archive.namelist())  # a member that is there twice counts by its last
            names = [name for name in members if _has_history(archive, name)]
    for name in names:
        if match := _MEMBER.fullmatch(name):
            yield _sample(path, match[1], int(match[2]))


def _sample(path: str, id: str, epoch: int) -> EvalSample:
    try:
        return read_eval_log_sample(path, id, epoch, exclude_fields=UNREAD)
    except IndexError:  # the id is a number
        return read_eval_log_sample(path, int(id), epoch, exclude_fields=UNREAD)


def _has_history(archive: ZipFile, name: str) -> bool:
    """Return whether a member is a sample with a history; it is read to its end, so that damage is found."""
    has_history, rest = False, b""
    with archive.open(name) as member:
        while chunk := member.read(_CHUNK):
            has_history = has_history or bool(_HISTORY.search(rest + chunk))
            rest = chunk[-_OVERLAP:]
    return has_history and name.startswith(_SAMPLES)
