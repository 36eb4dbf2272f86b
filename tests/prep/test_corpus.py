"""Documents: of the standard library, of local files, and of nowhere."""

import importlib.util
import inspect
import json
import math
import sys
import sysconfig
from itertools import islice
from pathlib import Path

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.documents import documents, stdlib_documents

LIBRARY = Path(sysconfig.get_path("stdlib"))


@pytest.fixture(scope="module")
def stdlib() -> set[str]:
    return set(stdlib_documents())


def source(path: str) -> str:
    return (LIBRARY / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["json/decoder.py", "email/message.py", "argparse.py", "os.py", "codecs.py", "abc.py"])
def test_the_sources_of_the_standard_library_are_documents(stdlib: set[str], name: str) -> None:
    assert source(name) in stdlib


@pytest.mark.parametrize(
    "pattern", ["encodings/*.py", "test/**/*.py", "unittest/test/**/*.py", "pydoc_data/*.py", "html/entities.py"]
)
def test_tables_and_the_librarys_own_tests_are_left_out(stdlib: set[str], pattern: str) -> None:
    texts = {path.read_text(encoding="utf-8", errors="replace") for path in LIBRARY.glob(pattern)}
    assert not [text[:80] for text in texts & stdlib if text.strip()]


def test_corpus_leaves_out_a_module_of_another_package(stdlib: set[str]) -> None:
    # setuptools does so with distutils, up to Python 3.11.
    for name in sys.stdlib_module_names:
        spec = sys.modules[name].__spec__ if name in sys.modules else importlib.util.find_spec(name)
        path = Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else LIBRARY / "os.py"
        assert (LIBRARY in path.parents and "site-packages" not in path.parts) or path.read_text() not in stdlib, path


def test_a_users_module_of_the_same_name_is_no_document(
    stdlib: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "colorsys.py").write_text("secret = 'a file of the user'\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert set(stdlib_documents()) == stdlib


def test_the_language_references_topics_are_documents(stdlib: set[str]) -> None:
    from pydoc_data.topics import topics

    assert topics["if"] in stdlib
    assert set(topics.values()) <= stdlib


def test_docstrings_of_compiled_modules_are_documents(stdlib: set[str]) -> None:
    [page] = [text for text in stdlib if text.startswith(inspect.getdoc(math) or "?")]
    assert (inspect.getdoc(math.hypot) or "?") in page
    assert (inspect.getdoc(math.gcd) or "?") in page


def test_no_document_is_empty_and_few_occur_twice(stdlib: set[str]) -> None:
    texts = list(stdlib_documents())
    assert all(text.strip() for text in texts)
    assert len(texts) - len(stdlib) < 10


def test_the_seed_decides_the_order_and_nothing_else(stdlib: set[str]) -> None:
    one, again, other = list(stdlib_documents(1)), list(documents("stdlib", seed=1)), list(stdlib_documents(2))
    assert one == again != other
    assert set(one) == set(other) == stdlib


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name, text in (("c.md", "three"), ("a.txt", "one"), ("b/x.py", "two"), ("d.png", "not a text")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "e.jsonl").write_text('{"text": "four"}\n', encoding="utf-8")
    assert list(documents(str(tmp_path))) == ["one", "two", "three", "four"]


def test_a_folder_whose_name_ends_like_a_text_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "notes.md").mkdir()
    (tmp_path / "notes.md" / "a.txt").write_text("one", encoding="utf-8")
    assert list(documents(str(tmp_path))) == ["one"]


def test_a_file_without_a_suffix_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Yes, ü and so on.", encoding="utf-8")
    assert list(documents(str(tmp_path / "LICENSE"))) == ["Yes, ü and so on."]


@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet"])
@pytest.mark.parametrize("column", ["text", "body"])
def test_rows_are_documents_and_rows_without_text_are_left_out(tmp_path: Path, suffix: str, column: str) -> None:
    import pandas as pd

    rows = pd.DataFrame({column: ["one", None, "", "two"], "n": [1, 2, 3, 4]})
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        rows.to_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows.to_dict("records")), encoding="utf-8")
    assert list(documents(str(path), column=column)) == ["one", "two"]


def test_files_are_opened_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    (tmp_path / "b.txt").symlink_to(tmp_path / "nowhere.txt")
    assert list(islice(documents(str(tmp_path)), 1)) == ["one"]


def refused(corpus: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as info:
        list(documents(corpus))
    assert "\n" not in str(info.value)


def test_a_wrong_column_is_refused_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"title": "a", "body": "b"}\n', encoding="utf-8")
    refused(str(path), rf"^corpus {path}: no column 'text'; it has body, title$")


def test_a_column_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": 5}\n', encoding="utf-8")
    refused(str(path), rf"^corpus {path}: line 1: column 'text' holds a number, not text$")


def test_rows_that_cannot_be_parsed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a\n', encoding="utf-8")
    refused(str(path), rf"^corpus {path}: line 1: not JSON \(.+\); rows are objects, one per line or in one array$")


def test_an_empty_file_of_rows_holds_no_document(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").touch()
    assert list(documents(str(tmp_path / "rows.jsonl"))) == []


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "nowhere.txt")
    refused(str(tmp_path), rf"^corpus {tmp_path / 'a.txt'}: cannot be read \(No such file or directory\)$")


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.txt"])
def test_a_missing_file_is_refused(name: str) -> None:
    refused(name, rf"^corpus {name}: no such file or folder$")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    refused(str(tmp_path / "missing"), rf"^corpus {tmp_path}/missing: no such file or folder$")


def test_a_folder_without_texts_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    refused(
        str(tmp_path),
        rf"^corpus {tmp_path}: it holds no file of a known kind; a corpus can be made of \.txt, .*\.parquet;.*$",
    )


def test_a_dataset_that_cannot_be_loaded_is_refused() -> None:
    message = r"^corpus no-such/data:set: neither `stdlib`, a local file, nor a dataset that can be loaded \(\w+: .+\)$"
    refused("no-such/data:set", message)
