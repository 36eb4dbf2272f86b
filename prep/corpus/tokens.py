"""Documents to tokens, in memory that follows the tokens wanted and not the length of documents.

A document of more than `LONG` characters is tokenized in pieces. A piece ends before a single space or line end
between two words. The next one begins a few words earlier, and the tokens of these words are dropped. So the tokens are
those of the whole text, wherever no token holds parts of two words. A text without such a place for tens of thousands
of characters is cut elsewhere, and the tokens around the cut may then be others than in the whole text.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from inspect_autointerp.prep.corpus.corpus_text import LONG, Document

AT_ONCE = 16
"""Documents that are tokenized together, if they are short."""
_CUTS = tuple(map(re.compile, (r"(?<=[^\W_]) (?=[^\W_])", r"(?<=[^\W_])\n(?=[^\W_])", r"(?<=\S)(?=\s)")))
"""Places to cut, the best first: a space between words, a line end between words, any white space."""
_BEHIND = 200
"""Characters before a cut in which a word is looked for that the next piece can begin with."""


@dataclass(frozen=True)
class TokenizedDocument:
    """A document as tokens, and which of them count."""

    ids: np.ndarray
    """int64 (token,)."""
    counts: np.ndarray | None = None
    """bool (token,): its activations are activations; None for all tokens but special ones."""
    ranges: list[tuple[int, int]] | None = None
    """Stretches that windows are cut from, each on another grid; None for the whole document."""


def tokenized_documents(
    tokenizer: Any, documents: Iterable[Document], wanted: Callable[[], int]
) -> Iterator[np.ndarray]:
    """Tokenize documents, and leave out those without a token.

    Args:
        tokenizer: A fast Hugging Face tokenizer.
        documents: The texts. One in parts is read before the next is asked for.
        wanted: How many tokens more are wanted: a document is cut there, and not read on.

    Yields:
        The tokens of a document, int64 (token,).
    """
    texts: list[str] = []
    for document in documents:
        if isinstance(document, str) and len(document) <= LONG:
            texts.append(document)
            if len(texts) == AT_ONCE or sum(map(len, texts)) > LONG:
                yield from _short(tokenizer, texts, wanted)
                texts = []
        else:
            yield from _short(tokenizer, texts, wanted)
            texts = []
            if wanted() > 0 and len(ids := _long(tokenizer, document, wanted())):
                yield ids
    yield from _short(tokenizer, texts, wanted)


def _short(tokenizer: Any, texts: list[str], wanted: Callable[[], int]) -> Iterator[np.ndarray]:
    if not texts:
        return
    for ids in tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]:
        if ids and wanted() > 0:
            yield np.array(ids[: wanted()], dtype=np.int64)


def _long(tokenizer: Any, document: Document, wanted: int) -> np.ndarray:
    """The first tokens of one document."""
    ids: list[np.ndarray] = []
    for text, known in _pieces([document] if isinstance(document, str) else document):
        ids.append(_new_tokens(tokenizer, text, known)[:wanted])
        wanted -= len(ids[-1])
        if not wanted:
            break
    return np.concatenate(ids) if ids else np.empty(0, dtype=np.int64)


def _new_tokens(tokenizer: Any, text: str, known: int) -> np.ndarray:
    """The tokens of a text, without those of its first characters."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    start, end = np.array(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2).T
    new = np.maximum.accumulate(start) >= known
    if (end[~new] > known).any():  # one token is of either side
        return _new_tokens(tokenizer, text[known:], 0)
    return np.array(encoded["input_ids"], dtype=np.int64)[new]


def _pieces(parts: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The text in pieces, each with how many of its first characters are the end of the one before."""
    text, known = "", 0
    for part in chain.from_iterable((part[at : at + LONG] for at in range(0, len(part), LONG)) for part in parts):
        text += part
        while len(text) - known > LONG:
            cut, behind = _cut(text, known + LONG)
            yield text[:cut], known
            text, known = text[cut - behind :], behind
    if len(text) > known:
        yield text, known


def _cut(text: str, end: int) -> tuple[int, int]:
    """Return where a piece ends, at `end` at the latest, and how many characters earlier the next one begins."""
    places = ([match.start() for match in pattern.finditer(text, end - LONG // 4, end)] for pattern in _CUTS)
    cut = next((starts[-1] for starts in places if starts), end)
    before = _CUTS[-1].search(text, cut - _BEHIND, cut)
    return cut, cut - before.start() if before else 0
