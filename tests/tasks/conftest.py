"""Whatever a task writes agrees with itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from inspect_ai.log import list_eval_logs, read_eval_log

from inspect_autointerp.leaderboard.load.log_values import log_check
from inspect_autointerp.leaderboard.submit.recompute_statistics import compare_statistics


@pytest.fixture(autouse=True)
def _logs_agree_with_themselves(tmp_path: Path) -> Iterator[None]:
    """Check each finished log below `tmp_path` after a test, but for those that a test forged, which are named so."""
    yield
    for info in list_eval_logs(str(tmp_path)):
        if "forged" in Path(info.name).name:
            continue
        try:
            log = read_eval_log(info, header_only=True)
        except Exception:  # a test cut it
            continue
        if log.status == "success" and "inspect_autointerp" in (log.eval.metadata or {}):
            check = log_check(info.name)
            assert (check.contradictions, check.absent, check.edited) == ([], [], {}), info.name
            samples = (sample.model_dump() for sample in read_eval_log(info).samples or [])
            assert compare_statistics(samples).differences == [], info.name
