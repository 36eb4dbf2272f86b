"""The directory at the end of an `.eval` log: what tells one version of a log from another, and where its members lie.

An `.eval` log is a zip archive. Its central directory holds the checksum, the size and the place of every member, so
its own checksum changes whenever a score, a sample or the header does, and it is read without reading the log. It says
nothing of where the file lies or when it was copied. Python's `ZipFile` takes 8 µs for each member, of which a log has
as many as latents, and Inspect's reader of a header also parses every score that was reduced; here a member is taken
out alone, as an archive of its own that both of them read. The entries of a directory are found all at once.
"""

import json
import struct
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import IO, Any, NamedTuple
from zipfile import ZipFile

import fsspec
import numpy as np
from inspect_ai.log import EvalLog, read_eval_log
from pydantic_core import from_json

HEADER = "header.json"
_CHUNK = 1 << 22
_END, _END_64, _LOCATOR_64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_ENTRY, _LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_SIGN = b"PK\1\2"
"""Beginning of an entry of the directory."""
_SIZES_AT = (28, 30, 32)
"""Offsets, in an entry, of the sizes of its name, extra field and comment."""
_LONGEST_COMMENT = 0xFFFF
_IN_EXTRA = 0xFFFFFFFF
"""A size or place that does not fit 32 bits; of a log's members only a place can be one."""


class Member(NamedTuple):
    """A member of an archive, as its directory describes it."""

    entry: tuple[int, ...]
    """Fields 2 to 10 of the directory's entry: versions, flags, method, time, checksum and sizes."""
    packed: int
    """Bytes of its compressed content."""
    place: int
    """Offset of its record in the file, in bytes."""


@dataclass(frozen=True)
class LogArchive:
    """An `.eval` log whose directory was read."""

    path: str
    digest: str
    """The sha256 of the directory."""
    directory: bytes
    places: dict[bytes, int]
    """By name, the offset of a member's entry in the directory; of a name that is there twice, the last."""

    @staticmethod
    def read(path: str) -> "LogArchive | None":
        """Read the directory of a log.

        Args:
            path: The log's path or URL.

        Returns:
            None where the file is no archive, or its directory is damaged.
        """
        fs, place = fsspec.core.url_to_fs(path)
        with fs.open(place, "rb") as file:
            try:
                directory = _directory(file)
                places = _places(directory)
            except (struct.error, ValueError):
                return None
        return LogArchive(path, sha256(directory).hexdigest(), directory, places)

    def has(self, name: str) -> bool:
        """Return whether there is a member of that name."""
        return name.encode() in self.places

    def json(self, name: str) -> Any:
        """Read a member that is JSON; NaN and infinities are numbers.

        Raises:
            KeyError: There is none of that name.
            Exception: It is damaged; errors are those of the layers below.
        """
        with ZipFile(self.part(name)) as part:
            raw = part.read(name)
        try:
            return from_json(raw)
        except ValueError:  # half a character of UTF-16 is read by Python's parser alone
            return json.loads(raw)

    def part(self, name: str) -> IO[bytes]:
        """Take out one member, as an archive that has only that one.

        Raises:
            KeyError: There is none of that name.
            ValueError: The file and its directory do not fit each other.
        """
        raw = name.encode()
        member = _member(self.directory, self.places[raw])
        fs, place = fsspec.core.url_to_fs(self.path)
        with fs.open(place, "rb") as file:
            file.seek(member.place)
            local = file.read(_LOCAL.size)
            if len(local) < _LOCAL.size or local[:4] != b"PK\3\4":
                raise ValueError(f"{self.path}: no member where its directory says that {name} is")
            *_, name_size, extra_size = _LOCAL.unpack(local)
            record = local + file.read(name_size + extra_size + member.packed)
        entry = _ENTRY.pack(b"PK\1\2", *member.entry, len(raw), 0, 0, 0, 0, 0, 0) + raw
        end = _END.pack(b"PK\5\6", 0, 0, 1, 1, len(entry), len(record), 0)
        return BytesIO(record + entry + end)


def sample_member(id: str | int, epoch: int = 1) -> str:
    """Return the name that Inspect gives to a sample's member."""
    return f"samples/{id}_epoch_{epoch}.json"


