"""Documents to batches of model input, and the bookkeeping of where every token came from.

A chunk is what the subject sees at once: up to `context_length` tokens of one document, BOS in front where the
tokenizer has one and the coders were not trained without. A window is `window` tokens of a document, on a grid that
starts with the document; it is complete, and can become a context, if all of it lies in one chunk.
"""

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.chat_tokens import ChatReader
from inspect_autointerp.prep.corpus.tokens import TokenizedDocument, tokenized_documents
from inspect_autointerp.store.settings import Settings

_STEP = np.int64(-7046029254386353131)
"""An odd number without pattern (2⁶⁴ / golden ratio): spreads the numbers of a document's windows over the hashes."""


@dataclass(frozen=True)
class Windows:
    """The complete windows of a batch; every field is an array of shape (window,)."""

    start: np.ndarray
    """int64: position in the corpus of the first token."""
    hash: np.ndarray
    """int64: depends on the document's tokens and the window's number in it, not on where either lies."""
    test: np.ndarray
    """bool: of the test split."""
    low: np.ndarray | None = None
    """int64: the first position whose activations are kept with the window, for contexts centred on a peak; None where
    nothing beside the window is kept."""
    high: np.ndarray | None = None
    """int64: the position after the last such one."""


@dataclass(frozen=True)
class Batch:
    """Model input of a fixed shape, with what each token of it is."""

    ids: np.ndarray
    """int64 (chunk, token): what the model reads, BOS in front, padded at the end."""
    pos: np.ndarray
    """int64 (chunk, token): position in the corpus, −1 for BOS, other special tokens and padding."""
    window: np.ndarray
    """int64 (chunk, token): row of `windows`, −1 where the token is in no complete window."""
    windows: Windows


class Piece(NamedTuple):
    """A part of a document that is no longer than a chunk."""

    document: int
    """The document's number."""
    start: int
    """Position in the corpus of its first token."""
    tokens: np.ndarray
    """int64 (token,)."""
    counts: np.ndarray | None
    """See `TokenizedDocument`."""
    windows: np.ndarray
    """int64 (window,): positions in the corpus of the complete windows in it, in order."""


