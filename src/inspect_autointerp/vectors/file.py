"""Files of vectors: safetensors, with what the vectors are of in its metadata. docs/vectors.md describes the format."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.json_values import is_dict
from inspect_autointerp.vectors.rows import Rows, norms

FORMAT = "inspect_autointerp.vectors/1"
"""Changes when a key is renamed or means something else."""
_ARRAYS = ("encoder", "decoder", "encoder_bias", "threshold")


def write_vectors(store: Store, hookpoints: Sequence[Rows], target: Path, *, overwrite: bool = False) -> None:
    """Write the vectors of one or more hookpoints to one file.

    Args:
        store: The store that they belong to.
        hookpoints: The vectors, a hookpoint each.
        target: The file.
        overwrite: Whether it may replace a file.

    Raises:
        UserError: It cannot be written, or exists.
    """
    tensors: dict[str, np.ndarray] = {}
    for rows in hookpoints:
        tensors[f"{rows.hookpoint}/index"] = rows.index.astype(np.int64)
        for name in _ARRAYS:
            if (array := getattr(rows, name)) is not None:
                tensors[f"{rows.hookpoint}/{name}"] = np.ascontiguousarray(array, dtype=np.float32)
        for name in ("encoder", "decoder"):
            if (array := getattr(rows, name)) is not None:
                tensors[f"{rows.hookpoint}/{name}_norm"] = norms(array)
    manifest = store.manifest
    metadata = {
        "format": FORMAT,
        "subject": manifest.subject,
        "subject_revision": manifest.revision or "",
        "subject_sha256": manifest.subject_sha256,
        "store": store.digest,
        "hookpoints": json.dumps({rows.hookpoint: dict(rows.facts) | {"latents": rows.names} for rows in hookpoints}),
    }
    with atomic_file(target, overwrite=overwrite) as path:
        try:
            save_file(tensors, path, metadata=metadata)
        except SafetensorError as error:  # of a full disk, which is no OSError there
            raise OSError(str(error).removeprefix("Error while serializing: ")) from error


def read_vectors(path: Path, hookpoint: str, coder_sha256: str | None = None) -> Rows:
    """Read the vectors of one hookpoint.

    Args:
        path: A file that `write_vectors` wrote, or anyone else in this format.
        hookpoint: Which.
        coder_sha256: The digest that its coder should have; None to take any.

    Raises:
        UserError: The file cannot be read, is of another format or coder, or holds no such hookpoint.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            names = {name for name in file.keys() if name.rpartition("/")[0] == hookpoint}  # noqa: SIM118 (no mapping)
            arrays = {name.rpartition("/")[2]: file.get_tensor(name) for name in names}
    except (TypeError, AttributeError) as error:  # numpy has no such type
        raise UserError(f"vectors {path}: {hookpoint} has numbers of a type that numpy lacks; give float32") from error
    except (OSError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"vectors {path}: cannot be read ({reason})") from error
    if metadata.get("format") != FORMAT:
        raise UserError(
            f"vectors {path}: its format is {metadata.get('format')!r}, not {FORMAT!r}; `autointerp export-vectors`"
            " writes it"
        )
    facts = _facts(path, metadata, hookpoint)
    if "index" not in arrays:
        held = ", ".join(sorted(json.loads(metadata["hookpoints"]))) or "none"
        raise UserError(f"vectors {path}: no vectors of {hookpoint}; the file has {held}")
    _check(path, hookpoint, arrays)
    if coder_sha256 is not None and facts.get("coder_sha256") != coder_sha256:
        raise UserError(
            f"vectors {path}: they are of another coder than the store's at {hookpoint} (its digest differs);"
            " export them from this store"
        )
    order = np.argsort(arrays["index"], kind="stable")
    given = {name: arrays[name][order].astype(np.float32, copy=False) for name in _ARRAYS if name in arrays}
    return Rows(hookpoint, arrays["index"][order], **given, facts=facts)


def _facts(path: Path, metadata: dict[str, str], hookpoint: str) -> dict[str, Any]:
    try:
        hookpoints = json.loads(metadata["hookpoints"])
    except (KeyError, ValueError, RecursionError) as error:
        raise UserError(f"vectors {path}: its metadata `hookpoints` must be a JSON object") from error
    facts = hookpoints.get(hookpoint, {}) if is_dict(hookpoints) else None
    if not is_dict(facts):
        raise UserError(f"vectors {path}: its metadata `hookpoints` must be a JSON object of objects")
    return facts


def _check(path: Path, hookpoint: str, arrays: dict[str, np.ndarray]) -> None:
    """Check types and shapes.

    Raises:
        UserError: They do not fit.
    """
    n = arrays["index"].shape
    if len(n) != 1 or not np.issubdtype(arrays["index"].dtype, np.integer):
        raise UserError(f"vectors {path}: {hookpoint}/index must be whole numbers of shape (n,)")
    if len(np.unique(arrays["index"])) < n[0]:
        raise UserError(f"vectors {path}: {hookpoint}/index names a latent twice; give each latent one row")
    for name in _ARRAYS:
        array = arrays.get(name)
        wanted = 2 if name in ("encoder", "decoder") else 1
        if array is None:
            continue
        fits = array.ndim == wanted and array.shape[:1] == n and array.dtype.kind in "fiu"
        if not fits or not (np.abs(array) <= np.finfo(np.float32).max).all():
            raise UserError(
                f"vectors {path}: {hookpoint}/{name} must be finite numbers, a row for each of its {n[0]} latents"
            )
