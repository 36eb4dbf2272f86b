"""The context store: what prep writes and everything else reads.

A folder of `manifest.json`, `tokenizer.json`, `tokens.npy` (the corpus, once), `documents.safetensors`, `pool.npy`,
and per hookpoint a folder with `postings.safetensors` and `latents.parquet`; docs/store-format.md has the layout.
Windows are cut from the corpus on reading. Nothing here needs torch.
"""

import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Split
from inspect_autointerp.store.detokenizer import Detokenizer
from inspect_autointerp.store.halves import checked_half, in_half
from inspect_autointerp.store.hookpoint_store import HookpointStore
from inspect_autointerp.store.manifest import SPANS, Manifest
from inspect_autointerp.store.pool import Pool
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store_files import Replaced, StoreFiles
from inspect_autointerp.store.store_files import file_sha256 as file_sha256

T = TypeVar("T")

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
        half: 1 or 2 for a half of the documents, see `halves`: no context of another document is in either split.
            Facts about latents, such as how often they fire, stay those of the whole store.

    Raises:
        UserError: It is missing, half-written, of another format version, or changed since it was written; or it cannot
            be cut to such windows.
    """

    def __init__(
        self, folder: str | Path, *, window: int | None = None, verify: bool = True, half: int | None = None
    ) -> None:
        self.folder = Path(folder)
        self.half = None if half is None else checked_half(half)
        """The half of the documents that it is of; None for all."""
        self.manifest, self._files, self.tokens, self.pool, self._spans = _opened(self.folder, verify)
        self.settings = self.manifest.settings
        self.window = _context_length(self.settings, window, self.folder)
        """Tokens in a context."""
        self.ratio = self.settings.window // self.window
        """Number of contexts that make up a window as the store keeps it."""
        self._at: dict[str, HookpointStore] = {}
        self._pools: dict[Split, Pool] = {}

    @staticmethod
    def open(folder: str, window: int | None = None, key: str | None = None, half: int | None = None) -> "Store":
        """The same store for the same folder, window and half, verified once per process.

        Args:
            folder: Where it is.
            window: See `Store`.
            key: `Manifest.key` of a store that was open before: that store, even if another one is there now. By
                default, of the store that is there.
            half: See `Store`.

        Raises:
            UserError: See `Store`; or the store of that key is neither open any more nor there.
        """
        store = _open(folder, window, key or Manifest.read(Path(folder)).key, half)
        digest, _, _ = (key or "").partition("-")
        if digest not in ("", store.manifest.digest):
            raise UserError(
                f"{folder}: the store was replaced since it was first opened (its digest was {digest}, and is"
                f" {store.manifest.digest}); run again"
            )
        return store

    def read(self, name: str, reader: Callable[[Path], T]) -> T:
        """Return what a reader makes of one of the store's files: see `StoreFiles.read`."""
        return self._files.read(name, reader)

    @cached_property
    def digest(self) -> str:
        """The name of the data (see `Manifest.digest`), with the window's length behind a slash if it is re-cut.

        The half of the documents, if it is one, is behind another: `/half1`.
        """
        window = f"/{self.window}" if self.ratio > 1 else ""
        return self.manifest.digest + window + (f"/half{self.half}" if self.half else "")

    @cached_property
    def key(self) -> str:
        """The name of this store as it is now: see `Manifest.key`."""
        return self.manifest.key

    @property
    def hookpoints(self) -> list[str]:
        """The hookpoints there are, in order of name."""
        return sorted(self.manifest.hookpoints)

    def at(self, hookpoint: str | None) -> HookpointStore:
        """The part of the store that is of one hookpoint; None stands for the first one.

        Raises:
            UserError: There is none of that name.
        """
        name = self.hookpoints[0] if hookpoint is None else hookpoint
        if name not in self.manifest.hookpoints:
            raise UserError(f"no hookpoint {name!r} in {self.folder}; it has {', '.join(self.hookpoints)}")
        return self._at.setdefault(name, HookpointStore(self, name))

    def check_whole(self, purpose: str) -> None:
        """Refuse a frozen store where all latents are needed.

        Args:
            purpose: What they are needed for; the error's message begins with it.

        Raises:
            UserError: The store is frozen.
        """
        if self.manifest.frozen:
            raise UserError(
                f"{purpose} needs all latents, and {self.folder} is a frozen store, which holds some; give the store"
                f" that it was frozen from (digest {self.manifest.frozen.source})"
            )

    def cut(self, starts: np.ndarray) -> np.ndarray:
        """The starts of the contexts on the grid, int64 (window, ratio), in windows as the store keeps them."""
        return starts[:, None] + self.window * np.arange(self.ratio)

    def ids(self, starts: np.ndarray) -> np.ndarray:
        """The tokens of the contexts that start there, (context, token).

        Raises:
            UserError: A frozen store does not hold one of them.
        """
        if self._spans is not None:
            starts = np.asarray(starts, dtype=np.int64)
            span = np.searchsorted(self._spans[:, 0], starts, side="right") - 1
            outside = (span < 0) | (starts + self.window > self._spans[span, 1])
            if outside.any():
                raise UserError(
                    f"{self.folder}: a frozen store, which does not hold the context that starts at token"
                    f" {starts[outside][0]:,}"
                )
        return self._from_each[starts]

    @cached_property
    def _from_each(self) -> np.ndarray:
        """A view of the corpus, (position, token): the context that starts at each position."""
        return np.lib.stride_tricks.sliding_window_view(self.tokens, self.window)

    def texts(self, starts: np.ndarray) -> list[bytes]:
        """The same, each as something to compare."""
        ids = np.ascontiguousarray(self.ids(starts))
        return ids.view(np.dtype((np.void, self.window * ids.itemsize))).ravel().tolist()

    def pool_of(self, split: Split) -> Pool:
        """The part of the pool that lies in a split, cut to contexts."""
        if split not in self._pools:
            starts = self.cut(self.pool[self.in_split(self.pool, split)]).ravel()
            self._pools[split] = Pool(
                starts, self.texts(starts), lambda starts: self.detokenizer.windows(self.ids(starts))
            )
        return self._pools[split]

    @cached_property
    def detokenizer(self) -> Detokenizer:
        """Token ids to text, by the subject's own tokenizer."""
        from tokenizers import Tokenizer

        return self.read("tokenizer.json", lambda path: Detokenizer(Tokenizer.from_file(str(path))))

    @cached_property
    def _documents(self) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        return self.read("documents.safetensors", load_file)

    def documents(self) -> tuple[np.ndarray, np.ndarray]:
        """Return where documents begin and the last ends, int64 (document + 1,); and which are of the test split."""
        return self._documents["offset"], self._documents["test"].astype(bool)

    def own_windows(self) -> np.ndarray | None:
        """Return where the windows of a corpus of conversations start, int64 (window,), in order.

        Returns:
            None for other corpora, whose windows follow from where documents begin.

        Raises:
            UserError: They are not windows of the corpus.
        """
        if "windows" not in self._documents:
            return None
        starts = self._documents["windows"].astype(np.int64)
        if starts.ndim != 1 or (starts + self.settings.window > self.manifest.n_tokens).any() or (starts < 0).any():
            raise UserError(f"{self.folder}: documents.safetensors names windows that are not there; make it again")
        return starts

    def document(self, positions: np.ndarray) -> np.ndarray:
        """The document in which each position lies, as its number from 0."""
        return np.searchsorted(self._documents["offset"], positions, side="right") - 1

    def n_documents(self, split: Split) -> int:
        """Return how many documents are of a split."""
        return int(self._in_split(np.arange(len(self._documents["test"])), split).sum())

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
        """Return whether each position lies in a document of that split, as bool."""
        return self._in_split(self.document(positions), split)

    def _in_split(self, documents: np.ndarray, split: Split) -> np.ndarray:
        is_test = self._documents["test"][documents].astype(bool)
        inside = is_test if split == "test" else ~is_test
        return inside if self.half is None else inside & in_half(documents, self.half)


