"""Files of a corpus: what kind each is, how it is decompressed, and the documents in it."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import IOBase
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.corpus_rows import delimited_rows, json_rows, parquet_rows
from inspect_autointerp.prep.corpus.corpus_text import Document, characters, reason, text_documents
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
    name: str, open_raw: Callable[[], BinaryIO], *, column: str, separator: str | None
) -> Iterator[Document]:
    """Yield the documents of one file.

    Args:
        name: Its path or URL.
        open_raw: Opens it; what it raises is passed on.
        column: See `documents`.
        separator: What stands between the documents of a text; None where a text is one document.

    Raises:
        UserError: The kind of file is not known, or the content is not what its name says.
    """
    kind, where = kind_of(name), f"corpus {name}"
    if kind is None:
        raise UserError(f"{where}: unknown kind of file; a corpus can be made of {KINDS}")
    with open_raw() as raw:
        try:
            content = _COMPRESSED[kind.compression](raw) if kind.compression else raw
            if kind.content == _PARQUET:
                yield from parquet_rows(content, column, where)
            elif kind.is_text:
                yield from text_documents(characters(content, where), separator)
            else:
                yield from _ROWS[kind.content](characters(content, where), column, where)
        except UserError:
            raise
        except Exception as error:  # pyarrow and the ways to decompress have errors of their own
            raise UserError(f"{where}: cannot be read ({reason(error)})") from error


def _zstandard(raw: BinaryIO) -> BinaryIO:
    import pyarrow as pa

    return cast(BinaryIO, pa.CompressedInputStream(cast(IOBase, raw), "zstd"))
