"""Prep says what it does where nobody watches a bar: in a log file."""

import pytest

from inspect_autointerp.prep.cli import progress
from inspect_autointerp.prep.cli.progress import spinner, token_bar


def test_spinner_without_a_terminal_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with spinner("loading"):
        assert capsys.readouterr().err == "loading …\n"
    with spinner("loading", shown=False):
        pass
    assert capsys.readouterr().err == ""


def test_token_bar_without_a_terminal_prints_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with token_bar(5000) as advance:
        assert capsys.readouterr().err == "reading up to 5,000 tokens …\n"
        for number in range(1, 8):
            clock[0] += 10
            advance(number * 100, 50)
    lines = capsys.readouterr().err.splitlines()
    # 300 and 600 tokens are read, the first 50 of them before this run, in 30 and 60 seconds: 4,700 more take
    # 4,700 · 30 / 250 = 564 s, and 4,400 more 4,400 · 60 / 550 = 480 s.
    assert [line.rpartition(",")[0] for line in lines] == [
        "300 of 5,000 tokens, 5/s, 0:09:24 left",
        "600 of 5,000 tokens, 5/s, 0:08:00 left",
    ]
    with token_bar(5000, shown=False) as advance:
        clock[0] += 100
        advance(100, 100)
    assert capsys.readouterr().err == ""
