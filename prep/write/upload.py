"""Local folder for a store whose place is a URL: it is made in the user's cache and published from there."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.atomic import remove_folder
from inspect_autointerp.store.manifest import STORE
from inspect_autointerp.store.remote import cache_folder, is_url, publish, refuse_published


@contextmanager
def outgoing(output: str, *, overwrite: bool) -> Iterator[tuple[Path, bool]]:
    """A local folder for a store; at the end of the block what is in it is published, if `output` is a URL.

    Args:
        output: The store's folder or URL.
        overwrite: Whether a store that is there may be replaced.

    Yields:
        The folder, and whether a store in it may be replaced.

    Raises:
        UserError: There is one already at the URL, or it cannot be written to; the store made is kept then.
    """
    if not is_url(output):
        yield Path(output), overwrite
        return
    refuse_published(output, overwrite=overwrite)
    folder = cache_folder() / "outgoing" / sha256(output.rstrip("/").encode()).hexdigest()[:16]
    yield folder, True
    try:
        publish(folder, output, overwrite=overwrite)
    except UserError as error:
        raise UserError(f"{error}; the store is in {folder}") from error
    remove_folder(folder, kind=STORE)
