"""Files of a corpus: what kind each is, how it is decompressed, and the documents in it."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import IOBase
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.corpus_rows import Column, delimited_rows, json_rows, parquet_rows
from inspect_autointerp.prep.corpus.corpus_text import characters, reason, text_documents
from inspect_autointerp.store.remote import is_url

_TEXT = (".txt", ".md", ".py")
_ROWS = {
    ".json": json_rows,
    ".jsonl": json_rows,
    ".ndjson": json_rows,
    ".csv": partial(delimited_rows, delimiter=","),
    ".tsv": partial(delimited_rows, delimiter="\t"),
}
_PARQUET = ".parquet"
_COMPRESSED: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    ".gz": lambda raw: cast(BinaryIO, gzip.GzipFile(fileobj=raw)),
    ".bz2": cast(Callable[[BinaryIO], BinaryIO], bz2.BZ2File),
    ".xz": cast(Callable[[BinaryIO], BinaryIO], lzma.LZMAFile),
    ".zst": lambda raw: _zstandard(raw),
}
KINDS = f"{', '.join((*_TEXT, *_ROWS, _PARQUET))}; all but {_PARQUET} also with {', '.join(_COMPRESSED)} behind"
"""For messages: the suffixes that a file of a corpus may have."""


@dataclass(frozen=True)
class Kind:
    """Format and compression of a file, as its name tells them."""

    content: str
    """A suffix in lower case; empty where the name has none, and the file should be text."""
    compression: str | None

    @property
    def is_text(self) -> bool:
        """Return whether the file is text, rather than rows."""
        return self.content in ("", *_TEXT)


def kind_of(name: str) -> Kind | None:
    """Return what kind of file a path or URL names, by its last suffixes in any case; None if it is not known."""
    path = name.partition("?")[0] if is_url(name) else name
    *_, before, last = ["", "", *(suffix.lower() for suffix in PurePosixPath(path).suffixes)]
    compression = last if last in _COMPRESSED else None
    content = before if compression else last
    known = content in ("", *_TEXT, *_ROWS) or (content == _PARQUET and not compression)
    return Kind(content, compression) if known else None


def file_documents(
    name: str, open_raw: Callable[[], BinaryIO], *, column: str, kind: type[Column], separator: str | None
) -> Iterator[Any]:
    """Yield the documents of one file.

    Args:
        name: Its path or URL.
        open_raw: Opens it; what it raises is passed on.
        column: See `documents`.
        kind: How to read the column: as text, or as conversations.
        separator: What stands between the documents of a text; None where a text is one document.

    Raises:
        UserError: The kind of file is not known, or the content is not what its name says.
    """
    of_file, where = kind_of(name), f"corpus {name}"
    if of_file is None:
        raise UserError(f"{where}: unknown kind of file; a corpus can be made of {KINDS}")
    with open_raw() as raw:
        try:
            content = _COMPRESSED[of_file.compression](raw) if of_file.compression else raw
            if of_file.content == _PARQUET:
                yield from parquet_rows(content, column, where, kind)
            elif of_file.is_text:
                yield from text_documents(characters(content, where), separator)
            else:
                yield from _ROWS[of_file.content](characters(content, where), column, where, kind)
        except UserError:
            raise
        except Exception as error:  # pyarrow and the ways to decompress have errors of their own
            raise UserError(f"{where}: cannot be read ({reason(error)})") from error


def _zstandard(raw: BinaryIO) -> BinaryIO:
    import pyarrow as pa

    return cast(BinaryIO, pa.CompressedInputStream(cast(IOBase, raw), "zstd"))
