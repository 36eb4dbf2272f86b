"""The task as it is run, without any model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval

from inspect_autointerp.inspect_support.verdicts import LatentFacts, recorded_verdicts
from inspect_autointerp.scorers.example_embedding.statistics import example_embedding_statistics
from inspect_autointerp.tasks import example_embedding


def test_latents_of_the_packaged_store_are_above_chance_without_a_model(tmp_path: Path) -> None:
    [log] = inspect_eval(example_embedding(latents="sample:12"), log_dir=str(tmp_path), display="none")
    assert log.status == "success"
    values = []
    for sample in log.samples or []:
        score = (sample.scores or {})["example_embedding"]
        assert isinstance(score.value, dict)
        rows = recorded_verdicts(score.metadata)
        assert [row.kind for row in rows] == ["activating", "random"] * 20
        again = example_embedding_statistics(rows, LatentFacts())
        assert {name: round(value, 4) for name, value in again.items() if value == value} == {
            name: value for name, value in score.value.items() if value == value
        }
        assert score.answer is None
        assert (score.metadata or {})["grader"] == "tfidf"
        values.append(score.value["auroc"])
    assert np.mean(values) > 0.52


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"queries": 0}, r"queries must be at least 1, got 0", id="queries"),
        pytest.param({"embedder": " "}, r"embedder= : give tfidf, minilm", id="embedder"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_computed(options: dict[str, Any], message: str) -> None:
    from inspect_ai._util.error import PrerequisiteError

    with pytest.raises(PrerequisiteError, match=message):
        example_embedding(**options)
