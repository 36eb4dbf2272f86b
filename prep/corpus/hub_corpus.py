"""Hugging Face datasets as corpora."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.corpus_files import kind_of
from inspect_autointerp.prep.corpus.corpus_rows import Column
from inspect_autointerp.prep.corpus.corpus_text import reason


def hub_documents(
    name: str, split: str, column: str, kind: type[Column] = Column, *, read: Callable[[str], Iterable[Any]]
) -> Iterator[Any]:
    """Yield the documents of a Hugging Face dataset, lazily.

    JSON and CSV files of a dataset are read as files elsewhere are: `datasets` guesses the types of all their columns,
    so a text can become a date, and a column that nobody asked for can end the pass.

    Args:
        name: As `name`, `name:config`, `name@revision` or `name@revision:config`.
        split: The split of it.
        column: The column that holds the text; see `Column`.
        kind: How to read the column: as text, or as conversations.
        read: Yields the documents of a file, given its path or URL.

    Raises:
        UserError: It cannot be loaded or read, or has no such column.
    """
    from datasets import load_dataset_builder

    path, _, config = name.partition(":")
    path, _, revision = path.partition("@")
    try:
        builder = load_dataset_builder(path, config or None, revision=revision or None)
        files = _plain_files(builder, split)
        rows = None if files else builder.as_streaming_dataset(split=split)
    except Exception as error:  # the hub's own errors are many, and all of them mean that it cannot be loaded
        raise UserError(
            f"corpus {name}: neither `stdlib`, a local file, nor a dataset that can be loaded ({reason(error)})"
        ) from error
    try:
        if files:
            for file in files:
                yield from read(file)
        else:
            yield from _texts(rows, kind(column, f"corpus {name}"), column)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"corpus {name}: cannot be read ({reason(error)})") from error


def _plain_files(builder: Any, split: str) -> list[str]:
    """The JSON or CSV files of a split; none where they are something else, or have options of their own."""
    from datasets.packaged_modules.csv.csv import Csv
    from datasets.packaged_modules.json.json import Json

    config = builder.config
    if isinstance(builder, Json) and config.field is None and config.encoding == "utf-8":
        forms = {".json", ".jsonl", ".ndjson"}
    elif isinstance(builder, Csv) and (config.names, config.column_names, config.header) == (None, None, "infer"):
        forms = {",": {".csv"}, "\t": {".tsv"}}.get(config.delimiter or config.sep, set())
    else:
        forms = set()
    files = [str(file) for file in (config.data_files or {}).get(split) or []]
    kinds = [kind_of(file) for file in files]
    return files if all(kind is not None and kind.content in forms for kind in kinds) else []


def _texts(rows: Any, texts: Column, column: str) -> Iterator[Any]:
    if rows.column_names is not None:
        if column not in rows.column_names:
            texts.refuse(rows.column_names)
        rows = rows.select_columns([column])
    for number, row in enumerate(rows, start=1):
        if text := texts.value(row, f"row {number:,}"):
            yield text
    texts.end()
