"""Token ids back to text, with the characters that each token stands for.

Decoding token by token breaks characters made of several tokens and, with SentencePiece vocabularies, loses the
spaces. Here a window is decoded as a whole; where each token lies in the text follows from the bytes it holds, and
where a tokenizer's bytes cannot be told, from decoding every prefix (slower, always right). Two kinds of tokenizer,
which cover nearly all models, do nothing but join bytes: their windows are decoded many at once, without the tokenizer.
"""

import json
import re
from collections.abc import Sequence
from functools import cache, cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from tokenizers import Tokenizer

Spans = tuple[tuple[int, int], ...]
Decoded = tuple[str, Spans]
"""A window's text, and each token's (start, end) characters in it."""

_LONGEST_TEXT, _LONGEST_TOKEN = 1024, 32
"""Characters; see `_pairs`."""

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SENTENCE_PIECE = [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
]
_STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}


class Detokenizer:
    """Decodes windows of one tokenizer's ids.

    Args:
        tokenizer: A fast tokenizer, as read from `tokenizer.json`.

    Attributes:
        n_ids: One more than the largest id that stands for something.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # What a decoder pickles to is its entry in tokenizer.json; the whole of that would take a second to read.
        decoder: dict[str, Any] = json.loads(tokenizer.decoder.__getstate__()) if tokenizer.decoder else {"type": None}
        steps: list[dict[str, Any]] = decoder.get("decoders", [decoder])
        self._byte_level = any(step["type"] == "ByteLevel" for step in steps)
        self._strips = steps[3:] == [_STRIP]
        self._joins = (self._byte_level and len(steps) == 1) or (
            steps[:3] == _SENTENCE_PIECE and (self._strips or len(steps) == 3)
        )
        vocabulary = tokenizer.get_vocab(with_added_tokens=True)
        added = tokenizer.get_added_tokens_decoder()
        self.n_ids = max(vocabulary.values(), default=-1) + 1
        self._bytes = [b""] * self.n_ids
        for piece, id in vocabulary.items():
            as_is = id in added and added[id].special and not self._joins
            self._bytes[id] = piece.encode() if as_is else self._token_bytes(piece)
        self._table = np.frombuffer(b"".join(self._bytes), dtype=np.uint8)
        self._length = np.array([len(piece) for piece in self._bytes], dtype=np.int64)
        self._begin = np.cumsum(self._length) - self._length
        _pairs()  # while this is being set up, and not in the first window
        # A normaliser may have changed what an added token decodes to. Twice, since a first space may be dropped.
        self._odd = [id for id in added if self._decode([id, id]) != self._stripped((2 * self._bytes[id]).decode())]

    def __call__(self, ids: Sequence[int]) -> Decoded:
        """Return the text of a window and each token's (start, end) characters in it.

        A character made of several tokens belongs to the last of them; the earlier ones have empty spans.
        """
        return self.windows(np.array([ids], dtype=np.int64))[0]

    def after(self, prompt: Sequence[int], ids: Sequence[int]) -> str:
        """Return the text of ids where they follow a prompt.

        Decoded alone they can have another text: many tokenizers drop the space of a text's first token, and a
        character can begin in the prompt.
        """
        text, spans = self([*prompt, *ids])
        return text[spans[len(prompt) - 1][1] if len(prompt) else 0 :] if ids else ""

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, no special ones added."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    @cached_property
    def special(self) -> tuple[str, ...]:
        """The texts that the tokenizer reads as one special token each."""
        return tuple(token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special)

    def windows(self, ids: np.ndarray) -> list[Decoded]:
        """The same of many windows, which are of one length: `ids` has shape (window, token)."""
        if not self._joins or not ids.size:
            return [self._one(row) for row in ids.tolist()]
        n_tokens = ids.shape[1]
        tokens = ids.ravel().astype(np.intp)
        length = self._length.take(tokens)
        end = length.cumsum()  # (window · token,): in bytes, from the first of all
        last = end[n_tokens - 1 :: n_tokens]
        first = np.append(0, last[:-1])
        # The table's place of a token's first byte, less that byte's own place among these windows' bytes.
        shift = self._begin.take(tokens) - end + length
        held = self._table[shift.repeat(length) + np.arange(end[-1])]
        joined = held.tobytes()
        texts: list[str | None]
        if joined.isascii():
            texts = _cut(joined.decode(), first, last)
        else:
            # A character is complete where the byte that follows begins another.
            begins = np.append((held & 0xC0) != 0x80, True)
            begun = np.append(0, begins.cumsum())
            whole = _strictly(joined) if begins[last].all() else None
            if whole is None:
                texts = [_strictly(joined[a:b]) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
                begins[last] = True
            else:
                texts = _cut(whole, begun[first], begun[last])
            end = begun[end] - ~begins[end]
            first = begun[first]
        end = end.reshape(-1, n_tokens) - first[:, None]
        if self._odd:
            for row in np.flatnonzero(np.isin(ids, self._odd).any(axis=1)):
                texts[row] = None
        if self._strips:
            drops = np.array([text is not None and text.startswith(" ") for text in texts])
            texts = [text and self._stripped(text) for text in texts]
            end = np.maximum(0, end - drops[:, None])
        return [
            self._one(ids[row].tolist()) if text is None else (text, spans)
            for row, (text, spans) in enumerate(zip(texts, _spans(end), strict=True))
        ]

    def _stripped(self, text: str) -> str:
        return text[1:] if self._strips and text.startswith(" ") else text

    def _one(self, ids: list[int]) -> Decoded:
        """A window whose bytes are not known to make its text: asks the tokenizer, then looks whether they do."""
        text = self._decode(ids)
        pieces = [self._bytes[i] for i in ids]
        joined = b"".join(pieces)
        shift = 0
        decoded = joined.decode(errors="replace")
        if decoded != text:
            shift = 1  # SentencePiece decoders drop the first token's leading space
            if decoded[:1] != " " or decoded[1:] != text:
                return text, self._spans_by_prefix(ids, text)
        ends = _ends(pieces, joined, decoded)
        if shift:
            ends = [max(0, end - shift) for end in ends]
        return text, tuple(zip([0, *ends][:-1], ends, strict=True))

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False)

    def _token_bytes(self, piece: str) -> bytes:
        if self._byte_level:
            try:
                return bytes([_BYTE_OF[character] for character in piece])
            except KeyError:  # a piece with a character that stands for no byte stands for itself, as added ones do
                return piece.encode()
        if match := _BYTE_TOKEN.fullmatch(piece):
            return bytes([int(match[1], 16)])
        return piece.replace("▁", " ").encode()

    def _spans_by_prefix(self, ids: list[int], text: str) -> Spans:
        """Return where decode(ids[:i]) ends, for every i; an unfinished character (U+FFFD) does not count yet."""
        ends: list[int] = []
        last = 0
        for i in range(1, len(ids) + 1):
            prefix = self._decode(ids[:i])
            if i == len(ids) or text.startswith(prefix):
                last = max(last, min(len(prefix), len(text)))
            else:
                last = max(last, _common(prefix, text))
            ends.append(last)
        return tuple(zip([0, *ends][:-1], ends, strict=True))


def _cut(whole: str, first: np.ndarray, last: np.ndarray) -> list[str | None]:
    """The parts of a text from each first place to its last."""
    return [whole[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _spans(end: np.ndarray) -> list[Spans]:
    """Return where each token begins and ends, from the ends (window, token): it begins where the one before ended."""
    begin = np.zeros_like(end)
    begin[:, 1:] = end[:, :-1]
    length = end - begin
    place = begin * _LONGEST_TOKEN + length
    long = (begin >= _LONGEST_TEXT) | (length >= _LONGEST_TOKEN)
    place[long] = 0
    spans: list[Spans] = list(map(tuple, _pairs().take(place).tolist()))
    for row in np.flatnonzero(long.any(axis=1)).tolist():
        spans[row] = tuple(zip(begin[row].tolist(), end[row].tolist(), strict=True))
    return spans


@cache
def _pairs() -> np.ndarray:
    """The pair (begin, begin + length) for all that are short, at begin · _LONGEST_TOKEN + length, as objects.

    To take pairs that are there takes a third of the time of making them, which is most of what decoding costs.
    """
    begin, length = np.arange(_LONGEST_TEXT).repeat(_LONGEST_TOKEN), np.tile(np.arange(_LONGEST_TOKEN), _LONGEST_TEXT)
    return np.fromiter(zip(begin.tolist(), (begin + length).tolist(), strict=True), dtype=object)


def _strictly(joined: bytes) -> str | None:
    """The text of these bytes; None where they are not whole characters."""
    try:
        return joined.decode()
    except UnicodeDecodeError:
        return None


def _ends(pieces: list[bytes], joined: bytes, decoded: str) -> list[int]:
    """Characters complete after each token: in plain text one per byte, else by decoding up to there."""
    ends: list[int] = []
    n_bytes = 0
    ascii_only = len(joined) == len(decoded)
    for piece in pieces:
        n_bytes += len(piece)
        if ascii_only:
            ends.append(n_bytes)
        else:
            prefix = joined[:n_bytes].decode(errors="replace")
            ends.append(_common(prefix, decoded) if prefix.endswith("\ufffd") else len(prefix))
    ends[-1:] = [len(decoded)] if ends else []
    return list(accumulate(ends, max))


def _common(a: str, b: str) -> int:
    """Length of the longest common prefix."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _byte_of() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for (the mapping that GPT-2 introduced).

    Printable Latin-1 bytes stand for themselves; the others, in order, for the characters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(others)}


_BYTE_OF = _byte_of()
