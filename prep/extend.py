"""Adding a kind of non-activating contexts to a finished store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import NEGATIVES
from inspect_autointerp.store import Store, file_sha256, negatives_file


def extend(store: Store, kind: str, found: Iterator[tuple[str, dict[str, np.ndarray]]], how: str) -> None:
    """Write what was found for each hookpoint, and the manifest at the end.

    Until then the store is what it was, or the same without that kind where one of that kind is replaced: whenever it
    is interrupted, the store is whole.

    Args:
        store: The store; readers that have it open see the new kind when they open it again.
        kind: Which kind of contexts. One that is there already is replaced.
        found: Per hookpoint its arrays.
        how: What to call the way they were found.

    Raises:
        UserError: The store's folder cannot be written to.
    """
    folder = store.folder
    there = {name: value for name, value in store.manifest.files.items() if not name.startswith(f"{NEGATIVES}/{kind}/")}
    kinds = {name: value for name, value in store.manifest.negatives.items() if name != kind}
    partials: dict[Path, Path] = {}
    try:
        for hookpoint, arrays in found:
            path = folder / negatives_file(kind, hookpoint)
            path.parent.mkdir(parents=True, exist_ok=True)
            partials[path] = path.with_name(f".{path.name}.partial")
            save_file(arrays, partials[path])
        if kind in store.manifest.negatives:  # its files are about to change, so the store does without it meanwhile
            replace(store.manifest, files=there, negatives=kinds).write(folder)
        for path, partial in partials.items():
            partial.replace(path)
        files = there | {path.relative_to(folder).as_posix(): file_sha256(path) for path in partials}
        replace(store.manifest, files=dict(sorted(files.items())), negatives=kinds | {kind: how}).write(folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); the store is what it was") from error
