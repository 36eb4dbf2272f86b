"""The store that a log's verdicts point into: the one that the user names, or one that is at hand."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from inspect_autointerp.builtin import demo, package_store, planted
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.json_values import is_mapping


def store_of(given: str, digest: str) -> Store:
    """Open the store that a user names for a log.

    Args:
        given: See `locate`.
        digest: The store that the log is over, as it says: `DIGEST` or `DIGEST/WINDOW`.

    Raises:
        UserError: It cannot be opened, or is another store than the log's.
    """
    _, _, window = digest.partition("/")
    store = Store.open(locate(given), int(window) if window.isdigit() else None)
    if store.digest != digest:
        raise UserError(
            f"{given}: this store is {store.digest}, but the log is over {digest}; give that store as --store"
        )
    return store


def as_wide_as(store: Store, metadata: Mapping[str, Any] | None) -> Store:
    """Return the same store with contexts as wide as a score was told to cut them (`-S window=…`).

    Args:
        store: The store.
        metadata: The score's.

    Raises:
        UserError: The store cannot be cut so.
    """
    options = (metadata or {}).get("options")
    window = options.get("window") if is_mapping(options) else None
    return Store.open(str(store.folder), window) if isinstance(window, int) and window != store.window else store


class StoresAtHand:
    """The stores that a page may read contexts from.

    Args:
        folders: Where stores may be: those that the user names, and those that logs name. The one that the package
            ships is looked at too, and those of the demo and of the planted latents, if they have been made.
    """

    def __init__(self, folders: Iterable[str] = ()) -> None:
        self._folders = [*dict.fromkeys(folders), str(package_store.FOLDER)]
        self._folders += [str(demo.store_folder()), str(planted.store_folder())]

    @lru_cache(maxsize=64)  # noqa: B019 - lives as long as what is written
    def find(self, digest: str) -> Store | None:
        """Return the store of a digest, as logs write it (`DIGEST` or `DIGEST/WINDOW`); None if it is not at hand."""
        _, _, window = digest.partition("/")
        for folder in self._folders:
            with suppress(UserError, OSError):
                store = Store.open(folder, int(window) if window.isdigit() else None)
                if store.digest == digest:
                    return store
        return None
