"""Tasks whose scores ask no grader."""

from collections.abc import Callable
from pathlib import Path

import pytest
from inspect_ai import Task

from inspect_autointerp import evaluation
from inspect_autointerp.tasks import embedding, intervention, surprisal


@pytest.mark.parametrize("no_model", [True, False])
@pytest.mark.parametrize("task", [embedding, intervention, surprisal])
def test_the_log_does_not_name_a_grader(
    task: Callable[..., Task], no_model: bool, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "_no_model_given", lambda: no_model)
    made = task(contexts=str(store_folder), latents="sample:2", min_contexts=5)
    assert made.metadata
    assert made.metadata["grader"].startswith("none: ")
    assert not made.model_roles
