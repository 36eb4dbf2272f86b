"""The task as it is run; what questions show and give away is tested in tests/scorers/test_discrimination.py."""

from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, ModelOutput, get_model
from tests.doubles import Answer, model

from inspect_autointerp.inspect_support.verdicts import recorded_verdicts
from inspect_autointerp.scorers.discrimination.statistics import discrimination_statistics
from inspect_autointerp.tasks import discrimination, multi_score

LEXICAL, ORACLE = "inspect_autointerp/lexical", "inspect_autointerp/oracle"
NO_NEIGHBOURS = "layers.12.mlp.down_proj:input"
"""The packaged store's neurons, which have no directions that were compared."""


def run(logs: Path, by: str | Model, grader: Model | None = None, **options: Any) -> EvalLog:
    roles = {"grader": grader} if grader else None
    [log] = inspect_eval(discrimination(**options), model=by, model_roles=roles, log_dir=str(logs), display="none")
    assert log.status == "success"
    return log


def mean(log: EvalLog, statistic: str = "recall_at_1") -> float:
    values = [sample.scores["discrimination"].value[statistic] for sample in log.samples or [] if sample.scores]  # type: ignore[index,call-overload]
    return float(np.mean(np.array(values, dtype=np.float64)))


def test_planted_explanations_are_ranked_as_they_are_true(planted_store: Path, tmp_path: Path) -> None:
    runs = {
        sort: run(
            tmp_path, get_model(ORACLE, memoize=False, explanation=sort), store="planted", latents="all", questions=4,
            texts=2,
        )
        for sort in ("true", "too_broad", "wrong")
    }  # fmt: skip
    recall = {sort: mean(log) for sort, log in runs.items()}
    collisions = {sort: mean(log, "collision") for sort, log in runs.items()}
    assert recall["true"] == 1
    assert recall["true"] > recall["too_broad"] + 0.2 > recall["wrong"] + 0.3
    assert collisions["true"] == 0 < collisions["too_broad"] < collisions["wrong"]


def test_packaged_store_tells_an_explanation_from_a_shuffled_one(tmp_path: Path) -> None:
    options: dict[str, Any] = {"latents": "sample:25", "questions": 5, "texts": 3}
    own = run(tmp_path, LEXICAL, **options)
    floors = [run(tmp_path, LEXICAL, explainer=explainer, **options) for explainer in ("shuffled", "empty")]
    assert mean(own) > 0.4
    assert all(mean(floor) < 0.35 for floor in floors)
    assert mean(floors[1], "mrr") == pytest.approx(137 / 300, abs=1e-3), (
        "an empty explanation ranks none before another"
    )
    for sample in own.samples or []:
        score = (sample.scores or {})["discrimination"]
        rows = recorded_verdicts(score.metadata)
        assert len(rows) == 5 * 5 * 3
        again = discrimination_statistics(rows)
        assert isinstance(score.value, dict)
        assert {name: round(value, 4) for name, value in again.items()} == score.value
        assert all((row.neighbour is None) == (row.kind == "activating") for row in rows)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("I cannot help with that.", "invalid_response_format", id="nonsense"),
        pytest.param("2 or 3", "invalid_response_format", id="two answers"),
        pytest.param(ModelOutput.from_content("m", "", stop_reason="content_filter"), "refusal", id="refusal"),
        pytest.param(ModelOutput.from_content("m", "3", stop_reason="max_tokens"), "truncated", id="truncated"),
    ],
)
def test_unusable_answer_is_unscored_with_its_reason(answer: Answer, reason: str, tmp_path: Path) -> None:
    log = run(tmp_path, LEXICAL, model(lambda _: answer), latents="sample:1", questions=2)
    assert isnan(mean(log))
    assert mean(log, "unscored") == 1
    [score] = [sample.scores["discrimination"] for sample in log.samples or [] if sample.scores]
    assert score.reason == reason


def test_neurons_without_neighbours_are_compared_with_random_ones(tmp_path: Path) -> None:
    log = run(tmp_path, LEXICAL, hookpoint=NO_NEIGHBOURS, latents="sample:2", candidates="random", questions=3)
    assert mean(log, "unscored") == 0
    log = run(tmp_path, LEXICAL, latents="sample:2", marks=False, others=2, questions=2)
    assert mean(log, "unscored") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"questions": 0}, r"questions must be at least 1, got 0", id="questions"),
        pytest.param({"others": 9}, r"others must be at most 8, so that .*; got 9", id="others"),
        pytest.param({"candidates": "near"}, r"candidates=near: .* give one of neighbours, random", id="candidates"),
        pytest.param({"hookpoint": NO_NEIGHBOURS}, r"no neighbours at .*; or give -T candidates=random", id="neurons"),
    ],
)
def test_a_mistake_is_one_line_before_any_model_call(options: dict[str, Any], message: str) -> None:
    from inspect_ai._util.error import PrerequisiteError

    with pytest.raises(PrerequisiteError, match=message):
        discrimination(**options)
    if "hookpoint" in options:
        with pytest.raises(PrerequisiteError, match=message):
            multi_score(scores="discrimination", **options)


def test_default_scores_of_multi_score_leave_it_out() -> None:
    names = (multi_score(latents="sample:1").metadata or {})["scores"]
    assert not any(name.startswith("discrimination") for name in names)
