"""Renaming that never replaces anything unasked, and exchanges two names in one step where the system can."""

import ctypes
import os
from errno import EEXIST, ENOTEMPTY
from pathlib import Path

_HERE, _NO_REPLACE, _EXCHANGE = -100, 1, 2
"""Constants of Linux's renameat2: paths are relative to the working folder; fail if the new name exists; swap names."""


def move(source: Path, target: Path) -> None:
    """Rename, unless the new name exists.

    Raises:
        FileExistsError: It does.
        OSError: It cannot be renamed.
    """
    if _renameat2(source, target, _NO_REPLACE):
        return
    if os.path.lexists(target):
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(target))
    try:
        source.rename(target)
    except OSError as error:
        if error.errno == ENOTEMPTY:
            raise FileExistsError(EEXIST, os.strerror(EEXIST), str(target)) from error
        raise


def swap(new: Path, old: Path) -> None:
    """Exchange two names."""
    if _renameat2(new, old, _EXCHANGE):
        return
    between = aside(new)
    try:
        old.rename(between)
        new.rename(old)
    except BaseException:
        if between.exists() and not os.path.lexists(old):
            between.rename(old)
        raise
    between.rename(new)


def _renameat2(source: Path, target: Path, how: int) -> bool:
    """Rename by Linux's own call; False where there is none, or the file system does not know it.

    Raises:
        FileExistsError: The new name exists and must not be replaced.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if call is None:
        return False
    if call(_HERE, os.fsencode(source), _HERE, os.fsencode(target), how) == 0:
        return True
    if ctypes.get_errno() == EEXIST:
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(target))
    return False


def aside(partial: Path) -> Path:
    """Return the name that a replaced folder has between the two steps of an exchange."""
    return partial.with_name(f"{partial.name}-old")
