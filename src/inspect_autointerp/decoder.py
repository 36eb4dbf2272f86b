"""Token ids back to text, with the characters that each token stands for.

Decoding token by token breaks characters made of several tokens and, with SentencePiece vocabularies, loses the
spaces. Here a window is decoded as a whole; where each token lies in the text follows from the bytes it holds, and
where a tokenizer's bytes cannot be told, from decoding every prefix (slower, always right).
"""

import re
from collections.abc import Sequence
from itertools import accumulate

from tokenizers import Tokenizer

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Decoder:
    """Decodes windows of one tokenizer's ids.

    Args:
        tokenizer: A fast tokenizer, as read from `tokenizer.json`.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._special = {
            id: token.content.encode() for id, token in tokenizer.get_added_tokens_decoder().items() if token.special
        }
        vocabulary = tokenizer.get_vocab(with_added_tokens=True)
        self._byte_level = '"ByteLevel"' in tokenizer.to_str().partition('"decoder":')[2].partition('"model":')[0]
        self._bytes = {id: self._token_bytes(id, piece) for piece, id in vocabulary.items()}

    def __call__(self, ids: Sequence[int]) -> tuple[str, tuple[tuple[int, int], ...]]:
        """Return the text of a window and each token's (start, end) characters in it.

        A character made of several tokens belongs to the last of them; the earlier ones have empty spans.
        """
        ids = [int(i) for i in ids]
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

    def _token_bytes(self, id: int, piece: str) -> bytes:
        if id in self._special:
            return self._special[id]
        if self._byte_level:
            return bytes(_BYTE_OF.get(character, 63) for character in piece)
        if match := _BYTE_TOKEN.fullmatch(piece):
            return bytes([int(match[1], 16)])
        return piece.replace("▁", " ").encode()

    def _spans_by_prefix(self, ids: list[int], text: str) -> tuple[tuple[int, int], ...]:
        """Where decode(ids[:i]) ends, for every i; an unfinished character (U+FFFD) does not count yet."""
        ends, last = [], 0
        for i in range(1, len(ids) + 1):
            prefix = self._decode(ids[:i])
            if i == len(ids) or text.startswith(prefix):
                last = max(last, min(len(prefix), len(text)))
            else:
                last = max(last, _common(prefix, text))
            ends.append(last)
        return tuple(zip([0, *ends][:-1], ends, strict=True))


def _ends(pieces: list[bytes], joined: bytes, decoded: str) -> list[int]:
    """Characters complete after each token: in plain text one per byte, else by decoding up to there."""
    ends, n_bytes = [], 0
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
