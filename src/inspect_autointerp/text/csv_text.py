"""Text in CSV files that people open in a spreadsheet or print on a terminal.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, in quotes or not. The usual remedy is a
`'` before it, which makes it text. Names of models and explanations come from elsewhere, so every CSV file of this
package is written through here.
"""

import re
from collections.abc import Hashable

import pandas as pd

from inspect_autointerp.text.render import visible

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""Beginning of a text that a spreadsheet may run as a formula, or that was made harmless before."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def harmless(text: str) -> str:
    """Return a text with a `'` before it where a spreadsheet would run it; a number stays as it is.

    A text that begins with such quotes and a formula gets one more, so that `original` can undo it.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def original(text: str) -> str:
    """Return the text that `harmless` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the same with column names and texts that do nothing in a spreadsheet or on a terminal.

    Control characters and characters that change the direction of text are spelled out (`render.visible`). That cannot
    be undone: Parquet and JSON hold the texts as they are.
    """
    columns: dict[Hashable, pd.Series] = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(column.cat.categories.dtype)
        is_text = column.dtype == object or pd.api.types.is_string_dtype(column.dtype)
        columns[_cell(name)] = column.map(_cell, na_action="ignore") if is_text else column
    return pd.DataFrame(columns, index=frame.index)


def _cell(value: Hashable) -> Hashable:
    return harmless(visible(value)) if isinstance(value, str) else value
