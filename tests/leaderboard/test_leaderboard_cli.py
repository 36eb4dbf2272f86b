import json
from pathlib import Path

import pandas as pd
import pytest
from benchmarks.synthetic_results import synthetic
from tests.given_results import NAN, results_of_values
from typer.testing import CliRunner

from inspect_autointerp.cli import app
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.breakdown import breakdown
from inspect_autointerp.leaderboard.analyse.correlations import correlations
from inspect_autointerp.leaderboard.analyse.differences import differences
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show import export, tables, view

EXAMPLE = Path(__file__).parents[2] / "logs" / "example"


def shown(results: Results) -> str:
    return view.markdown(tables.tables(results, summary(results)), tables.NOTES)


def test_an_undefined_number_is_a_dash_and_null(tmp_path: Path) -> None:
    results = results_of_values({"b": [0.5, 0.75], "a": [NAN, NAN]})
    assert "|  | a | – | – |" in shown(results)
    assert "| 1 | b | 0.625 [" in shown(results)
    rows = export.score_rows(results, summary(results))
    export.write_rows(iter([rows]), tmp_path / "rows.json", not_compared=[])
    written = json.loads((tmp_path / "rows.json").read_text())
    assert [row["mean"] for row in written["rows"]] == [0.625, None]
    assert written["not_compared"] == []
    export.write_rows(iter([rows]), tmp_path / "rows.csv")
    assert pd.read_csv(tmp_path / "rows.csv")["mean"].isna().tolist() == [False, True]


def test_what_is_not_above_its_floors_is_marked_and_recedes() -> None:
    text = shown(results_of_values({"a": [0.9, 0.8] * 5, "b": [0.5, 0.4] * 5, "empty": [0.5] * 10}))
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert [row.split(" | ")[1] for row in rows] == ["a", "*b †*", "*empty*"]


def test_a_random_coder_s_row_stands_below_the_floors() -> None:
    scores = {"detection": {"a": [0.9, 0.8] * 5, "empty": [0.5] * 10}, "detection@random": {"a": [0.6, 0.7] * 5}}
    [table, _] = tables.tables(*_with_summary(results_of_values(scores, coders={"detection@random": "random:64x4"})))
    assert [row[1] for row in table.rows] == ["a", "empty", "a, on a random coder"]
    assert table.faint == [False, True, True]


def _with_summary(results: Results) -> tuple[Results, pd.DataFrame]:
    return results, summary(results)


def test_hostile_names_stay_text(capsys: pytest.CaptureFixture[str]) -> None:
    results = results_of_values({"<script>|x|\x1b[31m[bold]\u202e\n": [0.5, 0.6], "b": [0.5, 0.5]})
    pairs = differences(results)
    numbers = summary(results, pairs)
    every = [
        *tables.tables(results, numbers),
        *tables.differences(results, pairs),
        *tables.breakdowns(results, breakdown(results, "density"), "density", numbers),
    ]
    text = view.markdown(every, tables.NOTES)
    assert "<script>" not in text
    assert "\x1b" not in text
    row = next(line for line in text.splitlines() if "script" in line)
    assert row.count("|") == text.splitlines()[2].count("|"), "no cell more than the head has"
    view.print_terminal(every, tables.NOTES)
    out = capsys.readouterr().out
    assert "[bold]" in out
    assert "\x1b[31m" not in out
    assert "\u202e" not in out


def test_differences_leave_out_pairs_of_floors() -> None:
    results = results_of_values({"a": [0.9, 0.8] * 5, "empty": [0.5] * 10, "shuffled": [0.5] * 10})
    [view] = tables.differences(results, differences(results))
    assert [row[:3] for row in view.rows] == [["a", "higher", "empty"], ["a", "higher", "shuffled"]]


def test_correlations_are_an_upper_triangle_with_a_label_per_score() -> None:
    values = {"a": [0.1, 0.2, 0.3]}
    results = results_of_values({"detection": values, "fuzzing": values, "fuzzing@2": values})
    [view] = tables.correlations(results, correlations(results))
    assert view.head[1:] == ["fuzzing", "fuzzing 2"]
    assert [row[0] for row in view.rows] == ["detection", "fuzzing"]
    assert view.rows[1][1:] == ["", "1.00 (1.00)"]