@lru_cache(maxsize=8)
def _open(folder: str, window: int | None, key: str, half: int | None) -> Store:
    del key  # tells a store from another one that takes its place
    return Store(folder, window=window, half=half)


def _opened(folder: Path, verify: bool) -> tuple[Manifest, StoreFiles, np.ndarray, np.ndarray, np.ndarray | None]:
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
                raise UserError(f"{folder}: replaced while it was opened; run again") from error
            time.sleep(_PATIENCE)
    raise AssertionError


def _is_still(folder: Path, manifest: Manifest) -> bool:
    try:
        return Manifest.read(folder) == manifest
    except UserError:
        return False


def _corpus(files: StoreFiles, manifest: Manifest, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The corpus, mapped into memory; the pool's windows; and the parts of the corpus that a frozen store holds."""
    # A plain view of the map is faster than the map itself.
    tokens = np.asarray(files.read("tokens.npy", lambda path: np.load(path, mmap_mode="r", allow_pickle=False)))
    spans = None
    if manifest.frozen:
        spans = files.read(SPANS, lambda path: np.load(path, allow_pickle=False)).astype(np.int64)
        tokens = _at_their_places(tokens, spans, manifest.n_tokens, folder)
    if tokens.shape != (manifest.n_tokens,) or tokens.dtype.kind != "u":
        raise UserError(f"{folder}: tokens.npy does not hold the {manifest.n_tokens} tokens of the manifest")
    pool = files.read("pool.npy", lambda path: np.load(path, allow_pickle=False))
    if (
        pool.ndim != 1
        or pool.dtype.kind != "u"
        or (pool.astype(np.int64) > manifest.n_tokens - manifest.settings.window).any()
    ):
        raise UserError(f"{folder}: pool.npy does not hold windows of tokens.npy; make the store again")
    return tokens, pool.astype(np.int64), spans


def _at_their_places(tokens: np.ndarray, spans: np.ndarray, n_tokens: int, folder: Path) -> np.ndarray:
    """Put a frozen store's tokens where they were in the corpus, with zeros between: positions stay what they were.

    Raises:
        UserError: The parts do not fit the tokens.
    """
    flat = spans.ravel()
    if (
        spans.ndim != 2
        or spans.shape[1] != 2
        or not len(spans)
        or (np.diff(flat) < 0).any()
        or flat[0] < 0
        or flat[-1] > n_tokens
        or tokens.shape != (int((spans[:, 1] - spans[:, 0]).sum()),)
    ):
        raise UserError(f"{folder}: {SPANS} does not say where the tokens of tokens.npy belong; make the store again")
    whole, begin = np.zeros(n_tokens, dtype=tokens.dtype), 0
    for first, end in spans.tolist():
        whole[first:end] = tokens[begin : begin + end - first]
        begin += end - first
    return whole


def _context_length(settings: Settings, window: int | None, folder: Path) -> int:
    kept = settings.window
    if window is None or window == kept:
        return kept
    if window < 1 or kept % window:
        lengths = ", ".join(str(n) for n in range(1, kept + 1) if kept % n == 0)
        raise UserError(f"window={window}: {folder} keeps windows of {kept} tokens; they can be cut to {lengths}")
    if not settings.sample:
        raise UserError(f"window={window}: {folder} was made without a sample of windows, so there is nothing to cut")
    return window
