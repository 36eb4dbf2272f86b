"""Sources of documents: the running Python's standard library, files here or elsewhere, or a Hugging Face dataset.

The suffixes of a file's name say what it is (`corpus_files`). Of rows, only the column with the text is read
(`corpus_rows`).
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.conversations import ConversationColumn
from inspect_autointerp.prep.corpus.corpus_files import KINDS, file_documents, kind_of
from inspect_autointerp.prep.corpus.corpus_rows import Column
from inspect_autointerp.prep.corpus.corpus_text import reason
from inspect_autointerp.prep.corpus.hub_corpus import hub_documents
from inspect_autointerp.prep.corpus.stdlib_corpus import stdlib_documents
from inspect_autointerp.store.remote import file_system, is_url
from inspect_autointerp.store.settings import Settings, separator_text


def corpus_documents(settings: Settings) -> Iterator[Any]:
    """Yield the documents of a store's corpus, lazily; see `documents`. With `chat` they are conversations."""
    return documents(
        settings.corpus,
        seed=settings.seed,
        split=settings.corpus_split,
        column=settings.chat or settings.column,
        separator=settings.separator,
        kind=ConversationColumn if settings.chat else Column,
    )


def documents(
    corpus: str,
    *,
    seed: int = 0,
    split: str = "train",
    column: str = "text",
    separator: str | None = None,
    kind: type[Column] = Column,
) -> Iterator[Any]:
    """Yield the documents of a corpus, lazily.

    Args:
        corpus: `stdlib`; a file or folder of text, JSON, CSV or Parquet, compressed or not, here or under a URL
            (`s3://…`, `hf://…`); or a Hugging Face dataset, `name`, `name:config`, `name@revision` or
            `name@revision:config`.
        seed: Order of the standard library's documents. Other corpora keep their own order.
        split: Split of a Hugging Face dataset.
        column: The column that holds the text, where there are columns. A row whose text is null, empty or missing is
            no document; one whose text is a number, a list or an object is refused.
        separator: What stands between the documents of a text file, with escapes such as `\\n`; None where each file
            is one document.
        kind: How to read the column: as text, or as conversations.

    Raises:
        UserError: The corpus does not exist, is of no known kind, or cannot be read; it has no such column; or there is
            no text for the separator to cut.
    """
    cut = separator_text(separator)
    path = Path(corpus)
    if is_url(corpus):
        yield from _remote_documents(corpus, column, kind, cut)
        return
    if corpus != "stdlib" and path.exists():
        yield from _local_documents(path, column, kind, cut)
        return
    if corpus != "stdlib" and (path.is_absolute() or ((of_file := kind_of(path.name)) and of_file.content)):
        raise UserError(f"corpus {corpus}: no such file or folder")
    if cut:
        raise UserError(f"corpus {corpus}: --separator is for text files, and this corpus has none; leave it out")
    if corpus == "stdlib":
        yield from stdlib_documents(seed)
    else:
        yield from hub_documents(corpus, split, column, kind, read=partial(documents, column=column, kind=kind))


def _local_documents(path: Path, column: str, kind: type[Column], separator: str | None) -> Iterator[Any]:
    def opened(file: Path) -> BinaryIO:
        try:
            return file.open("rb")
        except OSError as error:
            raise UserError(f"corpus {file}: cannot be read ({reason(error)})") from error

    files = sorted(file for file in path.rglob("*") if _in_folder(file.name) and not file.is_dir())
    places = {str(file): partial(opened, file) for file in (files if path.is_dir() else [path])}
    yield from _files_documents(str(path), places, column, kind, separator)


def _remote_documents(url: str, column: str, kind: type[Column], separator: str | None) -> Iterator[Any]:
    """As `_local_documents`, of a URL."""
    with file_system(url) as (fs, root):
        paths = [root] if fs.isfile(root) else fs.find(root)
        files = [root] if root in paths else sorted(filter(_in_folder, paths), key=PurePosixPath)
        if not files:
            fs.info(root)  # says so if it is not there
        places: dict[str, Any] = {
            url.rstrip("/") + file.removeprefix(root): partial(fs.open, file, "rb") for file in files
        }
        yield from _files_documents(url, places, column, kind, separator)


def _files_documents(
    corpus: str,
    places: dict[str, Callable[[], BinaryIO]],
    column: str,
    kind: type[Column],
    separator: str | None,
) -> Iterator[Any]:
    if not places:
        raise UserError(f"corpus {corpus}: it holds no file of a known kind; a corpus can be made of {KINDS}")
    if separator and not any((of_file := kind_of(name)) and of_file.is_text for name in places):
        raise UserError(f"corpus {corpus}: --separator is for text files, and this corpus has none; leave it out")
    if kind is not Column:
        places = {name: opened for name, opened in places.items() if (of_file := kind_of(name)) and not of_file.is_text}
        if not places:
            raise UserError(f"corpus {corpus}: text holds no conversations; --chat needs rows (JSON, CSV or Parquet)")
    for name, opened in places.items():
        yield from file_documents(name, opened, column=column, kind=kind, separator=separator)


def _in_folder(name: str) -> bool:
    """Tell if a file in a folder is read: a folder holds other files too, so the suffix has to be a known one."""
    kind = kind_of(name)
    return kind is not None and bool(kind.content)
