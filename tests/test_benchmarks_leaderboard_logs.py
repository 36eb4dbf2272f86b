"""The logs of `benchmarks.leaderboard`: the reader has nothing to object to, and each latent has its own values."""

from pathlib import Path

import pytest
from benchmarks.leaderboard_logs import NAMES, write_logs
from inspect_ai.log import read_eval_log

from inspect_autointerp.inspect_support.values_at_end import keep_values
from inspect_autointerp.leaderboard.load import log_values
from inspect_autointerp.leaderboard.load.results_from_logs import read_results


def test_written_logs_are_read_as_real_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "logs"
    folder.mkdir()
    paths = write_logs(folder, 2, 30, len(NAMES))
    log = read_eval_log(str(paths[0]))
    assert len(log.samples or []) == 30
    for path in paths:
        keep_values(str(path))
    monkeypatch.setattr(log_values, "summaries", lambda path: pytest.fail("the samples were read"))
    results = read_results(str(folder))
    assert results.apart.empty
    assert set(results.entries["score"]) == set(NAMES)
    assert results.values["value"][:30].nunique() > 20
    assert (results.entries["identical"] == 0).all()
