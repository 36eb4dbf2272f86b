"""Bytes to characters, and characters to documents, without holding more than a piece of either.

Text is UTF-8, or what a byte order mark says. Anything else is refused with the place of its first odd byte, since a
replacement character would be a token that nobody wrote.
"""

import codecs
import io
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from inspect_autointerp.errors import UserError

Document = str | Iterator[str]
"""The text of a document; if it is longer than `LONG`, an iterator over its parts, valid until the next document."""
LONG = 1 << 18
"""Characters of a document that are in memory at once, and that are tokenized at once."""
_BLOCK = 1 << 17
"""Bytes read at a time."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def characters(raw: BinaryIO, name: str) -> Iterator[str]:
    """Decode a file, block by block; line ends become line feeds, and a byte order mark is no part of the text.

    Args:
        raw: The file's bytes, decompressed.
        name: What errors call it.

    Raises:
        UserError: It cannot be read, or is not text: the message has the place of the first byte that cannot be.
    """
    block = _read(raw, name)
    mark, encoding = next((pair for pair in _MARKS if block.startswith(pair[0])), (b"", "utf-8"))
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    at, block = len(mark), block[len(mark) :]
    while True:
        held = len(decoder.getstate()[0])
        if encoding == "utf-8" and (zero := block.find(0)) >= 0:
            raise UserError(
                f"{name}: not text: byte {at + zero:,} is zero; UTF-16 needs a byte order mark, and other files a"
                " suffix that says what they are"
            )
        try:
            text = lines.decode(block, final=not block)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise UserError(
                f"{name}: not {encoding.upper()}: byte {at - held + error.start:,} is {byte:#04x} ({error.reason});"
                " convert the file to UTF-8, for example with iconv"
            ) from error
        if text:
            yield text
        if not block:
            return
        at += len(block)
        block = _read(raw, name)


def text_documents(chunks: Iterable[str], separator: str | None) -> Iterator[Document]:
    """Cut a text into documents.

    Args:
        chunks: The text, in chunks of any size.
        separator: What stands between documents, as `settings.separator_text` returns it; None for one document.
            White space around a separator belongs to no document, and a blank document is left out.
    """
    segments = _segments(chunks, separator) if separator else chain(((chunk, False) for chunk in chunks), [("", True)])
    for first in segments:
        parts = _until_end(first, segments)
        if separator:
            parts = _stripped(parts)
        head: list[str] = []
        size = 0
        for part in parts:
            head.append(part)
            size += len(part)
            if size > LONG:
                yield chain(head, parts)
                deque(parts, maxlen=0)  # what the reader left of it
                break
        else:
            if size:
                yield "".join(head)


def reason(error: Exception) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _read(raw: BinaryIO, name: str) -> bytes:
    try:
        return raw.read(_BLOCK)
    except Exception as error:  # of the file system and of decompression: each has its own errors
        raise UserError(f"{name}: cannot be read ({reason(error)})") from error


def _segments(chunks: Iterable[str], separator: str) -> Iterator[tuple[str, bool]]:
    """Texts, each with whether its document ends with it."""
    rest = ""
    for chunk in chunks:
        *ended, rest = (rest + chunk).split(separator)
        for text in ended:
            yield text, True
        sure = len(rest) - len(separator) + 1  # what follows can be the beginning of a separator
        if sure > 0:
            yield rest[:sure], False
            rest = rest[sure:]
    yield rest, True


def _until_end(segment: tuple[str, bool], segments: Iterator[tuple[str, bool]]) -> Iterator[str]:
    """The texts up to the document's last one."""
    text, last = segment
    while True:
        if text:
            yield text
        if last:
            return
        text, last = next(segments)


def _stripped(parts: Iterable[str]) -> Iterator[str]:
    """The same without white space at either end."""
    space, begun = "", False
    for part in parts:
        text = space + part if begun else part.lstrip()
        kept = text.rstrip()
        space, begun = text[len(kept) :], begun or bool(kept)
        if kept:
            yield kept
