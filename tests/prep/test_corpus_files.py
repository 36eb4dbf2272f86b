"""Every form in which people keep a corpus gives its documents, and what cannot be read is refused where it is."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.documents import documents
from inspect_autointerp.prep.corpus.hub_corpus import hub_documents

MEMORY = fsspec.filesystem("memory")
TEXTS = [f'Story {n}: "ü", a comma,\nand a second line\u2028of it.' for n in range(40)]
ROWS = [{"id": n, "text": text, "meta": {"n": n}} for n, text in enumerate(TEXTS)]


def json_lines() -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def delimited(delimiter: str) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, ["id", "text", "meta"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return file.getvalue().encode()


def parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame(ROWS).to_parquet(file)
    return file.getvalue()


def zstandard(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


FORMS: dict[str, Callable[[], bytes]] = {
    "jsonl": json_lines,
    "ndjson": json_lines,
    "json": json_lines,
    "array.json": lambda: json.dumps(ROWS).encode(),
    "pretty.json": lambda: json.dumps(ROWS, indent=2, ensure_ascii=False).encode(),
    "csv": lambda: delimited(","),
    "tsv": lambda: delimited("\t"),
}
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard,
}
FILES = {f"rows.{form}{end}": (form, end) for form in FORMS for end in COMPRESSED}
NAMES = [*FILES, "ROWS.JSONL", "Rows.Json.GZ", "rows.parquet", "ROWS.PARQUET"]


def content_of(name: str) -> bytes:
    if name.lower().endswith("parquet"):
        return parquet()
    form, end = FILES[name.lower()]
    return COMPRESSED[end](FORMS[form]())


@pytest.fixture
def memory() -> Iterator[str]:
    yield "memory://corpus"
    MEMORY.rm("/", recursive=True)


def of_hub(folder: Path) -> list:
    """The documents of a folder, read as a dataset of the hub is."""
    return list(hub_documents(str(folder), "train", "text", read=documents))


def refused(corpus: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as info:
        list(documents(str(corpus)))
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("name", NAMES)
def test_rows_in_any_form_are_documents(tmp_path: Path, memory: str, name: str) -> None:
    (tmp_path / name).write_bytes(content_of(name))
    (tmp_path / "README.rst").write_text("not of the corpus")
    MEMORY.put(f"{tmp_path}/", "/corpus/", recursive=True)
    for place in (tmp_path / name, tmp_path, f"{memory}/{name}", memory, (tmp_path / name).as_uri()):
        assert list(documents(str(place))) == TEXTS, place


def test_files_of_all_forms_in_a_folder_are_read(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(content_of(name))
    assert list(documents(str(tmp_path))) == TEXTS * len(NAMES)


def test_a_url_may_have_a_query(tmp_path: Path) -> None:
    from inspect_autointerp.prep.corpus.corpus_files import kind_of

    assert kind_of("https://host/rows.jsonl.gz?download=true") == kind_of("rows.jsonl.gz")
    assert kind_of("rows.jsonl.gz?") is None


@pytest.mark.parametrize("end", COMPRESSED)
@pytest.mark.parametrize("name", ["story.txt", "NOTES.MD", "LICENSE"])
def test_text_is_decompressed(tmp_path: Path, name: str, end: str) -> None:
    (tmp_path / f"{name}{end}").write_bytes(COMPRESSED[end]("Yes, ü\r\nand so on.".encode()))
    assert list(documents(str(tmp_path / f"{name}{end}"))) == ["Yes, ü\nand so on."]


def test_several_streams_in_a_compressed_file_are_one_text(tmp_path: Path) -> None:
    for end, compress in COMPRESSED.items():
        (tmp_path / f"a.txt{end}").write_bytes(compress(b"one ") + compress(b"two"))
    assert list(documents(str(tmp_path))) == ["one two"] * len(COMPRESSED)


@pytest.mark.parametrize("name", ["a.png", "a.parquet.gz", "rows.arrow", "rows.xlsx", "data.jsonl.zip", "part.00"])
def test_an_unknown_suffix_is_refused_with_those_there_are(tmp_path: Path, memory: str, name: str) -> None:
    message = r"a corpus can be made of \.txt, \.md, \.py, \.json, .*; all but \.parquet also with \.gz, .* behind$"
    (tmp_path / name).write_bytes(b"text")
    MEMORY.pipe(f"/corpus/{name}", b"text")
    refused(tmp_path / name, rf"^corpus {tmp_path / name}: unknown kind of file; {message}")
    refused(f"{memory}/{name}", rf"^corpus {memory}/{name}: unknown kind of file; {message}")
    refused(tmp_path, rf"^corpus {tmp_path}: it holds no file of a known kind; {message}")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_a_byte_order_mark_says_the_encoding_and_is_no_text(tmp_path: Path, encoding: str, name: str) -> None:
    text = "Grüße, 😀"
    content = {"a.txt": text, "a.jsonl": json.dumps({"text": text}, ensure_ascii=False), "a.csv": f'text\n"{text}"'}
    (tmp_path / name).write_bytes(content[name].encode(encoding))
    assert list(documents(str(tmp_path / name))) == [text]


def test_a_mark_of_the_other_byte_order_is_understood(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xfe\xff" + "ü😀".encode("utf-16-be"))
    assert list(documents(str(tmp_path))) == ["ü😀"]


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


@pytest.mark.parametrize("content", ["", "\n \n", "[]", "[ ]\n"])
def test_a_json_file_without_rows_holds_no_document(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert list(documents(str(tmp_path))) == []


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


def test_a_long_csv_field_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"text\n{'a' * 200_000}\n\n")
    assert list(documents(str(tmp_path))) == ["a" * 200_000]


def test_other_columns_may_change_within_the_file(tmp_path: Path) -> None:
    rows = [{"text": f"t{n}", "meta": {"a": n} | ({"b": 1} if n == 9000 else {})} for n in range(9001)]
    rows += [{"text": "mixed", "meta": "now a text"}, {"text": "last", "meta": [1, "x"]}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert list(documents(str(tmp_path))) == [row["text"] for row in rows]
    assert of_hub(tmp_path) == [row["text"] for row in rows]


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "tsv"])
def test_texts_that_look_like_other_types_stay_as_written(tmp_path: Path, form: str) -> None:
    texts = [(date(2020, 1, 1) + timedelta(days=n)).isoformat() for n in range(5)]
    texts += ["2020-01-01T00:00:00Z", "007", "1e5", "true", "NA", "null", "nan", " "]
    rows = pd.DataFrame({"text": texts})
    if form in ("jsonl", "json"):
        content = [json.dumps({"text": text}) for text in texts]
        (tmp_path / f"a.{form}").write_text("\n".join(content) if form == "jsonl" else f"[{','.join(content)}]")
    else:
        rows.to_csv(tmp_path / f"a.{form}", sep="," if form == "csv" else "\t", index=False)
    assert list(documents(str(tmp_path))) == texts
    assert of_hub(tmp_path) == texts


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_a_row_without_text_is_no_document(tmp_path: Path, form: str) -> None:
    rows = [{"a": 1}, {"text": None}, {"text": "one"}, {"a": 2}, {"text": ""}, {"text": "two"}]
    (tmp_path / f"a.{form}").write_text(json.dumps(rows) if form == "json" else "\n".join(map(json.dumps, rows)))
    assert list(documents(str(tmp_path))) == ["one", "two"]


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


def test_only_the_column_of_a_parquet_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    asked, original = [], pq.ParquetFile.iter_batches
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *a, **k: asked.append(k["columns"]) or original(*a, **k))
    (tmp_path / "a.parquet").write_bytes(parquet())
    assert list(documents(str(tmp_path))) == TEXTS
    assert asked == [["text"]]


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.parquet", "rows.csv", "rows.tsv", "rows.array.json"])
def test_the_files_of_a_dataset_are_documents(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(content_of(name))
    assert of_hub(tmp_path) == TEXTS
