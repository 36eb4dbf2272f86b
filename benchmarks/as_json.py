"""Tables of the benchmarks as JSON, for `benchmarks/gpu.sh`."""

import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table


def save_tables(path: str | None, *tables: Table, raw: dict[str, Any] | None = None) -> None:
    """Write tables as printed: title, columns and the text of each cell. Nothing is written without a path.

    Args:
        path: The file.
        tables: The tables.
        raw: Figures in full, where there are any: seconds, tokens, and megabytes of the host's memory.
    """
    if path:
        content = {"tables": [_content(table) for table in tables], "raw": raw}
        Path(path).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _content(table: Table) -> dict[str, Any]:
    rows = zip(*(column.cells for column in table.columns), strict=True)
    return {
        "title": str(table.title or ""),
        "columns": [str(column.header) for column in table.columns],
        "rows": [[str(cell) for cell in row] for row in rows],
    }


def gather(folder: Path) -> dict[str, Any]:
    """Return what the parts of a run wrote: of each its command, status, seconds and tables; if it failed, last lines.

    A part is four files: `NAME.command`, `NAME.status` (exit status and seconds), `NAME.log`, and `NAME.json` if it
    came to its end. A part without a status did not run.
    """
    parts: dict[str, Any] = {}
    for command in sorted(folder.glob("*.command"), key=lambda file: file.stat().st_mtime_ns):
        part: dict[str, Any] = {"command": command.read_text(encoding="utf-8").strip()}
        status = command.with_suffix(".status")
        if status.exists():
            code, seconds = status.read_text(encoding="utf-8").split()
            part |= {"status": _NAMES.get(int(code), f"failed with exit status {code}"), "seconds": int(seconds)}
            log = command.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
            if int(code):
                part["last lines"] = log.splitlines()[-15:]
        else:
            part["status"] = "not run: the time was over"
        result = command.with_suffix(".json")
        part["result"] = json.loads(result.read_text(encoding="utf-8")) if result.exists() else None
        parts[command.stem] = part
    return parts


_NAMES = {0: "done", 124: "stopped: it took too long", 3: "not run: it needs a GPU"}


def machine() -> dict[str, Any]:
    """Return the versions and devices that the figures depend on."""
    import torch
    import transformers

    gpu = torch.cuda.is_available()
    return {
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "gpu memory, bytes": torch.cuda.get_device_properties(0).total_memory if gpu else None,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(json.dumps({"machine": machine(), "parts": gather(source)}, indent=1), encoding="utf-8")
