"""A corpus under a URL is read as the same files here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.documents import documents
from inspect_autointerp.store.manifest import Manifest

MEMORY = fsspec.filesystem("memory")


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Path]:
    """Texts and rows in a folder, copied to memory://corpus."""
    folder = tmp_path / "corpus"
    (folder / "b").mkdir(parents=True)
    (folder / "a.txt").write_bytes("ü\r\n".encode())
    (folder / "b" / "x.md").write_text("two")
    (folder / "c.jsonl").write_text('{"text": "three"}\n{"text": null}\n{"text": "four"}\n')
    pd.DataFrame({"text": ["five", "six"]}).to_parquet(folder / "d.parquet")
    (folder / "e.jsonl").touch()
    (folder / "f.png").write_bytes(b"\x89PNG")
    MEMORY.put(f"{folder}/", "/corpus/", recursive=True)
    yield folder
    MEMORY.rm("/", recursive=True)


def test_a_folder_is_read_like_one_here(corpus: Path) -> None:
    here = list(documents(str(corpus)))
    assert here == ["ü\n", "two", "three", "four", "five", "six"]
    assert list(documents("memory://corpus")) == list(documents("memory://corpus/")) == here
    assert list(documents(corpus.as_uri())) == here


@pytest.mark.parametrize(("name", "n"), [("a.txt", 1), ("c.jsonl", 2), ("d.parquet", 2), ("e.jsonl", 0)])
def test_a_file_is_read_like_one_here(corpus: Path, name: str, n: int) -> None:
    here = list(documents(str(corpus / name)))
    assert len(here) == n
    assert list(documents(f"memory://corpus/{name}")) == list(documents((corpus / name).as_uri())) == here


def test_a_store_of_a_remote_corpus_is_that_of_the_local_one(
    prep: Callable[..., Manifest], corpus_folder: Path, tmp_path: Path
) -> None:
    here = prep(tmp_path / "here", tokens=500)
    assert prep(tmp_path / "there", tokens=500, corpus=corpus_folder.as_uri()).digest == here.digest


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://none", r"^memory://none: not there \(FileNotFoundError: /none\)$"),
        ("nonsense://x", "^nonsense://x: Protocol not known: nonsense$"),
        ("memory://corpus/c.jsonl", r"no column 'body'; it has text$"),
        ("memory://pictures", r"^corpus memory://pictures: it holds no file of a known kind; .*\.json"),
    ],
)
def test_a_mistake_is_one_line(corpus: Path, url: str, message: str) -> None:
    MEMORY.pipe("/pictures/f.png", b"\x89PNG")
    with pytest.raises(UserError, match=message) as info:
        list(documents(url, column="body"))
    assert "\n" not in str(info.value)


def test_rows_that_cannot_be_parsed_are_refused(corpus: Path) -> None:
    MEMORY.pipe("/corpus/bad.jsonl", b'{"text": "a\n')
    with pytest.raises(UserError, match=r"^corpus memory://corpus/bad.jsonl: line 1: not JSON \(.+\);"):
        list(documents("memory://corpus/bad.jsonl"))