def log_digest(path: str) -> str:
    """Return what changes when a log's content does, and not when it is moved or copied.

    Args:
        path: The log's path or URL. All of a log in JSON is read.
    """
    archive = LogArchive.read(path)
    if archive:
        return archive.digest
    digest = sha256()
    fs, place = fsspec.core.url_to_fs(path)
    with fs.open(place, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_header(path: str, archive: LogArchive | None = None) -> EvalLog:
    """Read a log's header, without the reduced scores that repeat those of its samples.

    Args:
        path: The log's path or URL.
        archive: The log's directory, if it was read.

    Raises:
        Exception: The log cannot be read; errors are those of Inspect.
    """
    archive = archive or LogArchive.read(path)
    if archive is None or not archive.has(HEADER):  # in JSON, or not finished
        return read_eval_log(path, header_only=True)
    log = read_eval_log(archive.part(HEADER), header_only=True, format="eval")
    log.location = path
    return log


def _directory(file: IO[bytes]) -> bytes:
    size = file.seek(0, 2)
    tail_at = max(0, size - _LONGEST_COMMENT - _END.size - _LOCATOR_64.size)
    file.seek(tail_at)
    tail = file.read()
    end = tail.rfind(b"PK\5\6")
    if end < 0:
        raise ValueError("no archive")
    *_, length, start, _ = _END.unpack_from(tail, end)
    if _IN_EXTRA in (length, start) or tail[end - _LOCATOR_64.size :][:4] == b"PK\6\7":
        _, _, place, _ = _LOCATOR_64.unpack_from(tail, end - _LOCATOR_64.size)
        file.seek(place)
        *_, length, start = _END_64.unpack(file.read(_END_64.size))
    if start + length > size:
        raise ValueError("a directory beyond the end of its file")
    file.seek(start)
    return file.read(length)


def _places(directory: bytes) -> dict[bytes, int]:
    """Return where the entry of each member begins."""
    data = np.frombuffer(directory, dtype=np.uint8)
    starts = np.flatnonzero(data[: max(0, len(data) - _ENTRY.size + 1)] == _SIGN[0])
    for offset, byte in enumerate(_SIGN):
        starts = starts[data[starts + offset] == byte]
    sizes = [data[starts + at].astype(np.int64) + (data[starts + at + 1].astype(np.int64) << 8) for at in _SIZES_AT]
    following = starts + _ENTRY.size + sum(sizes)
    if starts[:1].tolist() != [0][: len(data)] or not np.array_equal(following, np.append(starts[1:], len(data))):
        starts, sizes = _chain(directory)  # a name or a comment that looks like an entry, or damage
    names_at = starts + _ENTRY.size
    ends = names_at + sizes[0]
    names = [directory[at:end] for at, end in zip(names_at.tolist(), ends.tolist(), strict=True)]
    return dict(zip(names, starts.tolist(), strict=True))


def _chain(directory: bytes) -> tuple[np.ndarray, list[np.ndarray]]:
    """Follow the entries from the first to the last, one by one.

    Returns:
        Where each begins, and the sizes of its name, extra field and comment.
    """
    starts: list[int] = []
    sizes: list[tuple[int, ...]] = []
    at = 0
    while at < len(directory):
        sign, *fields = _ENTRY.unpack_from(directory, at)
        if sign != _SIGN:
            raise ValueError("a damaged directory")
        starts.append(at)
        sizes.append(tuple(fields[9:12]))
        at += _ENTRY.size + sum(fields[9:12])
    return np.array(starts, dtype=np.int64), list(np.array(sizes, dtype=np.int64).reshape(-1, 3).T)


def _member(directory: bytes, at: int) -> Member:
    _, *fields = _ENTRY.unpack_from(directory, at)
    packed, name_size, extra_size, place = fields[7], *fields[9:11], fields[15]
    if place == _IN_EXTRA:
        extra_at = at + _ENTRY.size + name_size
        place = _place_64(directory[extra_at : extra_at + extra_size])
    return Member(tuple(fields[:9]), packed, place)


def _place_64(extra: bytes) -> int:
    """Return the place of a member beyond 4 GB."""
    at = 0
    while at < len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1 and size >= 8:  # sizes may come before it, and the number of a disk after it
            return struct.unpack_from("<Q", extra, at + size - 4 - size % 8)[0]
        at += 4 + size
    raise ValueError("a damaged directory")
