"""A log of several scores of the planted latents, made once, and its samples as Inspect has them in JSON."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import read_eval_log

SCORES_TESTED = ("detection", "fuzzing", "embedding", "intruder")


@pytest.fixture(scope="session")
def scored_log(planted_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a log of four latents, whose grader, the lexical provider, gives probabilities."""
    from inspect_autointerp.builtin import planted
    from inspect_autointerp.tasks import multi_score

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_AUTOINTERP_CACHE", str(planted_cache))
        store = str(planted.store_folder())
    task = multi_score(
        store=store,
        latents="sample:4",
        scores=",".join(SCORES_TESTED),
        test_activating=20,
        test_nonactivating=20,
        min_contexts=10,
        negatives="all",
        confidence=True,
    )
    folder = tmp_path_factory.mktemp("scored")
    [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(folder), display="none")
    assert log.status == "success"
    return log.location


@pytest.fixture(scope="session")
def _scored_samples(scored_log: str) -> list[dict[str, Any]]:
    return [sample.model_dump() for sample in read_eval_log(scored_log).samples or []]


@pytest.fixture
def samples(_scored_samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log's samples, for a test to change."""
    return deepcopy(_scored_samples)
