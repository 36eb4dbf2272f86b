"""Files of a corpus that cannot be read are refused, with the file and the place in it."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from tests.prep.corpus_samples import COMPRESSED, MEMORY, json_lines, of_hub, parquet

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.documents import documents


def refused(corpus: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as info:
        list(documents(str(corpus)))
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("name", ["a.png", "a.parquet.gz", "rows.arrow", "rows.xlsx", "data.jsonl.zip", "part.00"])
def test_an_unknown_suffix_is_refused_with_those_there_are(tmp_path: Path, memory: str, name: str) -> None:
    message = r"a corpus can be made of \.txt, \.md, \.py, \.json, .*; all but \.parquet also with \.gz, .* behind$"
    (tmp_path / name).write_bytes(b"text")
    MEMORY.pipe(f"/corpus/{name}", b"text")
    refused(tmp_path / name, rf"^corpus {tmp_path / name}: unknown kind of file; {message}")
    refused(f"{memory}/{name}", rf"^corpus {memory}/{name}: unknown kind of file; {message}")
    refused(tmp_path, rf"^corpus {tmp_path}: it holds no file of a known kind; {message}")


@pytest.mark.parametrize("before", [0, 1, 131_071, 131_072, 400_001])
def test_latin_1_is_refused_with_its_first_byte(tmp_path: Path, before: int) -> None:
    text = "é" * (before // 2) + "x" * (before % 2)
    for name, compress in (("a.txt", bytes), ("a.jsonl.gz", gzip.compress), ("LICENSE", bytes)):
        (tmp_path / name).write_bytes(compress(text.encode() + "ü und so".encode("latin-1")))
        refused(tmp_path / name, rf"^corpus {tmp_path / name}: not UTF-8: byte {before:,} is 0xfc \(.+\); convert")


def test_an_encoding_that_ends_within_a_character_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("abü".encode()[:-1])
    refused(tmp_path, r"not UTF-8: byte 2 is 0xc3 \(unexpected end of data\)")


def test_utf_16_without_a_mark_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("plain text".encode("utf-16-le"))
    refused(tmp_path, rf"^corpus {tmp_path / 'a.txt'}: not text: byte 1 is zero; UTF-16 needs a byte order mark")


@pytest.mark.parametrize("end", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("form", ["jsonl", "txt"])
@pytest.mark.parametrize("fault", ["truncated", "not compressed"])
def test_a_broken_stream_is_refused_by_its_file(tmp_path: Path, memory: str, end: str, form: str, fault: str) -> None:
    content = json_lines() * 500 if form == "jsonl" else b"a long text " * 100_000
    broken = COMPRESSED[end](content)[:-10] if fault == "truncated" else content
    path = tmp_path / f"rows.{form}{end}"
    path.write_bytes(broken)
    MEMORY.pipe(f"/corpus/{path.name}", broken)
    for place in (str(path), f"{memory}/{path.name}"):
        with pytest.raises(UserError, match=rf"^corpus {place}: cannot be read \(.+\)$") as info:
            for document in documents(place):
                assert isinstance(document, str) or "".join(document)
        assert "\n" not in str(info.value)


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet()[:-20])
    refused(tmp_path, rf"^corpus {tmp_path / 'a.parquet'}: cannot be read \(.+\)$")


def test_a_malformed_row_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n\n{"text": "b"\n{"text": "c"}\n')
    refused(tmp_path, rf"^corpus {tmp_path / 'a.jsonl'}: line 3: not JSON \(.+\); rows are objects, one per line or in")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param('[\n {"text": "a"},\n {"text": b}]', r"line 3 \(row 2\)", id="value"),
        pytest.param('[\n {"text": "a"}\n {"text": "b"}]', r"line 3 \(after row 1\)", id="comma"),
        pytest.param('[{"text": "a"},\n]', r"line 2 \(row 2\)", id="trailing"),
        pytest.param('[{"text": "a"}', r"line 1 \(after row 1\)", id="no end"),
        pytest.param('[{"text": "a', r"line 1 \(row 1\)", id="cut"),
        pytest.param('[{"text": "a"}]\n\n{"text": "b"}', r"line 3", id="more"),
    ],
)
def test_a_malformed_array_is_refused_with_its_line(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "a.json").write_text(text)
    refused(tmp_path, rf"^corpus {tmp_path / 'a.json'}: {place}: not JSON \(")


def test_a_malformed_row_is_told_from_one_that_goes_on(tmp_path: Path) -> None:
    rows = json.dumps([{"text": "x" * 300_000}, {"text": "y" * 700_000, "n": None}])
    (tmp_path / "a.json").write_text(f"{' ' * 200_000}{rows}{' ' * 200_000}")
    assert [len(text) for text in documents(str(tmp_path)) if isinstance(text, str)] == [300_000, 700_000]


def test_a_deeply_nested_row_is_refused(tmp_path: Path) -> None:
    for name, begin in (("a.jsonl", ""), ("b.json", "[")):
        (tmp_path / name).write_text(f'{begin}{{"text": "a", "b": {"[" * 200_000}')
        refused(tmp_path / name, r"not JSON \(nested too deeply\)")


@pytest.mark.parametrize(
    "text",
    [
        "a,text\n1,b,c\n",
        "a,text\n1\n",
    ],
)
def test_a_csv_row_of_another_length_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    refused(tmp_path, rf"^corpus {tmp_path / 'a.csv'}: line 2 has \d fields, the first 2$")


def test_a_csv_quote_that_never_closes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text\n"a\nb\n')
    refused(tmp_path, rf"^corpus {tmp_path / 'a.csv'}: line 3: cannot be read \(.+\)$")


def test_a_column_that_no_first_row_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"title": "a"}\n' * 999 + '{"body": "b"}\n' + "no JSON\n")
    refused(tmp_path, rf"^corpus {tmp_path / 'a.jsonl'}: no column 'text'; it has body, title$")


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_wrong_column_of_a_table_is_refused(tmp_path: Path, form: str) -> None:
    table = pd.DataFrame({"title": ["a"], "body": ["b"]})
    table.to_parquet(tmp_path / "a.parquet") if form == "parquet" else table.to_csv(tmp_path / "a.csv", index=False)
    refused(tmp_path, rf"^corpus {tmp_path / 'a'}.{form}: no column 'text'; it has body, title$")
    with pytest.raises(UserError, match=rf"^corpus {tmp_path}.*: no column 'text'; it has body, title$"):
        of_hub(tmp_path)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"text": 5}', r"column 'text' holds a number, not text"),
        ('{"text": ["a"]}', r"column 'text' holds a list, not text"),
        ('{"text": "a\\ud800b"}', r"column 'text' holds half a character \('\\ud800', an unpaired surrogate\)"),
        ('"text"', r"is a text, not an object with a 'text'"),
    ],
)
def test_a_value_that_is_no_text_is_refused_with_its_row(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"text": "a"}}\n{row}\n')
    refused(tmp_path, rf"^corpus {tmp_path / 'a.jsonl'}: line 2:? {reason}$")


def test_a_parquet_column_of_numbers_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"text": [1]}).to_parquet(tmp_path / "a.parquet")
    refused(tmp_path, r"column 'text' holds int64, not text$")
