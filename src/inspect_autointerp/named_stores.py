"""The stores that come with the package, by name, and the one place where a store that the user names is looked for."""

from collections.abc import Callable
from pathlib import Path

from inspect_autointerp import demo, planted
from inspect_autointerp.dataset import resolve
from inspect_autointerp.errors import UserError

DEMO = "demo"
BUILT_IN: dict[str, Callable[[], Path]] = {
    DEMO: lambda: demo.ensure_store(),
    planted.CONTEXTS: lambda: planted.ensure_store(),
}
"""What makes each of them on first use, by its name. A folder of that name is `./demo`."""


def locate(given: str | None) -> str:
    """Return the folder of a context store as the user names it; a built-in one is made on first use.

    Args:
        given: A folder, a URL, or the name of a built-in store. None is the demo's.

    Raises:
        UserError: It cannot be fetched, or not be made.
    """
    make = BUILT_IN.get(DEMO if given is None else given)
    return str(make() if make else resolve(str(given)))


def check_writable(given: str) -> str:
    """Return the name of a store that is to be written, as it is.

    Raises:
        UserError: It is the name of a built-in store.
    """
    if given in BUILT_IN:
        raise UserError(
            f"{given}: the name of a built-in store, which is not written to; for a folder of that name give ./{given}"
        )
    return given
