"""Adding a kind of non-activating contexts to a finished store."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.write.tensor_file import save_tensors
from inspect_autointerp.store.atomic import reason
from inspect_autointerp.store.hookpoint_store import negatives_file
from inspect_autointerp.store.manifest import NEGATIVES, Manifest
from inspect_autointerp.store.store import Store, file_sha256


def extend(store: Store, kind: str, windows: Iterator[tuple[str, dict[str, np.ndarray]]], how: str) -> None:
    """Write what was found for each hookpoint, and the manifest at the end.

    Until then the store is what it was, or the same without that kind where one of that kind is replaced: whenever it
    is interrupted, the store is whole.

    Args:
        store: The store; readers that have it open see the new kind when they open it again.
        kind: Which kind of contexts. One that is there already is replaced.
        windows: Per hookpoint its arrays.
        how: What to call the way they were found.

    Raises:
        UserError: The store's folder cannot be written to, or holds another store by now.
    """
    partial: dict[Path, Path] = {}
    try:
        for hookpoint, arrays in windows:
            path = store.folder / negatives_file(kind, hookpoint)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial[path] = path.with_name(f".{path.name}.{token_hex(4)}.partial")
            save_tensors(partial[path], arrays)
        files = {path.relative_to(store.folder).as_posix(): file_sha256(new) for path, new in partial.items()}
        manifest = _without(Manifest.read(store.folder), kind)  # another process may have added another kind
        if manifest.digest != store.manifest.digest:
            raise UserError(f"{store.folder}: another store has replaced it in the meantime; that one was not changed")
        manifest.write(store.folder)  # wherever this is interrupted, the store is whole: without the kind, or with it
        for path, new in partial.items():
            new.replace(path)
        negatives = manifest.negatives | {kind: how}
        replace(manifest, files=dict(sorted((manifest.files | files).items())), negatives=negatives).write(store.folder)
    except OSError as error:
        raise UserError(f"{store.folder}: cannot be written ({reason(error)}); the store is unchanged") from error
    finally:
        for new in partial.values():
            with suppress(OSError):
                new.unlink(missing_ok=True)


def _without(manifest: Manifest, kind: str) -> Manifest:
    files = {name: value for name, value in manifest.files.items() if not name.startswith(f"{NEGATIVES}/{kind}/")}
    return replace(manifest, files=files, negatives={k: how for k, how in manifest.negatives.items() if k != kind})
