"""Vectors of a store's latents for explainers and scores: from a file, else from the store's own coder."""

from collections.abc import Sequence
from pathlib import Path

from inspect_autointerp.builtin.locate import located
from inspect_autointerp.models.from_store import load_rows
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.store.store import Store
from inspect_autointerp.vectors.file import read_vectors
from inspect_autointerp.vectors.rows import Rows


async def rows_of(store: Store, hookpoint: str, file: str | None, purpose: str) -> Rows:
    """Return the vectors of a hookpoint's latents, which all samples of the running tasks share.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        file: A file of vectors, which needs neither torch nor the coder; None for the store's coder.
        purpose: What errors say they are for.

    Raises:
        UserError: They cannot be read, or are of another coder than the store's.
    """
    held: Sequence[int] = store.at(hookpoint).held.tolist()

    def read() -> Rows:
        if file is None:
            return load_rows(store, hookpoint, held, purpose)
        return read_vectors(Path(located(file)), hookpoint, store.at(hookpoint).entry.sha256)

    return await shared(("rows", store.key, hookpoint, file), read)
