"""One hookpoint's postings: per latent the windows kept, and its activations on them."""

import json
import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SAMPLE, TOP, POOL = 1, 2, 4
"""Why a window was kept, as bits of `flags`."""
OTHER = 8
"""Further bit of `flags`: in this window the latent fires in the other subject, too."""

_TYPES = {"U8": np.uint8, "U32": np.uint32, "I64": np.int64, "F16": np.float16}
"""safetensors' names of the types that a store holds."""

# What the kernel can be told, where it listens (not on Windows).
_RANDOM: int | None = getattr(mmap, "MADV_RANDOM", None)
_WILLNEED: int | None = getattr(mmap, "MADV_WILLNEED", None)


class Postings:
    """Postings of one hookpoint: per latent the windows kept, and its activations on them. Memory-mapped.

    The file holds two compressed sparse rows over latents: `window_indptr` (latent + 1,) into `window` (uint32: the
    position of a window's first token) and `flags` (uint8); `indptr` (latent + 1,) into `pos` (uint32) and `act`
    (float16), in order of position. Where prep looked for neighbours there are also `sibling_indptr` (latent + 1,) into
    `sibling` (uint32: those that count the latent among their neighbours), and `shared` (uint32, per window: bit j says
    that the j-th sibling fires in it too).

    The safetensors package maps the file too, but leaves it to the kernel to guess what is read next: cold, one latent
    took 23 ms. Here a latent's part of every column is asked for at once, and nothing else is read.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._advise(_RANDOM, 0, len(self._map))
        size = int.from_bytes(self._map[:8], "little")
        self._columns: dict[str, np.ndarray] = {}
        self._begin: dict[str, int] = {}
        for name, entry in json.loads(self._map[8 : 8 + size]).items():
            if name != "__metadata__" and entry["dtype"] in _TYPES:
                first, end = entry["data_offsets"]
                dtype = np.dtype(_TYPES[entry["dtype"]])
                self._begin[name] = 8 + size + first
                self._columns[name] = np.frombuffer(
                    self._map, dtype, (end - first) // dtype.itemsize, self._begin[name]
                )
        self._window_indptr, self._indptr = self._columns["window_indptr"], self._columns["indptr"]

    def windows(self, latent: int) -> tuple[np.ndarray, np.ndarray]:
        """The starts (int64) and flags (uint8) of the windows kept for a latent, in order of position."""
        window, flags = self._read(("window", "flags"), *self._window_indptr[latent : latent + 2].tolist())
        return window.astype(np.int64), flags

    def activations(self, latent: int) -> tuple[np.ndarray, np.ndarray]:
        """The positions (int64) and activations (float32, > 0) of a latent on its kept windows, in order."""
        pos, act = self._read(("pos", "act"), *self._indptr[latent : latent + 2].tolist())
        return pos.astype(np.int64), act.astype(np.float32)

    def siblings(self, latent: int) -> np.ndarray:
        """The latents that count it among their neighbours, uint32, nearest first; none where nobody looked."""
        if "sibling_indptr" not in self._columns:
            return np.zeros(0, dtype=np.uint32)
        a, b = self._columns["sibling_indptr"][latent : latent + 2].tolist()
        return self._read(("sibling",), a, b)[0]

    def shared(self, latent: int) -> np.ndarray:
        """Per window kept for a latent, as bits of uint32, which of its siblings fire in it too."""
        return self._read(("shared",), *self._window_indptr[latent : latent + 2].tolist())[0]

    def fetch(self, latents: Sequence[int]) -> None:
        """Begin to read the windows and activations of these latents, without waiting for any of it."""
        if not len(latents):
            return
        at = np.array(latents, dtype=np.int64)
        for indptr, names in (("window_indptr", ("window", "flags")), ("indptr", ("pos", "act"))):
            self._fetch((indptr,), int(at.min()), int(at.max()) + 2)
            bounds = self._columns[indptr]
            for a, b in zip(bounds[at].tolist(), bounds[at + 1].tolist(), strict=True):
                self._fetch(names, a, b)

    def _read(self, names: tuple[str, ...], a: int, b: int) -> list[np.ndarray]:
        """The same part of several columns."""
        self._fetch(names, a, b)
        return [self._columns[name][a:b] for name in names]

    def _fetch(self, names: tuple[str, ...], a: int, b: int) -> None:
        for name in names:
            width = self._columns[name].itemsize
            self._advise(_WILLNEED, self._begin[name] + a * width, (b - a) * width)

    def _advise(self, advice: int | None, begin: int, length: int) -> None:
        """Tell the kernel what will be read of the map."""
        if advice is not None and length:
            page = begin // mmap.PAGESIZE * mmap.PAGESIZE
            self._map.madvise(advice, page, begin + length - page)
