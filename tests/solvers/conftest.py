from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import Model

from inspect_autointerp.tasks import detection, multi_score

Explained = Callable[..., tuple[EvalLog, list[dict[str, Any]]]]


@pytest.fixture
def explained(store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Explained:
    """Runs detection on a few latents, and returns the log and the explanations in it."""
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))

    def run(
        by: str | Model = "inspect_autointerp/lexical", grader: Model | None = None, **options: Any
    ) -> tuple[EvalLog, list[dict[str, Any]]]:
        given = {"latents": "sample:3", "min_contexts": 10, "test_activating": 5, "test_nonactivating": 5} | options
        task: Task = (multi_score if "scores" in given else detection)(store=str(store_folder), **given)
        roles = {"grader": grader} if grader else None
        [log] = inspect_eval(task, model=by, model_roles=roles, log_dir=str(tmp_path), display="none")
        assert log.status == "success", log.error
        return log, [sample.metadata["explanation"] for sample in log.samples or []]

    return run
