"""The context store: what prep writes and everything else reads.

A folder of `manifest.json`, `tokenizer.json`, `tokens.npy` (the corpus, once), `documents.safetensors`, `pool.npy`, and
per hookpoint a folder with `postings.safetensors` and `latents.parquet`; docs/design.md, "The context store", has the
layout. Windows are cut from the corpus on reading. Nothing here needs torch.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from hashlib import file_digest
from pathlib import Path

import numpy as np

from inspect_autointerp.decoder import Decoder
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Latent, Negative, Split
from inspect_autointerp.manifest import NEGATIVES, Manifest
from inspect_autointerp.pool import Pool
from inspect_autointerp.postings import Postings
from inspect_autointerp.settings import Settings

SAMPLE, TOP, POOL = 1, 2, 4
"""Why a window was kept, as bits of `flags`."""

_AHEAD = 256
"""How many latents are fetched at once."""


class Store:
    """A context store, open for reading.

    With a `window` shorter than the store's own, every kept window is cut into several on the same grid, and no forward
    pass is needed for it. The sample is then a cluster sample: every short window on which a latent fires has the
    chance of being in it that the wide window around it has, the same for all, but neighbours come together. Where the
    store's contexts are centred, each wide window gives one context, the short window around its peak. The digest tells
    such a store apart.

    Args:
        folder: Where it is.
        window: Tokens in a context; a divisor of the window that the store was made with, which is the default.
        verify: Check the sha256 of every file against the manifest.

    Raises:
        UserError: It is missing, half-written, of another format version, or changed since it was written; or it cannot
            be cut to such windows.
    """

    def __init__(self, folder: str | Path, *, window: int | None = None, verify: bool = True) -> None:
        self.folder = Path(folder)
        self.manifest = Manifest.read(self.folder)
        self.settings = self.manifest.settings
        self.window = _context_length(self.settings, window, self.folder)
        """Tokens in a context."""
        self.ratio = self.settings.window // self.window
        """How many contexts' lengths make up a window as the store keeps it."""
        for name in self.manifest.files:
            if not (self.folder / name).is_file():
                raise UserError(f"{self.folder}: incomplete, {name} is missing; make the store again")
        if verify:
            self._verify()
        # A plain view of the map is faster than the map itself.
        self.tokens: np.ndarray = np.asarray(np.load(self.folder / "tokens.npy", mmap_mode="r"))
        self.pool: np.ndarray = np.load(self.folder / "pool.npy").astype(np.int64)

    @staticmethod
    def open(folder: str, window: int | None = None) -> "Store":
        """The same store for the same folder and window, verified once per process."""
        return _open(folder, window)

    def _verify(self) -> None:
        """Hash all files, several at a time.

        Every process does so anew: to remember a file by its time and size would overlook what changes neither, and a
        gigabyte takes a second.
        """
        with ThreadPoolExecutor() as threads:
            found = threads.map(lambda name: file_sha256(self.folder / name), self.manifest.files)
            for (name, digest), actual in zip(self.manifest.files.items(), found, strict=True):
                if actual != digest:
                    raise UserError(f"{self.folder}: {name} changed since it was written; make the store again")

    @cached_property
    def digest(self) -> str:
        """The name of the data (see `Manifest.digest`), with the window's length behind a slash if it is re-cut."""
        return self.manifest.digest + (f"/{self.window}" if self.ratio > 1 else "")

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
        """One latent and its statistics; in a re-cut store, those that count windows are estimates (see `Latent`)."""
        table = self._tables(hookpoint)
        n_windows, of = int(table["n_windows"][index]), max(1, self.manifest.n_windows)
        share = n_windows / of
        if self.ratio > 1 and n_windows:
            estimate = n_windows * self._firing_per_window(hookpoint, index)
            n_windows, share = round(estimate), estimate / (of * self.ratio)
        return Latent(
            hookpoint=hookpoint,
            index=index,
            n_tokens=int(table["n_tokens"][index]),
            n_windows=n_windows,
            firing_share=share,
            max_activation=float(table["max_activation"][index]),
        )

    def latents(self, hookpoint: str, indices: Sequence[int]) -> Iterator[Latent]:
        """These latents, as `latent` gives them, while the disk fetches what is kept of those that come next.

        Reading a latent waits for the disk; here it waits once for many.
        """
        postings = self.postings(hookpoint)
        postings.fetch(indices[:_AHEAD])
        for i, index in enumerate(indices):
            if i % _AHEAD == 0:
                postings.fetch(indices[i + _AHEAD : i + 2 * _AHEAD])
            yield self.latent(hookpoint, index)

    def n_windows(self, hookpoint: str) -> np.ndarray:
        """On how many windows, as the store keeps them, each latent fires: exact, int (latent,); 0 of dead ones."""
        return self._tables(hookpoint)["n_windows"]

    def _firing_per_window(self, hookpoint: str, index: int) -> float:
        """The mean number of short windows on which a latent fires in a wide one of its sample."""
        postings = self.postings(hookpoint)
        starts, flags = postings.windows(index)
        starts = starts[(flags & SAMPLE) > 0]
        bounds = (starts[:, None] + self.window * np.arange(self.ratio + 1)).ravel()
        at = np.searchsorted(postings.activations(index)[0], bounds).reshape(len(starts), self.ratio + 1)
        return float((np.diff(at, axis=1) > 0).sum(axis=1).mean())

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

    def neighbours(self, kind: Negative, hookpoint: str, index: int) -> np.ndarray:
        """A latent's nearest others, int64, nearest first: as prep found them, or those that fire along with it.

        Raises:
            UserError: The store does not hold them.
        """
        if kind == "cooccurring":
            return self._added(kind, hookpoint)["neighbours"][index].astype(np.int64)
        table = self._lists(hookpoint, "neighbours")
        if table is None:
            raise UserError(
                f"{self.folder}: no neighbours at {hookpoint}, whose latents have no directions or were not"
                " compared (prep's --neighbours); `autointerp negatives` finds latents that fire together"
            )
        return table[index].astype(np.int64)

    def logits(self, hookpoint: str, index: int) -> tuple[list[int], list[int]]:
        """The tokens whose logits a latent's direction raises most, the most first, and those it lowers most.

        Raises:
            UserError: The latents have no directions in the space that the subject's head reads.
        """
        promoted, suppressed = (self._lists(hookpoint, name) for name in ("promoted", "suppressed"))
        if promoted is None or suppressed is None:
            raise UserError(
                f"{self.folder}: it is not known which tokens the latents of {hookpoint} promote: they have no"
                " directions that the subject's head reads"
            )
        return promoted[index].tolist(), suppressed[index].tolist()

    @lru_cache(maxsize=64)  # noqa: B019
    def _lists(self, hookpoint: str, column: str) -> np.ndarray | None:
        """A column of lists, (latent, item); None where the latents have none."""
        import pyarrow.parquet as pq

        path = self.folder / hookpoint_folder(hookpoint) / "latents.parquet"
        lists = pq.read_table(path, columns=[column])[column].combine_chunks()
        return None if lists.null_count else lists.values.to_numpy().reshape(len(lists), -1)

    def similar(self, hookpoint: str, index: int) -> np.ndarray:
        """The starts of the pool's windows that read like those a latent fires on, int64, nearest first in each split.

        Raises:
            UserError: The store does not hold them.
        """
        found = self._added("similar", hookpoint)
        a, b = found["indptr"][index : index + 2]
        return found["window"][a:b].astype(np.int64)

    @lru_cache(maxsize=64)  # noqa: B019
    def _added(self, kind: str, hookpoint: str) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        if kind not in self.manifest.negatives:
            raise UserError(
                f"{self.folder}: no {kind} contexts; `autointerp negatives {self.folder} --kind {kind}` adds them"
            )
        return load_file(self.folder / negatives_file(kind, hookpoint))

    def cut(self, starts: np.ndarray) -> np.ndarray:
        """The starts of the contexts on the grid, int64 (window, ratio), in windows as the store keeps them."""
        return starts[:, None] + self.window * np.arange(self.ratio)

    def ids(self, starts: np.ndarray) -> np.ndarray:
        """The tokens of the contexts that start there, (context, token)."""
        return self._from_each[starts]

    @cached_property
    def _from_each(self) -> np.ndarray:
        """A view of the corpus, (position, token): the context that starts at each position."""
        return np.lib.stride_tricks.sliding_window_view(self.tokens, self.window)

    def texts(self, starts: np.ndarray) -> list[bytes]:
        """The same, each as something to compare."""
        ids = np.ascontiguousarray(self.ids(starts))
        return ids.view(np.dtype((np.void, self.window * ids.itemsize))).ravel().tolist()

    @lru_cache(maxsize=2)  # noqa: B019
    def pool_of(self, split: Split) -> Pool:
        """The part of the pool that lies in a split, cut to contexts."""
        starts = self.cut(self.pool[self.in_split(self.pool, split)]).ravel()
        return Pool(starts, self.texts(starts), lambda starts: self.decoder.windows(self.ids(starts)))

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

    def n_documents(self, split: Split) -> int:
        """How many documents are of a split."""
        n_test = int(self._documents["test"].sum())
        return n_test if split == "test" else len(self._documents["test"]) - n_test

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


def negatives_file(kind: str, hookpoint: str) -> Path:
    """The path of a kind of added contexts inside a store."""
    return Path(NEGATIVES, kind, f"{hookpoint}.safetensors")


def hookpoint_folder(hookpoint: str) -> str:
    """The path of a hookpoint's files inside a store."""
    return f"hookpoints/{hookpoint}"


def file_sha256(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=8)
def _open(folder: str, window: int | None) -> Store:
    return Store(folder, window=window)


def _context_length(settings: Settings, window: int | None, folder: Path) -> int:
    kept = settings.window
    if window is None or window == kept:
        return kept
    if window < 1 or kept % window:
        lengths = ", ".join(str(n) for n in range(1, kept + 1) if kept % n == 0)
        raise UserError(f"window={window}: {folder} keeps windows of {kept} tokens; they can be cut to {lengths}")
    if not settings.sample:
        raise UserError(f"window={window}: {folder} was made without a sample of windows; there is nothing to cut")
    return window
