"""Kinds of folders that this package writes, and how each is told from a user's own."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inspect_autointerp.errors import UserError


@dataclass(frozen=True)
class Kind:
    """A kind of folder that this package writes. Only folders of its own kind are ever replaced or removed."""

    name: str
    """The kind in words, with its article."""
    files: Callable[[Path], Callable[[str], bool]]
    """Return, for a folder of the kind, a test of whether a file (its path within the folder) is part of it.
    ValueError where the folder is not of the kind."""
    option: str = "--output"
    """The option that names such a folder on the command line."""

    def check(self, folder: Path, called: Path | None = None) -> None:
        """Refuse a folder that holds anything but what this package wrote. An empty one is accepted.

        Args:
            folder: Where it is.
            called: Its name in messages.

        Raises:
            UserError: It is a file, is of another kind, or holds a file that is not part of it.
        """
        called = called or folder
        advice = f"it is not overwritten; give another {self.option}"
        if not folder.is_dir():
            raise UserError(f"{called} is a file, not {self.name}: {advice}")
        try:
            if not any(folder.iterdir()):
                return
            belongs = self.files(folder)
            foreign = next((name for name in files_in(folder) if not belongs(name)), None)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(f"{called} is not {self.name}: {advice}") from error
        if foreign is not None:
            raise UserError(f"{called} holds a file that is not part of {self.name} ({foreign}): {advice}")


def files_in(folder: Path) -> list[str]:
    """Return the paths of all files in a folder, relative to it, in order. A link to a folder counts as a file.

    Raises:
        OSError: A part of it cannot be read.
    """
    paths: list[str] = []
    for name, folders, files in os.walk(folder, onerror=_raise):
        links = [inner for inner in folders if Path(name, inner).is_symlink()]
        paths += [Path(name, file).relative_to(folder).as_posix() for file in (*files, *links)]
    return sorted(paths)


def _raise(error: OSError) -> None:
    raise error
