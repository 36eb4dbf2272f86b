"""Vectors kept on disk by number, for whoever needs them next: this process, another one, another day."""

import json
from collections.abc import Mapping
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from uuid import uuid4

import numpy as np

_SUFFIX = ".safetensors"


class KeptVectors:
    """A folder of blocks, each a safetensors file of `number` (vector,) int64 and `vector` (vector, dimension) float32.

    What is added becomes a block of its own, which appears whole or not at all and is never changed. So any number of
    processes can read and write at once: at worst two compute the same vectors, and either's do. Memory holds 16 bytes
    per vector; the vectors stay on disk.

    Args:
        folder: Where they are or will be. What lies there has to be vectors of the same kind: the name says which.
        about: What to note in each block, for people.
    """

    def __init__(self, folder: Path, about: Mapping[str, str] | None = None) -> None:
        self._folder, self._about = folder, dict(about or {})
        self._blocks: list[Path] = []
        self._seen: set[str] = set()
        self._numbers = np.zeros(0, dtype=np.int64)  # sorted
        self._place = np.zeros((0, 2), dtype=np.int32)  # which block, which row

    def get(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what there is of some vectors.

        Args:
            numbers: int64 (n,).

        Returns:
            Of which numbers there is a vector, bool (n,); and these vectors, float32 (known, dimension).
        """
        known, at = self._find(numbers)
        if not known.all() and self._look():  # another process may have added some
            known, at = self._find(numbers)
        place = self._place[at[known]]
        parts: list[np.ndarray] = []
        order: list[np.ndarray] = []
        for block in np.unique(place[:, 0]).tolist():
            rows = np.flatnonzero(place[:, 0] == block)
            parts.append(_vectors(self._blocks[int(block)])[place[rows, 1]])
            order.append(rows)
        if not parts:
            return known, np.zeros((0, 0), dtype=np.float32)
        vectors = np.empty((len(place), parts[0].shape[1]), dtype=np.float32)
        vectors[np.concatenate(order)] = np.concatenate(parts)
        return known, vectors

    def add(self, numbers: np.ndarray, vectors: np.ndarray) -> None:
        """Keep vectors. Where that is impossible (a full disk, say) a warning says so, and they are not kept."""
        from safetensors.numpy import save_file

        path = self._folder / f"{uuid4().hex}{_SUFFIX}"
        partial = path.with_suffix(".partial")
        content = {"number": numbers.astype(np.int64), "vector": np.ascontiguousarray(vectors, dtype=np.float32)}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(content, partial, self._about)
            partial.replace(path)
        except Exception as error:  # of the operating system, or safetensors's own
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            getLogger(__name__).warning("%s: embeddings cannot be kept (%s)", self._folder, error)
            return
        self._take(path, content["number"])

    def _find(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = np.searchsorted(self._numbers, numbers)
        known = np.zeros(len(numbers), dtype=bool)
        inside = at < len(self._numbers)
        known[inside] = self._numbers[at[inside]] == numbers[inside]
        return known, at

    def _look(self) -> bool:
        """Take up blocks that are new in the folder; whether there were any."""
        from safetensors import SafetensorError, safe_open

        new = [path for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if path.name not in self._seen]
        for path in new:
            try:
                with safe_open(path, "numpy") as file:
                    numbers = file.get_tensor("number")
            except (OSError, SafetensorError):  # broken by a power failure, say: what it held is computed again
                self._seen.add(path.name)
                continue
            self._take(path, numbers)
        return bool(new)

    def _take(self, path: Path, numbers: np.ndarray) -> None:
        place = np.column_stack([np.full(len(numbers), len(self._blocks)), np.arange(len(numbers))]).astype(np.int32)
        self._blocks.append(path)
        self._seen.add(path.name)
        together = np.concatenate([self._numbers, numbers])
        self._numbers, first = np.unique(together, return_index=True)
        self._place = np.concatenate([self._place, place])[first]


def _vectors(path: Path) -> np.ndarray:
    """A block's vectors, memory-mapped: of a block that other latents fill few rows are read."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))["vector"]
    return np.memmap(path, np.float32, "r", 8 + size + entry["data_offsets"][0], tuple(entry["shape"]))
