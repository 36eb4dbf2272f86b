"""Documents to batches of model input, and the bookkeeping of where every token came from.

A chunk is what the subject sees at once: up to `context_length` tokens of one document, BOS in front where the
tokenizer has one and the coders were not trained without. A window is `window` tokens of a document, on a grid that
starts with the document; it is complete, and can become a context, if all of it lies in one chunk.
"""

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.corpus_text import Document
from inspect_autointerp.prep.corpus.tokens import tokenized_documents
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

    offset: array = field(default_factory=lambda: array("q", [0]))
    test: "array[int]" = field(default_factory=lambda: array("B"))
    hashes: array = field(default_factory=lambda: array("q"))
    n_windows: int = 0
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
        self, documents: Iterable[Document], wanted: Callable[[int], bool] = lambda _: True
    ) -> Generator[tuple[int, Batch], None, None]:
        """Tokenize documents until the wanted number of tokens is reached, and yield them in batches.

        Args:
            documents: The texts; those that come in parts are read one after the other, as far as is needed.
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
                self.n_windows += sum(self._grid(piece)[1] for pieces in group for piece in pieces)
                if wanted(number):
                    yield number, self._batch(group)
        finally:
            if file:
                file.close()
        if not self.n_tokens:
            raise UserError("the corpus is empty: none of its documents holds a token")

    def _pieces(self, documents: Iterable[Document], file: BinaryIO | None) -> Iterator[tuple[int, int, np.ndarray]]:
        """Parts of documents no longer than a chunk, as (document, position of the first token, tokens)."""
        tokenized = tokenized_documents(self.tokenizer, documents, lambda: self.settings.tokens - self.n_tokens)
        for number, ids in enumerate(tokenized):
            start = self.n_tokens
            self._note_document(ids)
            self.complete = self.n_tokens >= self.settings.tokens
            if file:
                file.write(ids.astype(self.dtype).tobytes())
            begin = 0
            while begin < len(ids):
                used = (start + begin) % self.settings.context_length if self.settings.pack else 0
                end = min(len(ids), begin + self.settings.context_length - used)
                yield number, start + begin, ids[begin:end]
                begin = end
            if self.complete:
                return
        self.complete = True

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

    def _grid(self, piece: tuple[int, int, np.ndarray]) -> tuple[int, int]:
        """The first point of the document's grid at or after the piece's start, and its complete windows from there."""
        document, start, tokens = piece
        size, begin = self.settings.window, self.offset[document]
        first = begin - (begin - start) // size * size
        return first, max(0, (start + len(tokens) - first) // size)

    def _batch(self, group: list[list[tuple[int, int, np.ndarray]]]) -> Batch:
        bos = self.bos is not None
        shape = (self.batch_size, self.settings.context_length + bos)
        pad = 0 if self.bos is None else self.bos
        ids, pos = np.full(shape, pad, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
        window = np.full(shape, -1, dtype=np.int64)
        rows: list[np.ndarray] = []
        n_rows = 0
        for row, pieces in enumerate(group):
            column = int(bos)
            for document, start, tokens in pieces:
                here = slice(column, column + len(tokens))
                where = np.arange(start, start + len(tokens))
                ids[row, here], pos[row, here] = tokens, where
                begin = self.offset[document]
                first, n = self._grid((document, start, tokens))
                inside = (where >= first) & (where < first + n * self.settings.window)
                window[row, here][inside] = n_rows + (where[inside] - first) // self.settings.window
                starts = first + self.settings.window * np.arange(n)
                margin = self.settings.window // 2
                low = np.maximum(start, starts - margin)
                high = np.minimum(start + len(tokens), starts + self.settings.window + margin)
                with np.errstate(over="ignore"):
                    hashes = np.int64(self.hashes[document]) + (starts - begin) // self.settings.window * _STEP
                rows.append(np.stack([starts, low, high, hashes, np.full(n, self.test[document])]))
                n_rows += n
                column += len(tokens)
        pos[np.isin(ids, self._special)] = -1
        start, low, high, hashes, test = np.concatenate(rows, axis=1)
        margins = (low, high) if self.settings.center else (None, None)
        return Batch(ids, pos, window, Windows(start, hashes, test.astype(bool), *margins))


def batched_pieces(
    pieces: Iterable[tuple[int, int, np.ndarray]], batch_size: int, context_length: int, pack: bool
) -> Iterator[list[list[tuple[int, int, np.ndarray]]]]:
    """Group pieces into chunks (one each, or as many as fill one when packing), and chunks into batches."""
    chunks = _packed(pieces, context_length) if pack else ([piece] for piece in pieces)
    chunks = iter(chunks)
    while group := list(islice(chunks, batch_size)):
        yield group


def _packed(pieces, context_length: int):
    chunk, length = [], 0
    for piece in pieces:
        chunk.append(piece)
        length += len(piece[2])
        if length == context_length:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk
