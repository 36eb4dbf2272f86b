"""No CSV file that this package writes runs a formula in a spreadsheet or acts on a terminal."""

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.log import write_eval_log
from tests.log_files import log_of, sample, value
from typer.testing import CliRunner

from inspect_autointerp.cli import app
from inspect_autointerp.formats.records import Row
from inspect_autointerp.formats.tables import columns, write_csv
from inspect_autointerp.text.csv_text import cells, harmless, original

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "- words of a list")
HOSTILE = "m\x1b[31m\u202e\x07\x9b2J"


@pytest.mark.parametrize("text", FORMULAS)
def test_harmless_formula_gets_a_quote(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert original(harmless(text)) == text


@pytest.mark.parametrize("text", ["-2", "+0.5", "-1e-05", ".5", "a=b", "'quoted'", "", "words - and more"])
def test_harmless_number_or_text_stays(text: str) -> None:
    assert harmless(text) == text


@given(st.text(st.sampled_from("'=+-@\t\r\na1 ."), max_size=6) | st.text())
def test_harmless_is_undone_by_original(text: str) -> None:
    assert original(harmless(text)) == text


def test_cells_of_every_type_of_column() -> None:
    frame = pd.DataFrame(
        {"=a": ["=1", None, HOSTILE], "n": [-1.5, float("nan"), 2], "c": pd.Categorical(["@", "b", "@"])}
    )
    texts = cells(frame)
    assert texts["'=a"].tolist()[0] == "'=1" and texts["'=a"].isna().tolist() == [False, True, False]
    assert texts["'=a"].tolist()[2].isprintable()
    assert texts["n"].dtype == float and texts["c"].tolist() == ["'@", "b", "'@"]
    assert cells(pd.DataFrame(columns=["x"])).empty


@pytest.mark.parametrize("option", ["--csv", "--latents"])
@pytest.mark.parametrize("target", ["rows.csv", "-"])
def test_leaderboard_csv_of_hostile_names(
    option: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "logs").mkdir()
    log = log_of([sample(i, value(0.5 + 0.1 * i)) for i in range(3)], "=HYPERLINK(1)")
    assert log.eval.metadata
    log.eval.metadata |= {"subject": f"={HOSTILE}", "coder": "@coder"}
    for one in log.samples or []:
        (one.scores or {})["detection"].metadata = {"grader": "+g", "prompt": "-p", "options": {}}
    write_eval_log(log, str(tmp_path / "logs" / "a.eval"))
    path = str(tmp_path / target) if target != "-" else "-"
    done = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "logs"), option, path], catch_exceptions=False)
    text = done.output if path == "-" else Path(path).read_text(encoding="utf-8")
    assert done.exit_code == 0 and text.replace("\n", "").isprintable()
    [head, *rows] = csv.reader(text.splitlines())
    assert "explainer" in head and rows
    assert not [field for row in rows for field in row if field[:1] in ("=", "+", "@")]
    assert "'=HYPERLINK(1)" in rows[0]


def test_exported_csv_comes_back_as_it_was(tmp_path: Path) -> None:
    from inspect_autointerp.formats.read import read_explanations

    texts = [*FORMULAS, "'=1", "''quoted", "plain", "two\nlines", "\x1b[31m red", "\u200fעברית"]
    rows = [
        Row(place="x", index=i, hookpoint="layers.1", text=text, explainer="=m", method="@by")
        for i, text in enumerate(texts)
    ]
    path = tmp_path / "out.csv"
    write_csv(rows, path, columns([], []))
    with path.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert all(row["explanation"][:1] not in ("=", "+", "-", "@", "\t", "\r") for row in written)
    explanations = read_explanations(str(path), hookpoint="layers.1", width=100)
    assert [explanations.texts[i].text for i in range(len(texts))] == texts
    assert (explanations.texts[0].explainer, explanations.texts[0].method) == ("=m", "@by")


def test_csv_of_others_is_read_as_it_is(tmp_path: Path) -> None:
    from inspect_autointerp.formats.read import read_explanations

    path = tmp_path / "theirs.csv"
    path.write_text("latent,explanation\nlayers.1/3,'=' signs in code\n", encoding="utf-8")
    assert read_explanations(str(path), hookpoint="layers.1", width=9).texts[3].text == "'=' signs in code"


def test_every_csv_writer_goes_through_csv_text() -> None:
    root = Path(__file__).parents[2]
    folders = ("src/inspect_autointerp", "tasks", "solvers", "scorers", "prep", "studies", "benchmarks")
    sources = [path.read_text(encoding="utf-8") for folder in folders for path in (root / folder).rglob("*.py")]
    writers = [source for source in sources if re.search(r"to_csv\(|csv\.writer|DictWriter", source)]
    assert len(writers) >= 4
    assert all("csv_text import" in source for source in writers)
