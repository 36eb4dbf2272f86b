"""Files that `autointerp ratings` writes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.csv_text import cells

if TYPE_CHECKING:
    import pandas as pd


def write_table(table: "pd.DataFrame", path: Path) -> None:
    """Write a table as CSV, in which no text does anything in a spreadsheet.

    Raises:
        UserError: It cannot be written.
    """
    with atomic_file(path) as file:
        cells(table).to_csv(file, index=False)


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write numbers as JSON.

    Raises:
        UserError: It cannot be written.
    """
    with atomic_file(path) as file:
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
