"""Adding a kind of non-activating contexts to a finished store."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from safetensors.numpy import save_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import NEGATIVES
from inspect_autointerp.store import Store, file_sha256, negatives_file


def extend(store: Store, kind: str, found: Iterator[tuple[str, dict[str, np.ndarray]]], how: str) -> None:
    """Write what was found for each hookpoint, and the manifest at the end: until then the store is what it was.

    Args:
        store: The store; readers that have it open see the new kind when they open it again.
        kind: Which kind of contexts. One that is there already is replaced.
        found: Per hookpoint its arrays.
        how: What to call the way they were found.

    Raises:
        UserError: The store's folder cannot be written to.
    """
    files = {name: value for name, value in store.manifest.files.items() if not name.startswith(f"{NEGATIVES}/{kind}/")}
    try:
        for hookpoint, arrays in found:
            path = store.folder / negatives_file(kind, hookpoint)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            save_file(arrays, partial)
            partial.replace(path)
            files[path.relative_to(store.folder).as_posix()] = file_sha256(path)
        negatives = store.manifest.negatives | {kind: how}
        replace(store.manifest, files=dict(sorted(files.items())), negatives=negatives).write(store.folder)
    except OSError as error:
        raise UserError(f"{store.folder}: cannot be written ({error.strerror}); the store is what it was") from error
