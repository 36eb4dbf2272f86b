"""JSON of the benchmarks."""

import json
from pathlib import Path

from benchmarks.as_json import save_tables, undefined
from rich.table import Table


def test_save_tables_keeps_every_cell(tmp_path: Path) -> None:
    table = Table("way", "µs", title="speed")
    table.add_row("ours", "1.5")
    table.add_row("theirs", "3.0")
    save_tables(str(tmp_path / "a.json"), table, raw={"tokens": 5})
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    rows = [["ours", "1.5"], ["theirs", "3.0"]]
    assert content == {"tables": [{"title": "speed", "columns": ["way", "µs"], "rows": rows}], "raw": {"tokens": 5}}


def test_undefined_names_every_place(tmp_path: Path) -> None:
    table = Table("way", "µs")
    for cells in (("nano", "1.5"), ("infinite loop", "+nan %"), ("theirs", "inf (2.0)")):
        table.add_row(*cells)
    save_tables(str(tmp_path / "a.json"), table, raw={"tokens": 5, "peak": float("nan")})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=refuse)
    assert undefined(content) == ["µs of row 2", "µs of row 3", "raw.peak"]


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
