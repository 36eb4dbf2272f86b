"""The running Python's standard library as a corpus: sources, topics of the language reference, docstrings."""

import importlib
import inspect
import re
import sys
import sysconfig
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

# Modules that are tables rather than text or code, or copies of other modules: they swallow latents.
_TABLES = re.compile(
    r"^(encodings|html/entities|idlelib/Icons|lib2to3|pydoc_data|stringprep|token|sre_constants|keyword|symbol"
    r"|turtledemo|_sysconfigdata|_pydecimal|_pydatetime|test|idlelib/idle_test|.*/tests?)(/|\.py|_|$)"
)


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
