"""The file of values beside a log, as an evaluation writes it."""

import logging
from pathlib import Path

import pytest
from inspect_ai import eval as inspect_eval

from inspect_autointerp.inspect_support import values_at_end as module
from inspect_autointerp.leaderboard.load import log_values
from inspect_autointerp.leaderboard.load.values_file import SUFFIX
from inspect_autointerp.tasks import detection


@pytest.mark.parametrize("case", ["on", "off", "small", "cannot be written"])
def test_evaluation_keeps_its_values(
    case: str, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    if case != "small":
        monkeypatch.setattr(module, "LEAST", 2)
    if case == "off":
        monkeypatch.setenv(module.VARIABLE, "off")
    if case == "cannot be written":
        monkeypatch.setattr(module, "keep_values", lambda path: (_ for _ in ()).throw(OSError("disk full")))
    task = detection(
        store=str(store_folder), latents="sample:2", min_contexts=10, test_activating=10, test_nonactivating=10
    )
    with caplog.at_level(logging.WARNING):
        [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path), display="none")
    assert log.status == "success"
    assert Path(log.location + SUFFIX).exists() == (case == "on")
    assert ("disk full" in caplog.text) == (case == "cannot be written")
    if case == "on":
        monkeypatch.setattr(log_values, "summaries", lambda path: pytest.fail("the samples were read"))
        assert len(log_values.log_values(log.location)) == 2
