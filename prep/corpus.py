"""Where documents come from: the running Python's standard library, local files, or a Hugging Face dataset."""

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from hashlib import blake2b
from importlib.machinery import ModuleSpec
from pathlib import Path

from inspect_autointerp.errors import UserError

# Modules that are tables rather than text or code, or copies of other modules: they swallow latents.
_TABLES = re.compile(
    r"^(encodings|html/entities|idlelib/Icons|lib2to3|pydoc_data|stringprep|token|sre_constants|keyword|symbol"
    r"|turtledemo|_sysconfigdata|_pydecimal|_pydatetime|test|idlelib/idle_test|.*/tests?)(/|\.py|_|$)"
)
_LOADERS = {".json": "json", ".jsonl": "json", ".parquet": "parquet", ".txt": "text", ".md": "text", ".py": "text"}


def documents(corpus: str, *, seed: int = 0, split: str = "train", column: str = "text") -> Iterator[str]:
    """Yield the documents of a corpus, lazily.

    Args:
        corpus: `stdlib`; a local file or folder of text, JSON lines or Parquet; or a Hugging Face dataset name.
        seed: Order of the standard library's documents. Other corpora keep their own order.
        split: Split of a Hugging Face dataset.
        column: The column that holds the text (JSON lines, Parquet and Hugging Face datasets).

    Raises:
        UserError: The corpus does not exist, or has no such column.
    """
    if corpus == "stdlib":
        yield from stdlib_documents(seed)
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
        spec = _find(name)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        origin = Path(spec.origin)
        files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
        root = origin.parent.parent if spec.submodule_search_locations else origin.parent
        for file in files:
            if not _TABLES.match(file.relative_to(root).as_posix()):
                text = file.read_text(encoding="utf-8", errors="replace")
                if text.strip():
                    yield text


def _find(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _topics() -> Iterator[str]:
    from pydoc_data.topics import topics

    yield from topics.values()


def _compiled_docstrings() -> Iterator[str]:
    """One page per module without Python source: every distinct docstring of its public names."""
    for name in sorted(sys.stdlib_module_names):
        spec = _find(name)
        if spec is None or (spec.origin or "").endswith(".py") or name.startswith("_test"):
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
    files = sorted(f for f in path.rglob("*") if f.suffix in _LOADERS) if path.is_dir() else [path]
    if not files:
        raise UserError(f"corpus {path}: no file ending in {', '.join(_LOADERS)}")
    for file in files:
        kind = _LOADERS.get(file.suffix, "text")
        if kind == "text":
            yield file.read_text(encoding="utf-8", errors="replace")
        else:
            from datasets import load_dataset

            rows = load_dataset(kind, data_files=str(file), split="train", streaming=True)
            yield from _column(rows, column, str(file))


def _hub_documents(name: str, split: str, column: str) -> Iterator[str]:
    from datasets import load_dataset

    path, _, config = name.partition(":")
    try:
        rows = load_dataset(path, config or None, split=split, streaming=True)
    except Exception as error:  # the hub's own errors are many, and all of them mean that it cannot be loaded
        raise UserError(
            f"corpus {name}: neither `stdlib`, a local file, nor a dataset that can be loaded"
            f" ({type(error).__name__}: {str(error).splitlines()[0]})"
        ) from error
    yield from _column(rows, column, name)


def _column(rows, column: str, name: str) -> Iterator[str]:
    for row in rows:
        if column not in row:
            raise UserError(f"corpus {name}: no column {column!r}; it has {', '.join(sorted(row))}")
        if row[column]:
            yield row[column]
