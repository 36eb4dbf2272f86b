"""Source of explanations: a file or a folder, here or under any URL that fsspec reads."""

import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from inspect_autointerp.builtin.locate import resolve
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.remote import file_system, is_url
from inspect_autointerp.text.render import visible

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
"""First bytes of such files."""
LARGEST = 4 << 30
"""Bytes that a compressed file may unfold to: far above any real one, and below what fills a machine."""
_TOGETHER = 256
"""Small files that are fetched at a time."""


class Source:
    """A file, or a folder of files, with the sha256 of what was read of it."""

    def __init__(self, fs: "AbstractFileSystem", path: str, given: str) -> None:
        self._fs, self.path, self.given = fs, path, given
        self.is_folder = bool(fs.isdir(path))
        if not self.is_folder and not fs.exists(path):
            raise UserError(f"{given}: no such file or folder")
        self._digests: dict[str, str] = {}
        self._file: bytes | None = None

    @property
    def location(self) -> str:
        """Return what Inspect finds it by."""
        return self.given if is_url(self.given) else self.path

    def names(self, folder: str = "") -> list[str]:
        """The files directly in the folder, or in one of its own, in order; hidden ones are passed over."""
        path = f"{self.path}/{folder}".rstrip("/")
        if not self._fs.isdir(path):
            return []
        files = (entry for entry in self._fs.ls(path, detail=True) if entry["type"] != "directory")
        names = (str(entry["name"]).rstrip("/").rpartition("/")[2] for entry in files)
        return sorted(f"{folder}/{name}".lstrip("/") for name in names if not name.startswith("."))

    def folders(self) -> list[str]:
        """The folders directly in the folder, in order; hidden ones are passed over."""
        entries = self._fs.ls(self.path, detail=True) if self.is_folder else []
        names = (str(one["name"]).rstrip("/").rpartition("/")[2] for one in entries if one["type"] == "directory")
        return sorted(name for name in names if not name.startswith("."))

    def place(self, name: str = "") -> str:
        """Return what a message calls a file of it."""
        return f"{self.given.rstrip('/')}/{visible(name)}" if name else self.given

    def read(self, name: str = "") -> bytes:
        """The content of a file, unpacked where it is gzip.

        Raises:
            UserError: It is gzip and broken, or unfolds to more than any real one.
        """
        if name:
            return self._unpacked(self._content(name), name)
        if self._file is None:  # it is looked at first, and then read
            self._file = self._unpacked(self._content(name), name)
        return self._file

    def note(self) -> None:
        """Take a file's sha256 without keeping its content, where something else reads it."""
        digest = sha256()
        with self._fs.open(self.path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)  # type: ignore[arg-type]
        self._digests[""] = digest.hexdigest()

    def head(self, n: int = 1 << 12) -> bytes:
        """Return how a file begins, as it lies there."""
        return self._content("", n)

    def read_all(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        """The contents of many small files, in order, fetched some hundreds at a time."""
        for begin in range(0, len(names), _TOGETHER):
            part = names[begin : begin + _TOGETHER]
            contents = self._fs.cat_ranges([f"{self.path}/{name}" for name in part], None, None, on_error="return")
            for name, content in zip(part, contents, strict=True):
                if isinstance(content, Exception):
                    raise content
                yield name, self._unpacked(content, name)

    def _content(self, name: str, end: int | None = None) -> bytes:
        return self._fs.cat_file(f"{self.path}/{name}" if name else self.path, end=end)

    def _unpacked(self, content: bytes, name: str) -> bytes:
        self._digests[name] = sha256(content).hexdigest()
        return unpacked(content, self.place(name))

    @property
    def sha256(self) -> str:
        """Digest of the file's bytes, or of the names and digests of the files read from a folder."""
        if list(self._digests) == [""]:
            return self._digests[""]
        lines = (f"{name}\0{digest}\n" for name, digest in sorted(self._digests.items()))
        return sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def unpacked(content: bytes, place: str, largest: int | None = None) -> bytes:
    """Return what gzip compressed, or the content itself where it is not gzip.

    Args:
        content: All of a file.
        place: What a message calls it.
        largest: Bytes that it may unpack to; `LARGEST` by default.

    Raises:
        UserError: It is broken, or unpacks to more.
    """
    if not content.startswith(GZIP):
        return content
    largest = LARGEST if largest is None else largest
    try:
        whole = gzip.GzipFile(fileobj=BytesIO(content)).read(largest + 1)
    except (OSError, EOFError, zlib.error):
        raise UserError(f"{place}: broken gzip; download it again") from None
    if len(whole) > largest:
        size = f"{largest >> 30} GiB" if largest >= 1 << 30 else f"{largest >> 20} MiB"
        raise UserError(f"{place}: it unpacks to more than {size}; give smaller files")
    return whole


@contextmanager
def opened(given: str) -> Generator[Source]:
    """A source by what the user calls it; what goes wrong in the block is one line.

    Raises:
        UserError: It is not there, closed to the user or out of reach.
    """
    if is_url(given):
        with file_system(given) as (fs, path):
            yield Source(fs, path, given)
        return
    from fsspec.implementations.local import LocalFileSystem

    if "\0" in given or not given:
        raise UserError("explanations: empty; give a file, a folder or a URL")
    try:
        yield Source(LocalFileSystem(), str(resolve(given)), given)
    except OSError as error:
        raise UserError(f"{given}: cannot be read ({error.strerror or type(error).__name__})") from error
