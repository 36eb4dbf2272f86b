"""The rows of `statistics.latents_frame` with the texts that go with them, and as a file."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.csv_text import cells

_ROWS = 1 << 16
"""Latents written at a time."""


def with_texts(store: Store, hookpoint: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Some rows of `latents_frame` in order of index, and three more columns.

    Columns:
        single_token_text: The text of `single_token`; None where there is none.
        promoted: Texts of the tokens whose logits the decoder's direction raises most, the most first; None where the
            coder has no such direction.
        neighbours: The latents of the nearest decoder directions, the nearest first; None where it has none.
    """
    import pyarrow as pa

    from inspect_autointerp.store.parquet import open_file

    file = store.at(hookpoint).read("latents.parquet", open_file)
    wanted, first = frame["index"].to_numpy(), 0
    parts: list[pa.Table] = []
    for group in range(file.num_row_groups):
        n = file.metadata.row_group(group).num_rows
        here = wanted[(wanted >= first) & (wanted < first + n)] - first
        if len(here):
            parts.append(file.read_row_group(group, columns=["promoted", "neighbours"]).take(pa.array(here)))
        first += n
    columns: dict[str, list[Any]] = pa.concat_tables(parts).to_pydict() if parts else {"promoted": [], "neighbours": []}
    text_of: dict[int, str] = {}

    def text(id: int) -> str:
        if id not in text_of:
            text_of[id] = store.detokenizer([id])[0]
        return text_of[id]

    added: dict[str, list[Any]] = {
        "single_token_text": [text(id) if id >= 0 else None for id in frame["single_token"]],
        "promoted": [ids and [text(id) for id in ids] for ids in columns["promoted"]],
        "neighbours": columns["neighbours"],
    }
    return frame.assign(**{name: pd.Series(values, frame.index, dtype=object) for name, values in added.items()})


def write_rows(store: Store, frames: dict[str, pd.DataFrame], target: Path) -> None:
    """Write the rows of `with_texts`, of every hookpoint and its name before them, to one file.

    Args:
        store: The store.
        frames: Rows of `latents_frame` by hookpoint.
        target: Ends in `.csv` (lists are JSON there), `.jsonl` or `.parquet`.

    Raises:
        UserError: It ends in something else, or cannot be written; nothing is changed then.
    """
    check_target(target)
    with atomic_file(target) as path:
        _WRITERS[target.suffix](_rows(store, frames), path)


def check_target(target: Path) -> None:
    """Refuse a file of a kind that rows are not written to.

    Raises:
        UserError: See `write_rows`.
    """
    if target.suffix not in _WRITERS:
        raise UserError(f"{target}: the file's name must end in {', '.join(_WRITERS)}")


def _rows(store: Store, frames: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for hookpoint, frame in frames.items():
        for begin in range(0, len(frame), _ROWS):
            rows = with_texts(store, hookpoint, frame.iloc[begin : begin + _ROWS])
            rows.insert(0, "hookpoint", hookpoint)
            yield rows


def _write_text(rows: Iterator[pd.DataFrame], path: Path, *, lines: bool) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, part in enumerate(rows):
            if lines:
                part.to_json(file, orient="records", lines=True, force_ascii=False, double_precision=15)
                continue
            for column in ("promoted", "neighbours"):
                part[column] = [None if value is None else json.dumps(value) for value in part[column]]
            cells(part).to_csv(file, index=False, header=number == 0)


def _write_parquet(rows: Iterator[pd.DataFrame], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = {"promoted": pa.list_(pa.string()), "neighbours": pa.list_(pa.uint32())}
    texts: dict[str, Any] = {"hookpoint": pa.string(), "single_token_text": pa.string()} | lists
    writer: pq.ParquetWriter | None = None
    try:
        for part in rows:
            table = pa.table(
                {name: pa.array(part[name], type=texts.get(name), from_pandas=True) for name in part.columns}
            )
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer:
            writer.close()


_WRITERS = {
    ".csv": partial(_write_text, lines=False),
    ".jsonl": partial(_write_text, lines=True),
    ".parquet": _write_parquet,
}
