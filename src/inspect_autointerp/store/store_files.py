"""The files of an open store: read only while they are those that were there when the store was opened."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

from inspect_autointerp.errors import UserError

T = TypeVar("T")
_Identity = tuple[int, int, int, int]


class Replaced(UserError):
    """A file of an open store is another one than it was."""


class StoreFiles:
    """The files that a manifest names.

    Another process can replace a store while it is open. What is read after that would be of the new store, under the
    old one's digest. So each file is known by its inode, size and time, and by its sha256 where one of these differs.

    Args:
        folder: The store's folder.
        digests: The sha256 of each file, by its path in the folder.
        verify: Hash every file, several at a time. Every process does so anew: to remember a file by its time and size
            would overlook what changes neither, and a gigabyte takes a second.

    Raises:
        UserError: A file is missing, is a link that leads out of the folder, or does not have its sha256.
    """

    def __init__(self, folder: Path, digests: Mapping[str, str], *, verify: bool = True) -> None:
        self._folder, self._digests = folder, digests
        inside = folder.resolve()
        for name in digests:
            path = folder / name
            if not path.is_file():
                raise UserError(f"{folder}: incomplete, {name} is missing; make the store again")
            if not path.resolve().is_relative_to(inside):
                raise UserError(f"{folder}: {name} is a link that leads out of the store; put a copy in its place")
        with ThreadPoolExecutor() as threads:
            look = self._verified if verify else self._identity
            self._known: dict[str, _Identity] = dict(zip(digests, threads.map(look, digests), strict=True))

    def read(self, name: str, reader: Callable[[Path], T]) -> T:
        """Return what a reader makes of a file.

        Args:
            name: One of the manifest's files.
            reader: What it returns may hold the file open, or map it into memory.

        Raises:
            Replaced: It is not the file that was there when the store was opened.
            UserError: The manifest does not name it, or the reader fails.
        """
        if name not in self._known:
            raise UserError(f"{self._folder}: its manifest does not name {name}; make the store again")
        try:
            content = reader(self._folder / name)
        except Exception as error:  # of a file that is gone, or of any reader
            self._check(name)
            if isinstance(error, UserError):
                raise
            reason = (str(error).splitlines() or [""])[0][:200]
            raise UserError(
                f"{self._folder}: {name} cannot be read ({type(error).__name__}: {reason}); make the store again"
            ) from error
        self._check(name)  # afterwards: then it was the same file all along
        return content

    def _check(self, name: str) -> None:
        """Compare a file with what it was.

        A file system in user space may give an unchanged file another inode, so the sha256 decides.
        """
        try:
            now = self._identity(name)
            if now == self._known[name]:
                return
            if file_sha256(self._folder / name) == self._digests[name] and self._identity(name) == now:
                self._known[name] = now
                return
        except (OSError, Replaced):  # gone, or there only in part
            pass
        raise Replaced(
            f"{self._folder}: the store was replaced while it was open ({name} is another file now); run again"
        )

    def _verified(self, name: str) -> _Identity:
        before = self._identity(name)
        try:
            actual = file_sha256(self._folder / name)
        except OSError as error:
            raise UserError(f"{self._folder}: {name} cannot be read ({error.strerror})") from error
        if actual != self._digests[name]:
            raise UserError(f"{self._folder}: {name} changed since it was written; make the store again")
        if self._identity(name) != before:
            raise Replaced(f"{self._folder}: {name} was replaced while it was read; run again")
        return before

    def _identity(self, name: str) -> _Identity:
        try:
            status = (self._folder / name).stat()
        except OSError as error:
            raise Replaced(f"{self._folder}: {name} is gone; run again") from error
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def file_sha256(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