def test_the_command_shows_and_writes_everything(tmp_path: Path) -> None:
    out = {name: tmp_path / f"rows.{name}" for name in export.FORMATS}
    options = [part for name, target in out.items() for part in (f"--{name}", str(target))]
    latents, md = tmp_path / "latents.parquet", tmp_path / "out.md"
    done = CliRunner().invoke(
        app, ["leaderboard", str(EXAMPLE), *options, "--latents", str(latents), "--md", str(md), "--full"]
    )
    assert done.exit_code == 0, done.output
    assert "By decile · detection" in done.output
    frames = [pd.read_csv(out["csv"]), pd.read_parquet(out["parquet"])]
    frames.append(pd.DataFrame(json.loads(out["json"].read_text())["rows"]))
    assert all(frame.columns.tolist() == frames[0].columns.tolist() for frame in frames)
    for frame in frames:
        assert frame["mean"].tolist() == pytest.approx(frames[0]["mean"].tolist())
        of_score = frame.set_index("score")
        assert of_score.loc["fuzzing", "mean"] == pytest.approx(of_score.loc["fuzzing", "balanced_accuracy_mean"])
    per_latent = pd.read_parquet(latents)
    assert len(per_latent) == frames[0]["n_latents"].sum()
    assert per_latent.groupby("score")["balanced_accuracy"].mean()["detection"] == pytest.approx(0.765)
    assert md.read_text().startswith("detection · layers.1 · store ")
    assert done.output.count("By density") == md.read_text().count("By density")


def test_latents_are_the_same_in_every_format(tmp_path: Path) -> None:
    frames = []
    for name, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet), ("json", None)):
        target = tmp_path / f"latents.{name}"
        done = CliRunner().invoke(app, ["leaderboard", str(EXAMPLE), "--latents", str(target)])
        assert done.exit_code == 0, done.output
        frames.append(read(target) if read else pd.DataFrame(json.loads(target.read_text())["rows"]))
    for other in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], other, check_dtype=False, atol=1e-6)


def test_a_file_of_another_kind_and_another_group_are_one_line(tmp_path: Path) -> None:
    for options, message in (
        (["--latents", str(tmp_path / "x.txt")], r"has to end in \.csv, \.parquet or \.json"),
        (["--csv", str(tmp_path / "none" / "x.csv")], "cannot be written"),
        (["--by", "layer"], "by layer: give one of decile, hookpoint, density"),
    ):
        with pytest.raises(UserError, match=message):
            CliRunner().invoke(app, ["leaderboard", str(EXAMPLE), *options], catch_exceptions=False)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_print_terminal_folds_wide_tables(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    results = synthetic(explainers=4, latents=20, scores=1)
    console = Console(width=width, force_terminal=True, color_system=None, record=True)
    monkeypatch.setattr(view, "Console", lambda **settings: console)
    views = tables.tables(results, summary(results))
    view.print_terminal(views, [])
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    for cell in views[0].rows[0]:  # nothing is left out, and no number is broken
        for part in cell.split("\n"):
            assert any(part in line for line in lines), part
    tables_printed = sum(line.startswith("┏") for line in lines)
    assert sum("model-1 " in line for line in lines) >= tables_printed >= 2, "each part repeats the names"


def test_nothing_but_a_broken_log_is_listed_and_written(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "2026-01-01T00-00-00-00-00_cut_x.eval").write_bytes(b"PK\x03\x04 cut short")
    targets = [f"{tmp_path}/rows.{name}" for name in export.FORMATS]
    options = [part for name, target in zip(export.FORMATS, targets, strict=True) for part in (f"--{name}", target)]
    options += ["--latents", f"{tmp_path}/latents.csv", "--full", "--differences", "--correlations"]
    done = CliRunner().invoke(app, ["leaderboard", str(logs), *options])
    assert done.exit_code == 0, done.output
    assert "unreadable" in done.output
    [left] = json.loads(Path(f"{tmp_path}/rows.json").read_text())["not_compared"]
    assert left["reason"].startswith("unreadable")
