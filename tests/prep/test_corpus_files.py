"""Every form in which people keep a corpus gives its documents."""

import json
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from tests.prep.corpus_samples import COMPRESSED, MEMORY, NAMES, TEXTS, content_of, of_hub, parquet

from inspect_autointerp.prep.corpus.documents import documents


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


@pytest.mark.parametrize("content", ["", "\n \n", "[]", "[ ]\n"])
def test_a_json_file_without_rows_holds_no_document(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert list(documents(str(tmp_path))) == []


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
