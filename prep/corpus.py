"""Where documents come from: the running Python's standard library, local files, or a Hugging Face dataset."""

import importlib
import inspect
import re
import sys
import sysconfig
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from inspect_autointerp.errors import UserError
from inspect_autointerp.remote import file_system, is_url

# Modules that are tables rather than text or code, or copies of other modules: they swallow latents.
_TABLES = re.compile(
    r"^(encodings|html/entities|idlelib/Icons|lib2to3|pydoc_data|stringprep|token|sre_constants|keyword|symbol"
    r"|turtledemo|_sysconfigdata|_pydecimal|_pydatetime|test|idlelib/idle_test|.*/tests?)(/|\.py|_|$)"
)
_LOADERS = {".json": "json", ".jsonl": "json", ".parquet": "parquet", ".txt": "text", ".md": "text", ".py": "text"}


def documents(corpus: str, *, seed: int = 0, split: str = "train", column: str = "text") -> Iterator[str]:
    """Yield the documents of a corpus, lazily.

    Args:
        corpus: `stdlib`; a file or folder of text, JSON lines or Parquet, here or under a URL (`s3://…`, `hf://…`);
            or a Hugging Face dataset, `name`, `name:config`, `name@revision` or `name@revision:config`.
        seed: Order of the standard library's documents. Other corpora keep their own order.
        split: Split of a Hugging Face dataset.
        column: The column that holds the text (JSON lines, Parquet and Hugging Face datasets).

    Raises:
        UserError: The corpus does not exist, or has no such column.
    """
    if corpus == "stdlib":
        yield from stdlib_documents(seed)
        return
    if is_url(corpus):
        yield from _remote_documents(corpus, column)
        return
    path = Path(corpus)
    if path.exists():
        yield from _local_documents(path, column)
    elif path.is_absolute() or path.suffix in _LOADERS:
        raise UserError(f"corpus {corpus}: no such file or folder")
    else:
        yield from _hub_documents(corpus, split, column)


def stdlib_documents(seed: int = 0) -> Iterator[str]:
    """Yield the documents of the running interpreter's standard library in an order that depends on the seed alone.

    Three kinds: the source files of `sys.stdlib_module_names`; the language reference's topics
    (`pydoc_data.topics`); and one page of docstrings per compiled module, whose documentation no source file holds.
    Tables (character sets, entities and the like) are left out, and so is the library's own test suite.
    """
    texts = [*_sources(), *_topics(), *_compiled_docstrings()]
    salt = seed.to_bytes(8, "little")
    texts.sort(key=lambda text: blake2b(text.encode(errors="replace"), digest_size=8, salt=salt).digest())
    yield from texts


def _sources() -> Iterator[str]:
    for name in sorted(sys.stdlib_module_names):
        for file in _files(name):
            if not _TABLES.match(file.relative_to(_library()).as_posix()):
                text = file.read_text(encoding="utf-8", errors="replace")
                if text.strip():
                    yield text


def _library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _files(name: str) -> list[Path]:
    """A module's source files, by where the library lies and not by how it would be imported.

    The import system finds no file for frozen modules (`os`), setuptools' own `distutils`, and a user's module that
    has the name of one of the library.
    """
    module = _library() / f"{name}.py"
    return [module] if module.is_file() else sorted((_library() / name).rglob("*.py"))


def _topics() -> Iterator[str]:
    from pydoc_data.topics import topics

    yield from topics.values()


def _compiled_docstrings() -> Iterator[str]:
    """One page per module without Python source: every distinct docstring of its public names."""
    for name in sorted(sys.stdlib_module_names):
        if _files(name) or name.startswith("_test"):
            continue
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        pages: dict[str, None] = {inspect.getdoc(module) or "": None}
        for member in (value for key, value in sorted(vars(module).items()) if not key.startswith("__")):
            if inspect.isroutine(member) or inspect.isclass(member):
                pages[inspect.getdoc(member) or ""] = None
                if inspect.isclass(member):
                    methods = (value for key, value in sorted(vars(member).items()) if not key.startswith("_"))
                    pages |= dict.fromkeys(inspect.getdoc(method) or "" for method in methods)
        text = "\n\n".join(page for page in pages if page)
        if len(text) > 200:
            yield text


def _local_documents(path: Path, column: str) -> Iterator[str]:
    found = (file for file in path.rglob("*") if file.suffix in _LOADERS and not file.is_dir())
    files = sorted(found) if path.is_dir() else [path]
    if not files:
        raise UserError(f"corpus {path}: no file ending in {', '.join(_LOADERS)}")
    for file in files:
        kind = _LOADERS.get(file.suffix, "text")
        try:
            if kind == "text":
                yield file.read_text(encoding="utf-8", errors="replace")
            elif file.stat().st_size:
                yield from _rows(kind, str(file), column)
        except UserError:
            raise
        except Exception as error:  # of the file system, of pyarrow and of datasets: all mean the same
            raise UserError(f"corpus {file}: cannot be read ({_reason(error)})") from error


def _remote_documents(url: str, column: str) -> Iterator[str]:
    """As `_local_documents`, of a URL."""
    with file_system(url) as (fs, root):
        found = [root] if fs.isfile(root) else fs.find(root)
        files = [root] if root in found else sorted(path for path in found if PurePosixPath(path).suffix in _LOADERS)
        if not files:
            fs.info(root)  # says so if it is not there
            raise UserError(f"corpus {url}: no file ending in {', '.join(_LOADERS)}")
        for path in files:
            kind = _LOADERS.get(PurePosixPath(path).suffix, "text")
            if kind == "text":
                yield fs.cat_file(path).decode(encoding="utf-8", errors="replace")
            elif fs.size(path):
                yield from _rows(kind, fs.unstrip_protocol(path), column)


def _rows(kind: str, file: str, column: str) -> Iterator[str]:
    """The text of each row of a file of rows: a path, or a URL."""
    from datasets import load_dataset

    yield from _column(load_dataset(kind, data_files=file, split="train", streaming=True), column, file)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _hub_documents(name: str, split: str, column: str) -> Iterator[str]:
    from datasets import load_dataset

    path, _, config = name.partition(":")
    path, _, revision = path.partition("@")
    try:
        rows = load_dataset(path, config or None, revision=revision or None, split=split, streaming=True)
    except Exception as error:  # the hub's own errors are many, and all of them mean that it cannot be loaded
        raise UserError(
            f"corpus {name}: neither `stdlib`, a local file, nor a dataset that can be loaded ({_reason(error)})"
        ) from error
    try:
        yield from _column(rows, column, name)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"corpus {name}: cannot be read ({_reason(error)})") from error


def _column(rows, column: str, name: str) -> Iterator[str]:
    for row in rows:
        if column not in row:
            raise UserError(f"corpus {name}: no column {column!r}; it has {', '.join(sorted(row))}")
        text = row[column]
        if text is not None and not isinstance(text, str):
            raise UserError(f"corpus {name}: column {column!r} holds {type(text).__name__}, not text")
        if text:
            yield text
