"""Folders that appear whole or not at all: everything goes to one beside the target, and takes its place at the end."""

import ctypes
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspect_autointerp.errors import UserError

_HERE, _EXCHANGE = -100, 2
"""Of Linux's renameat2: paths are from the working directory; the two names change places."""


def refuse_existing(target: Path, *, marker: str, overwrite: bool) -> None:
    """Check early whether `atomic_folder` will accept a target.

    Raises:
        UserError: It exists and is not to be overwritten, or holds something else than what is written there.
    """
    if target.exists() and not overwrite:
        raise UserError(f"{target} exists; give another --output, or --overwrite")
    if target.exists() and not (target / marker).is_file() and (target.is_file() or any(target.iterdir())):
        raise UserError(f"{target} is not a context store: it is not overwritten; give another --output")


@contextmanager
def atomic_folder(target: Path, *, marker: str, overwrite: bool) -> Iterator[Path]:
    """A new folder that becomes `target` when the block ends without an exception, and vanishes otherwise.

    Args:
        target: Its name in the end.
        marker: The file that tells such a folder from others, which are never overwritten.
        overwrite: Whether it may replace one of its kind. The old one stays whole until it is replaced, in one step
            where the file system can exchange two names (Linux), in two elsewhere.

    Raises:
        UserError: See `refuse_existing`; or it cannot be written.
    """
    refuse_existing(target, marker=marker, overwrite=overwrite)
    place = target.resolve()
    partial = place.with_name(f"{_partial(place)}{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        sweep(place)
        partial.mkdir()
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error
    try:
        yield partial
        if place.exists():
            _replace(partial, place)
        else:
            partial.rename(place)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror or error}); nothing was changed") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def sweep(target: Path) -> None:
    """Remove what processes of this machine that were killed have left behind of a folder they were making."""
    place = target.resolve()
    for folder in place.parent.glob(f"{_partial(place)}*"):
        number = folder.name.rpartition("-")[2]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _partial(place: Path) -> str:
    """How the names of folders begin that are to become this one; the number of their process follows."""
    host = re.sub(r"\W", "", socket.gethostname())
    return f".{place.name}.partial-{host}-"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def _replace(new: Path, old: Path) -> None:
    """Let `new` take the name of `old`; what was there has the name of `new` then, or is gone."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 and renameat2(_HERE, os.fsencode(new), _HERE, os.fsencode(old), _EXCHANGE) == 0:
        return
    aside = new.with_name(f"{new.name}-old")
    old.rename(aside)
    new.rename(old)
    shutil.rmtree(aside, ignore_errors=True)
