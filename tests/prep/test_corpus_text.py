"""A text file is cut into documents where a separator stands, whatever the size of what is read at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus import corpus_text
from inspect_autointerp.prep.corpus.corpus_text import Document, text_documents
from inspect_autointerp.prep.corpus.documents import documents
from inspect_autointerp.store.settings import separator_text

STORIES = [f"Story {n}.\nIt has two lines." for n in range(40)]


def texts(documents: Iterator[Document]) -> list[str]:
    return [document if isinstance(document, str) else "".join(document) for document in documents]


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("<|endoftext|>", "<|endoftext|>"),
        ("\n<|endoftext|>\n", "<|endoftext|>"),
        ("\n\n", r"\n\n"),
        ("\n\n", "\n\n"),
        ("\r\n\r\n", r"\n\n"),
        ("\r\n\r\n", r"\r\n\r\n"),
        ("\n\n\n\n", r"\n\n"),
        ("\t", r"\t"),
        ("\\", r"\\"),
    ],
)
def test_a_separator_cuts_a_text_into_documents(tmp_path: Path, written: str, given: str) -> None:
    (tmp_path / "a.txt").write_text(written.join(STORIES) + written, newline="")
    assert list(documents(str(tmp_path / "a.txt"), separator=given)) == STORIES
    assert list(documents((tmp_path / "a.txt").as_uri(), separator=given)) == STORIES
    assert len(list(documents(str(tmp_path / "a.txt")))) == 1


@given(
    parts=st.lists(st.text("ab-+ \n", max_size=12), min_size=1, max_size=8),
    separator=st.sampled_from(["-", "-+-", "--", "\n\n", "ab"]),
    size=st.integers(1, 9),
    long=st.integers(0, 6),
)
def test_documents_do_not_depend_on_the_size_of_chunks(parts: list[str], separator: str, size: int, long: int) -> None:
    text = separator.join(parts)
    chunks = (text[at : at + size] for at in range(0, len(text), size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_text, "LONG", long)
        cut = texts(text_documents(chunks, separator))
    assert cut == [part.strip() for part in text.split(separator) if part.strip()]


def test_what_is_left_of_a_long_document_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_text, "LONG", 3)
    long, short = text_documents(iter(["abc", "def", "ghi|j"]), "|")
    assert not isinstance(long, str)
    assert short == "j"
    assert list(long) == ["abc", "def"]  # what was read before the next document was asked for


def test_a_long_text_is_read_as_far_as_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 1_000_000)
    [document] = documents(str(tmp_path))
    assert not isinstance(document, str)
    [document] = documents(str(tmp_path), separator="|")
    reader = iter(documents(str(tmp_path)))
    document = next(reader)
    assert len(next(iter(document))) < 1_000_000


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", r"^the separator is empty; give the text between documents"),
        (r"\d", r"^separator '\\\\d': \\d is unknown; there are \\n, \\t"),
        ("a\\", r"^separator .*: \\ is unknown"),
    ],
)
def test_a_separator_that_makes_no_sense_is_refused(given: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        separator_text(given)


@pytest.mark.parametrize("corpus", ["stdlib", "no-such/data", "rows.jsonl", "folder"])
def test_a_separator_where_no_text_is_cut_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for path in ("rows.jsonl", "folder/rows.jsonl"):
        Path(path).write_text('{"text": "a"}\n')
    with pytest.raises(
        UserError, match=rf"^corpus {corpus}: --separator is for text files, and this corpus has none; leave"
    ):
        next(documents(corpus, separator="|"))
