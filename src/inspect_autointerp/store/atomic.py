"""Folders and files that appear whole or not at all: they are written beside their target, and renamed at the end."""

import os
import shutil
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from re import sub
from secrets import token_hex

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.folder_kind import Kind
from inspect_autointerp.store.renames import aside, move, swap

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class InTheWay(UserError):
    """Something has appeared at a target while what was to have its name was written. It is left as it is."""


def refuse_existing(target: Path, *, kind: Kind, overwrite: bool) -> None:
    """Check early whether `atomic_folder` will accept a target.

    Raises:
        UserError: It exists and is not to be overwritten, or holds something else than what is written there.
    """
    if target.exists():
        if not overwrite:
            raise UserError(f"{target} exists; give another {kind.option}, or --overwrite")
        kind.check(target)


@contextmanager
def atomic_folder(target: Path, *, kind: Kind, overwrite: bool) -> Generator[Path]:
    """Make a new folder that becomes `target` when the block ends without an exception, and vanishes otherwise.

    Args:
        target: Its name in the end.
        kind: What it will be. Nothing else is ever replaced by it.
        overwrite: Whether it may replace one of its kind. The old one stays whole until it is replaced, in one step
            where the file system can exchange two names (Linux), in two elsewhere. Without it, what has appeared at
            `target` by the end of the block is left as it is.

    Raises:
        UserError: See `refuse_existing`; or it cannot be written.
        InTheWay: What exists by the end is not to be overwritten, or is of another kind.
    """
    refuse_existing(target, kind=kind, overwrite=overwrite)
    place = target.resolve()
    with scratch_folder(target) as partial:
        try:
            yield partial
            if overwrite and os.path.lexists(place):
                _replace(partial, place, kind, target)
            else:
                _put_new(partial, place, target)
        except OSError as error:
            raise UserError(f"{target}: cannot be written ({reason(error)}); nothing was changed") from error


@contextmanager
def scratch_folder(target: Path) -> Generator[Path]:
    """Make a hidden folder beside a target, which vanishes at the end of the block.

    As long as the block runs a lock is held on a file beside it, so that no other process takes the folder for one
    that a killed process has left behind: process numbers mean nothing to another container.

    Raises:
        UserError: It cannot be made.
    """
    place = target.resolve()
    partial = place.with_name(f"{_partial(place)}{token_hex(4)}")
    lock = partial.with_name(f"{partial.name}.lock")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        sweep(place)
        file = lock.open("x")
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({reason(error)})") from error
    try:
        with suppress(OSError):
            _lock(file.fileno())
        try:
            partial.mkdir()
        except OSError as error:
            raise UserError(f"{target}: cannot be written ({reason(error)})") from error
        yield partial
    finally:
        _clear(partial, lock)
        if fcntl:  # a forked child may still hold the file open
            with suppress(OSError):
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)
        file.close()


def remove_folder(target: Path, *, kind: Kind) -> None:
    """Remove a folder in one step, if there is one and all that it holds was written by this package.

    Raises:
        UserError: It holds something else. It is left as it is then.
    """
    if not target.exists():
        return
    kind.check(target)
    place = target.resolve()
    with scratch_folder(target) as partial, suppress(FileNotFoundError):
        gone = partial / place.name
        place.rename(gone)
        try:
            kind.check(gone, target)
        except BaseException:
            gone.rename(place)
            raise


@contextmanager
def atomic_file(target: Path, *, overwrite: bool = True) -> Generator[Path]:
    """Yield the path of a new file that becomes `target` when the block ends without an exception.

    Args:
        target: Its name in the end. A device or a pipe of that name is written to, and a link is followed.
        overwrite: Whether it may replace a file.

    Raises:
        UserError: It cannot be written, or exists and is not to be replaced. Nothing is changed then.
    """
    place = target.resolve()
    special = place.exists() and not place.is_file()
    partial = place if special else place.with_name(f".{place.name}.{token_hex(4)}.partial")
    try:
        yield partial
        if not special:
            put_file(partial, place, overwrite=overwrite)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({reason(error)})") from error
    finally:
        if not special:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def put_file(source: Path, target: Path, *, overwrite: bool) -> None:
    """Give a file its final name.

    Raises:
        InTheWay: There is one of that name, and it is not to be replaced.
        OSError: It cannot be renamed.
    """
    if overwrite:
        source.replace(target)
    else:
        _put_new(source, target, target)


def reason(error: OSError) -> str:
    """Return what an operating system's error says, in one line; numpy's and safetensors' have no `strerror`."""
    return error.strerror or (str(error).strip().splitlines() or [type(error).__name__])[0]


def sweep(target: Path) -> None:
    """Remove what processes of this machine that were killed have left behind of a folder they were making."""
    place = target.resolve()
    for lock in place.parent.glob(f"{escape(_partial(place))}*.lock"):
        with suppress(OSError), lock.open("r+") as file:
            _lock(file.fileno())
            partial = lock.with_name(lock.name.removesuffix(".lock"))
            if aside(partial).exists() and not os.path.lexists(place):  # killed between the steps of an exchange
                aside(partial).rename(place)
            _clear(partial, lock)


def _clear(partial: Path, lock: Path) -> None:
    """Remove a partial folder, and then its lock: what cannot be removed now can be swept away later."""
    shutil.rmtree(partial, ignore_errors=True)
    if not partial.exists():
        with suppress(OSError):
            lock.unlink(missing_ok=True)


def _partial(place: Path) -> str:
    """Return how the names of folders begin that are to become this one; what tells them apart follows."""
    host = sub(r"\W", "", socket.gethostname())
    return f".{place.name}.partial-{host}-"


def _lock(file: int) -> None:
    """Lock an open file against all others that open it.

    Raises:
        OSError: Another one holds the lock, or there are no locks here.
    """
    if fcntl is None:
        raise OSError("no file locks on this system")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _put_new(source: Path, place: Path, target: Path) -> None:
    """Give something its final name, unless something else has it by now."""
    try:
        move(source, place)
    except FileExistsError as error:
        raise InTheWay(f"{target} has appeared in the meantime and was not changed") from error


def _replace(new: Path, old: Path, kind: Kind, target: Path) -> None:
    """Replace a folder of the same kind, checked before and once more when no one else knows its name."""
    try:
        kind.check(old, target)
        swap(new, old)
        try:
            kind.check(new, target)
        except BaseException:
            swap(new, old)
            raise
    except UserError as error:
        raise InTheWay(str(error)) from error
