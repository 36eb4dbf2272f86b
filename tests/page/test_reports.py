"""Verdicts read back from the reports that scorers leave."""

import numpy as np
import pytest

from inspect_autointerp.inspect_support.log_detail import LEAN
from inspect_autointerp.latent import Context
from inspect_autointerp.leaderboard.show.page.reports import lines_of, read_rows
from inspect_autointerp.scorers.shared.judge import Verdict
from inspect_autointerp.scorers.shared.ranking import ranked
from inspect_autointerp.scorers.shared.report import report
from inspect_autointerp.scorers.simulation.predict import Prediction
from inspect_autointerp.scorers.simulation.report import side_by_side
from inspect_autointerp.text.render import ansi_block, coloured


def context(text: str, activation: float, decile: int | None = None, kind: str = "random") -> Context:
    activations = np.array([activation, 0], dtype=np.float32)
    spans = ((0, len(text)), (len(text), len(text) + 1))
    return Context("activating" if decile else kind, 0, f"{text}.", spans, activations, decile)  # type: ignore[arg-type]


STRONG, WEAK = context("strong │ bar", 8, 10), context("weak", 2, 1)
SILENT, SIMILAR = context("silent", 0), context("alike", 0, kind="similar")


def rows(text: str) -> list[tuple]:
    found = read_rows(lines_of(text))
    assert found is not None
    return [(row.kind, row.mark, row.said) for row in found]


def test_a_judges_report_gives_a_mark_per_context() -> None:
    verdicts = [Verdict(0, 0.25), Verdict(1, 0.75), Verdict(1), Verdict(None, None, "refused")]
    text = report([STRONG, WEAK, SILENT, SIMILAR], verdicts)
    assert rows(text) == [
        ("decile 10", "wrong", "P=0.25"),
        ("random", "wrong", ""),
        ("similar", "unscored", "refused"),
        ("decile 1", "right", "P=0.75"),
    ]
    found = read_rows(lines_of(text))
    assert found is not None
    assert found[0].text == coloured(STRONG, 8.0), "the text is all that follows the first bar"


def test_in_lean_logs_contexts_are_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEAN, "1")
    verdicts = [Verdict(1, 0.75), Verdict(1, 0.9), Verdict(1), Verdict(1), Verdict(None, None, "refused")]
    found = lines_of(report([WEAK, STRONG, SILENT, SILENT, SIMILAR], verdicts))
    assert found[-2:] == ["10rrs", "++--?"]
    assert read_rows(found) == [
        ("decile 1", "right", "", "text 1"),
        ("decile 10", "right", "", "text 2"),
        ("random", "wrong", "", "text 3"),
        ("random", "wrong", "", "text 4"),
        ("similar", "unscored", "", "text 5"),
    ]
    many = lines_of(report([STRONG] * 90, [Verdict(1)] * 90))  # 40, 40 and 10 in a line
    assert read_rows(many) == [("decile 10", "right", "", f"text {number}") for number in range(1, 91)]
    assert read_rows([*found[:-1], "++--"]) is None and read_rows([*found[:-1], "++--x"]) is None


def test_a_report_by_value_has_no_marks_and_a_simulation_one_row_per_context() -> None:
    assert rows(ranked([STRONG, SILENT, WEAK], [0.5, 1.5, None], [None, None, "too_long"], "COMPARED")) == [
        ("random", "", "+1.500"),
        ("decile 10", "", "+0.500"),
        ("decile 1", "unscored", "too_long"),
    ]
    # The truth of STRONG is (10, 0): predicted as (10, 10) the error is √(100 / 2) = 7.1.
    said = [Prediction(np.array([10.0, 10.0])), Prediction(None, reason="refused")]
    assert rows(side_by_side([STRONG, SILENT], said)) == [
        ("decile 10", "", "7.1"),
        ("random", "unscored", "refused"),
    ]


def test_what_is_told_in_another_way_stays_lines() -> None:
    lines = ["WRONG · another text was named: 1 of 1", "  decile 7 · the intruder is 3", "    1 │ text", "  ▸ 3 │ text"]
    assert lines_of(ansi_block(lines)) == lines
    assert read_rows(lines) is None
    assert read_rows(["Unscored: there is no explanation (refused)."]) is None
