"""The stores that come with the package, by name, and the one place where a store that the user names is looked for."""

import os
from collections.abc import Callable
from pathlib import Path

from inspect_autointerp.builtin import demo, package_store, planted
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.remote import fetch, is_url
from inspect_autointerp.store.store import Store

DEMO = "demo"


def _packaged() -> Path:
    folder = package_store.store_folder()
    if folder is None:
        raise UserError(f"{package_store.STORE}: this installation of the package lacks the store; install it again")
    return folder


BUILT_IN: dict[str, Callable[[], Path]] = {
    package_store.STORE: _packaged,
    DEMO: lambda: demo.ensure_store(),
    planted.CONTEXTS: lambda: planted.ensure_store(),
}
"""Makers of the built-in stores, by name: the package ships the first, the others are made on first use. A folder of
the same name is `./demo`."""


def default_store() -> str:
    """Return the name of the store that is evaluated where none is given."""
    return package_store.STORE


def locate(given: str | None) -> str:
    """Return the folder of a context store as the user names it; `demo` and `planted` are made on first use.

    Args:
        given: A folder, a URL, or the name of a built-in store. None is the one that the package ships.

    Raises:
        UserError: It cannot be fetched, or not be made.
    """
    given = default_store() if given is None else given
    make = BUILT_IN.get(given)
    return str(make() if make else resolve(given))


def open_store(store: str | Path | None = None, window: int | None = None) -> Store:
    """Open a context store for reading.

    Args:
        store: A folder, a URL, or the name of a built-in store. None is the store that tasks use by default.
        window: Tokens in a context, to cut them shorter than the store's windows.

    Raises:
        UserError: The store cannot be fetched or made, is damaged, or cannot be cut to that window.
    """
    return Store.open(locate(None if store is None else str(store)), window)


def check_writable(given: str) -> str:
    """Return the name of a store that is to be written, as it is.

    Raises:
        UserError: It is the name of a built-in store.
    """
    if given in BUILT_IN:
        raise UserError(
            f"{given}: a built-in store has this name and cannot be changed; for a folder of this name, give ./{given}"
        )
    return given


def resolve(folder: str | Path) -> Path:
    """The absolute path of a store's folder that the user gave; a URL's store is fetched into the cache."""
    return fetch(str(folder)) if is_url(folder) else located(folder)


def located(path: str | Path) -> Path:
    """The absolute path of a file or folder that the user gave.

    Inspect runs a task file's code in the file's own folder, so a relative path is also looked for from where the
    shell was (`PWD`).
    """
    here = Path(path).expanduser()
    there = Path(os.environ.get("PWD", "."), here)
    return (there if not here.exists() and there.exists() else here).absolute()
