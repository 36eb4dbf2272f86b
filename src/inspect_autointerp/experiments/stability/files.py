"""The files of a stability study: its results as JSON, and all scores as CSV."""

import json as json_module
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.show.export import write_rows
from inspect_autointerp.store.atomic import atomic_file, reason


def write_files(told: Mapping[str, Any], values: pd.DataFrame, *, json: Path | None, csv: Path | None) -> None:
    """Write what was asked for.

    Args:
        told: See `results.stability`.
        values: See `results.cell_values`.
        json: File for the results; `-` for standard output.
        csv: File for the scores.

    Raises:
        UserError: A file cannot be written.
    """
    if json is not None:
        text = json_module.dumps(told, indent=1, allow_nan=False) + "\n"
        try:
            if str(json) == "-":
                sys.stdout.write(text)
            else:
                with atomic_file(json) as path:
                    path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"{json}: cannot be written ({reason(error)})") from error
    if csv is not None:
        write_rows(iter([values]), csv, "csv")
