"""JSON of the benchmarks."""

import json
from pathlib import Path

from benchmarks.as_json import gather, save_tables
from rich.table import Table


def test_save_tables_keeps_every_cell(tmp_path: Path) -> None:
    table = Table("way", "µs", title="speed")
    table.add_row("ours", "1.5")
    table.add_row("theirs", "3.0")
    save_tables(str(tmp_path / "a.json"), table, raw={"tokens": 5})
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    rows = [["ours", "1.5"], ["theirs", "3.0"]]
    assert content == {"tables": [{"title": "speed", "columns": ["way", "µs"], "rows": rows}], "raw": {"tokens": 5}}


def test_gather_records_failures_beside_results(tmp_path: Path) -> None:
    for name, status in (("good", "0 3"), ("bad", "1 2"), ("slow", "124 60"), ("cpu", "3 1"), ("late", None)):
        (tmp_path / f"{name}.command").write_text(f"benchmarks.{name}\n", encoding="utf-8")
        if status:
            (tmp_path / f"{name}.status").write_text(status, encoding="utf-8")
            (tmp_path / f"{name}.log").write_text(f"line of {name}", encoding="utf-8")
    (tmp_path / "good.json").write_text('{"tables": []}', encoding="utf-8")
    parts = gather(tmp_path)
    assert parts["good"] == {
        "command": "benchmarks.good", "status": "done", "seconds": 3, "result": {"tables": []},
    }  # fmt: skip
    assert parts["bad"]["status"] == "failed with exit status 1"
    assert parts["bad"]["last lines"] == ["line of bad"] and parts["bad"]["result"] is None
    assert parts["slow"]["status"] == "stopped: it took too long"
    assert parts["cpu"]["status"] == "not run: it needs a GPU"
    assert parts["late"]["status"] == "not run: the time was over"
