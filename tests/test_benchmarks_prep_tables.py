"""Tables of prep's benchmark, and the copies that selection gets in place of further text."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import prep_tables
from benchmarks.prep_tables import real_table
from benchmarks.selection import Recorded, select
from rich.console import Console

from inspect_autointerp.prep.corpus.chunks import Batch, Windows
from inspect_autointerp.prep.select.selector import Selector


def test_real_table_has_a_figure_under_each_heading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {
        "forward": 6.0, "encode": 4.0, "run": 10.5, "select": 0.5, "prep": 11.0, "finish": 0.25, "read": 0.125,
        "write": 0.0625, "tokens": 1e6, "latents": 5632, "peak": 1661.0,
    }  # fmt: skip
    monkeypatch.setattr(prep_tables, "in_child", lambda *_, **__: costs)
    given = {"subject": "a model"}
    table = real_table(Console(quiet=True), [1_000_000], ["bfloat16"], given, str(tmp_path / "out.json"))
    cells = {str(column.header): next(iter(column.cells)) for column in table.columns}
    assert {name: cells[name] for name in ("selection", "reading", "writing", "together", "by difference")} == {
        "selection": "0.8 (7.5 %)", "reading": "0.1 (1.2 %)", "writing": "0.1 (0.6 %)", "together": "9.4 %",
        "by difference": "14.4 %",
    }  # fmt: skip
    (saved,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["tables"]
    assert len(saved["columns"]) == len(saved["rows"][0]) == 10 and all(saved["rows"][0])


def test_select_gives_copies_windows_of_their_own() -> None:
    pos = np.arange(8)[None]
    windows = Windows(start=np.array([0, 4]), hash=np.array([5, 6]), test=np.array([False, False]))
    batch = Batch(ids=pos, pos=pos, window=pos // 4, windows=windows)
    token, latent, act = torch.tensor([0, 5]), torch.tensor([0, 0]), torch.tensor([1.0, 2.0])
    recorded = [Recorded(batch, {"layers.0": (token.int(), latent.int(), act)}, 8)]
    selector = Selector(1, sample=8, top=0, pool=0)
    seconds, n_tokens, kept = select(selector, "layers.0", recorded, 24)
    assert seconds > 0 and (n_tokens, kept) == (24, 6)
    (block,) = selector.finish().blocks
    assert block.window.tolist() == [0, 4, 8, 12, 16, 20]
    assert block.pos.tolist() == [0, 5, 8, 13, 16, 21]
