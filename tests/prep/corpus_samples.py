"""One corpus in every form in which people keep one."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa

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


def of_hub(folder: Path) -> list:
    """The documents of a folder, read as a dataset of the hub is."""
    return list(hub_documents(str(folder), "train", "text", read=documents))
