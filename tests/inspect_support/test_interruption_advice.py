"""Advice at the end of a run that was interrupted."""

from asyncio import CancelledError

import pytest
from inspect_ai.hooks import RunEnd
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec

from inspect_autointerp.inspect_support.interruption_advice import is_interrupted

from inspect_ai._eval.eval import EvalLogs  # isort: skip - Inspect has no public name for it


@pytest.mark.parametrize(
    ("status", "exception", "expected"),
    [
        ("cancelled", None, True),
        ("error", None, True),
        ("success", None, False),
        (None, None, True),
        (None, KeyboardInterrupt(), True),
        (None, CancelledError(), True),
        (None, ValueError(), False),
    ],
)
def test_interrupted_run_is_known_by_logs_or_exception(
    status: str | None, exception: BaseException | None, expected: bool
) -> None:
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00", task="t", dataset=EvalDataset(), config=EvalConfig(), model="m/m"
    )
    logs = EvalLogs([EvalLog(eval=spec, status=status)] if status else [])  # type: ignore[arg-type]
    assert is_interrupted(RunEnd(eval_set_id=None, run_id="r", exception=exception, logs=logs)) == expected
