"""Advice at the end of a run that was interrupted."""

import re
from asyncio import CancelledError
from importlib.metadata import version

import pytest
from inspect_ai.hooks import RunEnd
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec
from inspect_ai.model import GenerateConfig, ModelName

from inspect_autointerp.inspect_support.interruption_advice import ADVICE, is_interrupted

# Inspect has no public names for these.
from inspect_ai._display.core.display import TaskProfile  # isort: skip
from inspect_ai._display.core.results import task_interrupted  # isort: skip
from inspect_ai._eval.eval import EvalLogs  # isort: skip


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


@pytest.mark.parametrize(
    ("name", "file"), [("inspect_autointerp/detection", None), ("detection", "tasks/detection.py")]
)
def test_inspect_names_the_command_that_the_advice_speaks_of(name: str, file: str | None) -> None:
    # The advice leaves it to Inspect to name the log, and says what Inspect does not.
    profile = TaskProfile(
        name=name, file=file, model=ModelName("m/m"), agent=None, dataset="d", scorer="s", samples=5, steps=5,
        eval_config=EvalConfig(), task_args={}, generate_config=GenerateConfig(), tags=None,
        log_location="logs/x.eval", task_id="t", task_cancel=None,
    )  # fmt: skip
    [command] = re.findall(r"`(inspect [\w-]+)`", ADVICE)
    sentence = re.sub(r"\[.*?\]", "", str(task_interrupted(profile, 2)))
    assert f"Resume task with:\n\n{command} logs/x.eval" in sentence, (
        f"inspect_ai {version('inspect-ai')} ends an interrupted task with {sentence!r}: see interruption_advice.py"
    )
    assert "--cache" not in sentence, "Inspect now says it itself"
