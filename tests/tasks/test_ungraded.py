"""Tasks that ask no model, or none yet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval

from inspect_autointerp.tasks import detection, embedding, intervention, surprisal


def test_a_task_made_before_an_evaluation_leaves_the_model_to_it(store_folder: Path, tmp_path: Path) -> None:
    options: Any = {"store": str(store_folder), "latents": "sample:1", "min_contexts": 10, "explainer": "empty"}
    inspect_eval(detection(**options), model="none/none", log_dir=str(tmp_path), display="none")
    assert detection(**options).model is None, "what the evaluation before had is not asked for"


@pytest.mark.parametrize("task", [embedding, intervention, surprisal])
def test_the_log_does_not_name_a_grader(task: Callable[..., Task], store_folder: Path) -> None:
    made = task(store=str(store_folder), latents="sample:2", min_contexts=5)
    assert made.metadata
    assert made.metadata["grader"].startswith("none: ")
    assert not made.model_roles