@dataclass
class Chunker:
    """Cuts a corpus into batches, and writes down its tokens and documents on the way.

    Attributes after the last batch: `offset` (document + 1,) and `test` (document,), `n_tokens`, `n_windows`, `sha256`.
    """

    tokenizer: Any
    """A fast Hugging Face tokenizer."""
    settings: Settings
    batch_size: int = 16
    """Chunks in a batch."""
    tokens_file: Path | None = None
    """File that the corpus is written to, as raw token ids."""
    with_bos: bool = True
    """BOS stands in front of every chunk, if the tokenizer has one."""
    chat: ChatReader | None = None
    """Reads the documents as conversations; None where they are texts."""

    offset: array = field(default_factory=lambda: array("q", [0]))
    test: "array[int]" = field(default_factory=lambda: array("B"))
    hashes: array = field(default_factory=lambda: array("q"))
    n_windows: int = 0
    n_counted: int = 0
    """Tokens whose activations count, of conversations; 0 for texts."""
    n_long: int = 0
    """Documents that are longer than a chunk."""
    windows: array = field(default_factory=lambda: array("q"))
    """Starts of the windows of conversations; empty for texts, whose windows follow from where documents begin."""
    complete: bool = False
    """True once the last document was noted; its last batches may still be to come."""

    def __post_init__(self) -> None:
        self.bos: int | None = self.tokenizer.bos_token_id if self.with_bos else None
        self.dtype = np.dtype(np.uint16 if len(self.tokenizer) <= 1 << 16 else np.uint32)
        self._sha256 = sha256()
        self._special = np.array(sorted(self.tokenizer.all_special_ids), dtype=np.int64)

    @property
    def n_tokens(self) -> int:
        """Tokens of the corpus so far."""
        return self.offset[-1]

    @property
    def sha256(self) -> str:
        """Digest of the documents' hashes so far: equal for two readers of the same tokens."""
        return self._sha256.hexdigest()

    def batches(
        self, documents: Iterable[Any], wanted: Callable[[int], bool] = lambda _: True
    ) -> Generator[tuple[int, Batch], None, None]:
        """Tokenize documents until the wanted number of tokens is reached, and yield them in batches.

        Args:
            documents: The texts, or conversations; texts that come in parts are read one after the other, as far as is
                needed.
            wanted: Whether to yield the batch of that number; the others are only counted.

        Yields:
            Each batch with its number, from 0.

        Raises:
            UserError: The corpus holds no token.
        """
        file = self.tokens_file.open("wb") if self.tokens_file else None
        try:
            pieces = self._pieces(documents, file)
            groups = batched_pieces(pieces, self.batch_size, self.settings.context_length, self.settings.pack)
            for number, group in enumerate(groups):
                for piece in chain.from_iterable(group):
                    self._count(piece)
                if wanted(number):
                    yield number, self._batch(group)
        finally:
            if file:
                file.close()
        if not self.n_tokens:
            raise UserError("the corpus is empty: none of its documents holds a token")

    def _count(self, piece: Piece) -> None:
        self.n_windows += len(piece.windows)
        if piece.counts is not None:
            self.n_counted += int(piece.counts.sum())
            self.windows.extend(piece.windows.tolist())

    def _pieces(self, documents: Iterable[Any], file: BinaryIO | None) -> Iterator[Piece]:
        """Parts of documents no longer than a chunk."""
        for number, document in enumerate(self._tokenized(documents)):
            start, ids = self.n_tokens, document.ids
            self._note_document(ids)
            self.complete = self.n_tokens >= self.settings.tokens
            if file:
                file.write(ids.astype(self.dtype).tobytes())
            self.n_long += len(ids) > self.settings.context_length
            begin = 0
            while begin < len(ids):
                used = (start + begin) % self.settings.context_length if self.settings.pack else 0
                end = min(len(ids), begin + self.settings.context_length - used)
                counts = None if document.counts is None else document.counts[begin:end]
                windows = start + self._window_starts(document, begin, end)
                yield Piece(number, start + begin, ids[begin:end], counts, windows)
                begin = end
            if self.complete:
                return
        self.complete = True

    def _tokenized(self, documents: Iterable[Any]) -> Iterator[TokenizedDocument]:
        def wanted() -> int:
            return self.settings.tokens - self.n_tokens

        if self.chat:
            yield from self.chat.tokenized(documents, wanted, self.bos is not None)
        else:
            yield from map(TokenizedDocument, tokenized_documents(self.tokenizer, documents, wanted))

    def _note_document(self, ids: np.ndarray) -> None:
        """The document's hash decides its split: the same tokens fall on the same side wherever they lie."""
        digest = blake2b(
            ids.astype(np.uint32).tobytes(), digest_size=16, salt=self.settings.seed.to_bytes(8, "little")
        ).digest()
        self._sha256.update(digest)
        self.test.append(int.from_bytes(digest[:8], "little") < self.settings.test_fraction * 2**64)
        self.hashes.append(int.from_bytes(digest[8:], "little", signed=True))
        self.offset.append(self.n_tokens + len(ids))
        if self.n_tokens >= 1 << 32:
            raise UserError("a store holds at most 2³² tokens; make several stores")

    def _window_starts(self, document: TokenizedDocument, begin: int, end: int) -> np.ndarray:
        """Return where the complete windows of a part of a document start, in tokens of the document, int64 (window,).

        A window in which no token counts is none.

        Args:
            document: The document.
            begin: The part's first token.
            end: The token after its last one.
        """
        size, grids = self.settings.window, []
        for first, last in document.ranges or [(0, len(document.ids))]:
            start = first if begin <= first else begin + (first - begin) % size
            grids.append(np.arange(start, min(last, end) - size + 1, size, dtype=np.int64))
        starts = np.concatenate(grids) if grids else np.empty(0, dtype=np.int64)
        if document.counts is None:
            return starts
        before = np.concatenate([[0], np.cumsum(document.counts)])
        return starts[before[starts + size] > before[starts]]

    def _batch(self, group: list[list[Piece]]) -> Batch:
        bos = self.bos is not None
        shape = (self.batch_size, self.settings.context_length + bos)
        pad = 0 if self.bos is None else self.bos
        ids, pos = np.full(shape, pad, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
        window = np.full(shape, -1, dtype=np.int64)
        rows: list[np.ndarray] = []
        n_rows = 0
        for row, pieces in enumerate(group):
            column = int(bos)
            for document, start, tokens, counts, starts in pieces:
                here = slice(column, column + len(tokens))
                where = np.arange(start, start + len(tokens))
                ids[row, here] = tokens
                counted = ~np.isin(tokens, self._special) if counts is None else counts
                pos[row, here] = np.where(counted, where, -1)
                size, n = self.settings.window, len(starts)
                if n:
                    number = np.searchsorted(starts, where, side="right") - 1
                    inside = (number >= 0) & (where < starts[number] + size)
                    window[row, here][inside] = n_rows + number[inside]
                low = np.maximum(start, starts - size // 2)
                high = np.minimum(start + len(tokens), starts + size + size // 2)
                with np.errstate(over="ignore"):
                    hashes = np.int64(self.hashes[document]) + (starts - self.offset[document]) // size * _STEP
                rows.append(np.stack([starts, low, high, hashes, np.full(n, self.test[document])]))
                n_rows += n
                column += len(tokens)
        start, low, high, hashes, test = np.concatenate(rows, axis=1)
        margins = (low, high) if self.settings.center else (None, None)
        return Batch(ids, pos, window, Windows(start, hashes, test.astype(bool), *margins))


def batched_pieces(
    pieces: Iterable[Piece], batch_size: int, context_length: int, pack: bool
) -> Iterator[list[list[Piece]]]:
    """Group pieces into chunks (one each, or as many as fill one when packing), and chunks into batches."""
    chunks = _packed(pieces, context_length) if pack else ([piece] for piece in pieces)
    chunks = iter(chunks)
    while group := list(islice(chunks, batch_size)):
        yield group


def _packed(pieces, context_length: int):
    chunk, length = [], 0
    for piece in pieces:
        chunk.append(piece)
        length += len(piece.tokens)
        if length == context_length:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk
