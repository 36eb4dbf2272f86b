"""The context store: what prep writes and everything else reads.

A folder of `manifest.json`, `tokenizer.json`, `tokens.npy` (the corpus, once), `documents.safetensors`, `pool.npy`, and
per hookpoint a folder with `postings.safetensors` and `latents.parquet`; docs/design.md, "The context store", has the
layout. Windows are cut from the corpus on reading. Nothing here needs torch.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Latent, Negative, Split
from inspect_autointerp.store.detokenizer import Detokenizer
from inspect_autointerp.store.manifest import NEGATIVES, Manifest
from inspect_autointerp.store.pool import Pool
from inspect_autointerp.store.postings import Postings
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store_files import Replaced, StoreFiles
from inspect_autointerp.store.store_files import file_sha256 as file_sha256

T = TypeVar("T")

SAMPLE, TOP, POOL = 1, 2, 4
"""Why a window was kept, as bits of `flags`."""

_AHEAD = 256
"""How many latents are fetched at once."""
_PATIENCE = 0.1
"""Seconds that one store takes to change places with another, on any file system."""


class Store:
    """A context store, open for reading.

    All that is read of it is of the store that was there when it was opened, or an error says that it was replaced.

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
        self.manifest, self._files, self.tokens, self.pool = _opened(self.folder, verify)
        self.settings = self.manifest.settings
        self.window = _context_length(self.settings, window, self.folder)
        """Tokens in a context."""
        self.ratio = self.settings.window // self.window
        """How many contexts' lengths make up a window as the store keeps it."""

    @staticmethod
    def open(folder: str, window: int | None = None, key: str | None = None) -> "Store":
        """The same store for the same folder and window, verified once per process.

        Args:
            folder: Where it is.
            window: See `Store`.
            key: `Manifest.key` of a store that was open before: that store, even if another one is there now. By
                default, of the store that is there.

        Raises:
            UserError: See `Store`; or the store of that key is neither open any more nor there.
        """
        store = _open(folder, window, key or Manifest.read(Path(folder)).key)
        digest, _, _ = (key or "").partition("-")
        if digest not in ("", store.manifest.digest):
            raise UserError(
                f"{folder}: the store was replaced since it was first opened (its digest was {digest}, and is"
                f" {store.manifest.digest}); run again"
            )
        return store

    def read(self, name: str, reader: Callable[[Path], T]) -> T:
        """What a reader makes of one of the store's files: see `StoreFiles.read`."""
        return self._files.read(name, reader)

    @cached_property
    def digest(self) -> str:
        """The name of the data (see `Manifest.digest`), with the window's length behind a slash if it is re-cut."""
        return self.manifest.digest + (f"/{self.window}" if self.ratio > 1 else "")

    @cached_property
    def key(self) -> str:
        """The name of this store as it is now: see `Manifest.key`."""
        return self.manifest.key

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
        n_windows, all_windows = int(table["n_windows"][index]), max(1, self.manifest.n_windows)
        share = n_windows / all_windows
        if self.ratio > 1 and n_windows:
            estimate = n_windows * self._firing_per_window(hookpoint, index)
            n_windows, share = round(estimate), estimate / (all_windows * self.ratio)
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
        return self.read(f"{hookpoint_folder(hookpoint)}/postings.safetensors", Postings)

    @lru_cache(maxsize=64)  # noqa: B019
    def _tables(self, hookpoint: str) -> dict[str, np.ndarray]:
        table = self.table(hookpoint, ["n_tokens", "n_windows", "max_activation"])
        return {name: table[name].to_numpy() for name in table.column_names}

    def table(self, hookpoint: str, columns: list[str], **options: Any) -> Any:
        """Columns of a hookpoint's `latents.parquet`, a row per latent, as pyarrow's `read_table` gives them.

        Args:
            hookpoint: Which.
            columns: Their names.
            options: Of `read_table`: `filters`, for instance.
        """
        import pyarrow.parquet as pq

        def reader(path: Path) -> Any:
            n_rows = pq.read_metadata(path).num_rows
            if n_rows != (width := self.manifest.hookpoints[hookpoint].width):
                raise UserError(f"{path}: {n_rows} rows, and the manifest's width is {width}; make the store again")
            return pq.read_table(path, columns=columns, **options)

        return self.read(f"{hookpoint_folder(hookpoint)}/latents.parquet", reader)

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
        lists = self.table(hookpoint, [column])[column].combine_chunks()
        return None if lists.null_count else lists.values.to_numpy().reshape(len(lists), -1)

    def similar(self, hookpoint: str, index: int) -> np.ndarray:
        """The starts of the pool's windows that read like those a latent fires on, int64, nearest first in each split.

        Raises:
            UserError: The store does not hold them.
        """
        columns = self._added("similar", hookpoint)
        a, b = columns["indptr"][index : index + 2]
        return columns["window"][a:b].astype(np.int64)

    @lru_cache(maxsize=64)  # noqa: B019
    def _added(self, kind: str, hookpoint: str) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        if kind not in self.manifest.negatives:
            raise UserError(
                f"{self.folder}: no {kind} contexts; `autointerp negatives {self.folder} --kind {kind}` adds them"
            )
        return self.read(negatives_file(kind, hookpoint).as_posix(), load_file)

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
        return Pool(starts, self.texts(starts), lambda starts: self.detokenizer.windows(self.ids(starts)))

    @cached_property
    def detokenizer(self) -> Detokenizer:
        """Token ids to text, by the subject's own tokenizer."""
        from tokenizers import Tokenizer

        return self.read("tokenizer.json", lambda path: Detokenizer(Tokenizer.from_file(str(path))))

    @cached_property
    def _documents(self) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        return self.read("documents.safetensors", load_file)

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


@lru_cache(maxsize=8)
def _open(folder: str, window: int | None, key: str) -> Store:
    del key  # tells a store from another one that takes its place
    return Store(folder, window=window)


def _opened(folder: Path, verify: bool) -> tuple[Manifest, StoreFiles, np.ndarray, np.ndarray]:
    """Open a store's files; once more if another one takes its place meanwhile."""
    for attempt in (1, 2):
        manifest = Manifest.read(folder)
        try:
            files = StoreFiles(folder, manifest.files, verify=verify)
            return manifest, files, *_corpus(files, manifest, folder)
        except UserError as error:
            if not isinstance(error, Replaced) and _is_still(folder, manifest):
                raise
            if attempt == 2:
                raise UserError(f"{folder}: was being replaced while it was opened; run again") from error
            time.sleep(_PATIENCE)
    raise AssertionError


def _is_still(folder: Path, manifest: Manifest) -> bool:
    try:
        return Manifest.read(folder) == manifest
    except UserError:
        return False


def _corpus(files: StoreFiles, manifest: Manifest, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The corpus, mapped into memory, and the pool's windows."""
    # A plain view of the map is faster than the map itself.
    tokens = np.asarray(files.read("tokens.npy", lambda path: np.load(path, mmap_mode="r", allow_pickle=False)))
    if tokens.shape != (manifest.n_tokens,) or tokens.dtype.kind != "u":
        raise UserError(f"{folder}: tokens.npy does not hold the {manifest.n_tokens} tokens of the manifest")
    pool = files.read("pool.npy", lambda path: np.load(path, allow_pickle=False))
    if (
        pool.ndim != 1
        or pool.dtype.kind != "u"
        or (pool.astype(np.int64) > manifest.n_tokens - manifest.settings.window).any()
    ):
        raise UserError(f"{folder}: pool.npy does not hold windows of tokens.npy; make the store again")
    return tokens, pool.astype(np.int64)


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
