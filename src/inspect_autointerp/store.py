"""The context store: what prep writes and everything else reads.

A folder of `manifest.json`, `tokenizer.json`, `tokens.npy` (the corpus, once), `documents.safetensors`, `pool.npy`, and
per hookpoint a folder with `postings.safetensors` and `latents.parquet`; docs/design.md, "The context store", has the
layout. Windows are cut from the corpus on reading. Nothing here needs torch.
"""

from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from inspect_autointerp.decoder import Decoder
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Latent, Split
from inspect_autointerp.manifest import Manifest

SAMPLE, TOP, POOL = 1, 2, 4
"""Why a window was kept, as bits of `flags`."""


class Postings:
    """Of one hookpoint: per latent the windows kept, and its activations on them. Memory-mapped.

    The file holds two compressed sparse rows over latents: `window_indptr` (latent + 1,) into `window` (uint32: the
    position of a window's first token) and `flags` (uint8); `indptr` (latent + 1,) into `pos` (uint32) and `act`
    (float16), in order of position.
    """

    def __init__(self, path: Path) -> None:
        from safetensors import safe_open

        handle = safe_open(path, framework="np")
        self._window_indptr, self._indptr = handle.get_tensor("window_indptr"), handle.get_tensor("indptr")
        self._columns = {name: handle.get_slice(name) for name in ("window", "flags", "pos", "act")}

    def windows(self, latent: int) -> tuple[np.ndarray, np.ndarray]:
        """The starts (int64) and flags (uint8) of the windows kept for a latent, in order of position."""
        a, b = self._window_indptr[latent : latent + 2]
        return self._read("window", a, b).astype(np.int64), self._read("flags", a, b)

    def activations(self, latent: int) -> tuple[np.ndarray, np.ndarray]:
        """The positions (int64) and activations (float32, > 0) of a latent on its kept windows, in order."""
        a, b = self._indptr[latent : latent + 2]
        return self._read("pos", a, b).astype(np.int64), self._read("act", a, b).astype(np.float32)

    def _read(self, name: str, a: int, b: int) -> np.ndarray:
        """A part of a column; safetensors refuses an empty one at the end."""
        return self._columns[name][a:b] if a < b else np.zeros(0, dtype=np.uint8)


class Store:
    """A context store, open for reading.

    Args:
        folder: Where it is.
        verify: Check the sha256 of every file against the manifest.

    Raises:
        UserError: It is missing, half-written, of another format version, or changed since it was written.
    """

    def __init__(self, folder: str | Path, *, verify: bool = True) -> None:
        self.folder = Path(folder)
        self.manifest = Manifest.read(self.folder)
        self.settings = self.manifest.settings
        for name, digest in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                raise UserError(f"{self.folder}: incomplete, {name} is missing; make the store again")
            if verify and file_sha256(path) != digest:
                raise UserError(f"{self.folder}: {name} changed since it was written; make the store again")
        self.tokens: np.ndarray = np.asarray(
            np.load(self.folder / "tokens.npy", mmap_mode="r")
        )  # a plain view is faster
        self.pool: np.ndarray = np.load(self.folder / "pool.npy").astype(np.int64)

    @staticmethod
    @lru_cache(maxsize=8)
    def open(folder: str) -> "Store":
        """The same store for the same folder, verified once per process."""
        return Store(folder)

    @property
    def digest(self) -> str:
        """The name of the data: see `Manifest.digest`."""
        return self.manifest.digest

    @property
    def hookpoints(self) -> list[str]:
        """The hookpoints there are, in order of name."""
        return sorted(self.manifest.hookpoints)

    def hookpoint(self, name: str | None) -> str:
        """The hookpoint of that name; None stands for the first one.

        Raises:
            UserError: There is none of that name.
        """
        if name is None:
            return self.hookpoints[0]
        if name not in self.manifest.hookpoints:
            raise UserError(f"no hookpoint {name!r} in {self.folder}; it has {', '.join(self.hookpoints)}")
        return name

    def latent(self, hookpoint: str, index: int) -> Latent:
        """One latent and its statistics."""
        table = self._tables(hookpoint)
        n_windows = int(table["n_windows"][index])
        return Latent(
            hookpoint=hookpoint,
            index=index,
            n_tokens=int(table["n_tokens"][index]),
            n_windows=n_windows,
            firing_share=n_windows / max(1, self.manifest.n_windows),
            max_activation=float(table["max_activation"][index]),
        )

    @lru_cache(maxsize=64)  # noqa: B019 - a store lives as long as the process that reads it
    def postings(self, hookpoint: str) -> Postings:
        """The postings of a hookpoint."""
        return Postings(self.folder / hookpoint_folder(hookpoint) / "postings.safetensors")

    @lru_cache(maxsize=64)  # noqa: B019
    def _tables(self, hookpoint: str) -> dict[str, np.ndarray]:
        import pyarrow.parquet as pq

        path = self.folder / hookpoint_folder(hookpoint) / "latents.parquet"
        table = pq.read_table(path, columns=["n_tokens", "n_windows", "max_activation"])
        return {name: table[name].to_numpy() for name in table.column_names}

    @cached_property
    def decoder(self) -> Decoder:
        """Token ids to text, by the subject's own tokenizer."""
        from tokenizers import Tokenizer

        return Decoder(Tokenizer.from_file(str(self.folder / "tokenizer.json")))

    @cached_property
    def _documents(self) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        return load_file(self.folder / "documents.safetensors")

    def document(self, positions: np.ndarray) -> np.ndarray:
        """The document in which each position lies, as its number from 0."""
        return np.searchsorted(self._documents["offset"], positions, side="right") - 1

    def document_bounds(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first position of each position's document, and the first one after it."""
        number = self.document(positions)
        return self._documents["offset"][number], self._documents["offset"][number + 1]

    def chunk_bounds(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The part of each position's document that the subject saw at once with it, as [first, end)."""
        first, end = self.document_bounds(positions)
        length, origin = self.settings.context_length, 0 if self.settings.pack else first
        chunk = origin + (positions - origin) // length * length
        return np.maximum(first, chunk), np.minimum(end, chunk + length)

    def in_split(self, positions: np.ndarray, split: Split) -> np.ndarray:
        """Whether each position lies in a document of that split, as bool."""
        is_test = self._documents["test"][self.document(positions)].astype(bool)
        return is_test if split == "test" else ~is_test


def hookpoint_folder(hookpoint: str) -> str:
    """The path of a hookpoint's files inside a store."""
    return f"hookpoints/{hookpoint}"


def file_sha256(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
