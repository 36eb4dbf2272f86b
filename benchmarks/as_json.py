"""Tables of the benchmarks as JSON, and the facts of the machine that the figures depend on.

`python -m benchmarks.as_json` prints these facts.
"""

import json
import math
import os
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

_UNDEFINED = re.compile(r"(?<![a-z])(nan|inf)(?![a-z])", re.IGNORECASE)
"""NaN or infinity in the text of a cell."""


def save_tables(path: str | None, *tables: Table, raw: dict[str, Any] | None = None) -> None:
    """Write tables as printed: title, columns and the text of each cell. Nothing is written without a path.

    Args:
        path: The file.
        tables: The tables.
        raw: Figures in full, where there are any: seconds, tokens, and megabytes of the host's memory. JSON has no NaN,
            so an undefined one is null.
    """
    if path:
        content = {"tables": [_content(table) for table in tables], "raw": _finite(raw)}
        Path(path).write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


def _finite(value: Any) -> Any:
    """The same figures, one by one or in mappings and lists, with None in the place of undefined ones."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_finite, value))
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _content(table: Table) -> dict[str, Any]:
    rows = zip(*(column.cells for column in table.columns), strict=True)
    return {
        "title": str(table.title or ""),
        "columns": [str(column.header) for column in table.columns],
        "rows": [[str(cell) for cell in row] for row in rows],
    }


def undefined(content: dict[str, Any]) -> list[str]:
    """Return the places of undefined numbers in what `save_tables` wrote: `column of row 1`, or `raw.name`."""
    cells = [
        f"{column} of row {number}"
        for table in content["tables"]
        for number, row in enumerate(table["rows"], start=1)
        for column, cell in zip(table["columns"], row, strict=True)
        if _UNDEFINED.search(cell)
    ]
    return cells + [f"raw.{name}" for name, value in (content["raw"] or {}).items() if value is None]


def machine() -> dict[str, Any]:
    """Return the versions and devices that the figures depend on, and the time."""
    import torch
    import transformers

    gpu = torch.cuda.is_available()
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "gpu memory, bytes": torch.cuda.get_device_properties(0).total_memory if gpu else None,
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    """Name of the processor: Linux has it in a file, other systems say it themselves."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    print(json.dumps(machine()))
