"""pyarrow's functions for Parquet with all their types: its stubs leave open what a file or a list of columns holds."""

from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_PARQUET: Any = pq


def read_table(path: Path, columns: list[str] | None = None, **options: Any) -> pa.Table:
    """Read a file, or some columns of it; the options are those of pyarrow's `read_table`."""
    return _PARQUET.read_table(path, columns=columns, **options)


def read_metadata(path: Path) -> pq.FileMetaData:
    """Read what a file says of itself."""
    return _PARQUET.read_metadata(path)


def read_schema(path: Path) -> pa.Schema:
    """Read the names and types of a file's columns."""
    return _PARQUET.read_schema(path)


def write_table(table: pa.Table, path: Path | BinaryIO, **options: Any) -> None:
    """Write a table; the options are those of pyarrow's `write_table`."""
    _PARQUET.write_table(table, path, **options)


def frame_of(table: Any) -> pd.DataFrame:
    """Return a table of pyarrow as a frame of pandas."""
    return table.to_pandas()


def open_file(source: Path | BinaryIO) -> Any:
    """Open a file as pyarrow's `ParquetFile`, to read it in parts."""
    return _PARQUET.ParquetFile(source)
