"""Several graders: planted ones of known error rates, failed answers, graders that never read the explanation."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model, ModelOutput, get_model
from tests.doubles import model, texts_of

from inspect_autointerp.inspect_support.compat import PrerequisiteError
from inspect_autointerp.leaderboard.analyse.graders import compare_graders
from inspect_autointerp.leaderboard.load.judgements import read_judgements
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.submit.recompute_statistics import compare_statistics
from inspect_autointerp.tasks import detection, fuzzing, multi_score, simulation

ORACLE = "inspect_autointerp/oracle"
SIZES = {"test_activating": 30, "test_nonactivating": 30, "texts_per_call": 30}
RATES = {1: 0.05, 2: 0.15, 3: 0.25}


def oracle(seed: int, error_rate: float) -> Model:
    return get_model(ORACLE, memoize=False, error_rate=error_rate, seed=seed)


def blind(name: str, seed: int) -> Model:
    """A grader that guesses, whatever it is shown."""
    rng = np.random.default_rng(seed)

    def answer(messages: list[ChatMessage]) -> str:
        return str(rng.integers(0, 2, len(texts_of(messages))).tolist())

    return model(answer, name)


def run(logs: Path, role: Any, make: Any = detection, latents: str = "0:6", **options: Any) -> EvalLog:
    task = make(store="planted", latents=latents, **SIZES | options)
    roles = {"grader": role} if role else None
    [log] = inspect_eval(task, model=ORACLE, model_roles=roles, log_dir=str(logs), display="none")
    assert log.status == "success"
    return log


def scores(log: EvalLog, name: str = "detection") -> list[Any]:
    return [sample.scores[name] for sample in log.samples or [] if sample.scores]


@pytest.mark.usefixtures("planted_store")
@pytest.mark.parametrize("make", [detection, fuzzing])
def test_planted_graders_have_their_error_rates(make: Any, tmp_path: Path) -> None:
    name = make.__name__
    log = run(tmp_path, [oracle(seed, rate) for seed, rate in RATES.items()], make, latents="all")
    for score in scores(log, name):
        graders = score.metadata["graders"]
        assert [set(one) >= {"name", "label", "values", "unscored_reasons"} for one in graders] == [True] * 3
        assert all(len(one["label"]) == len(score.metadata["verdicts"]["label"]) for one in graders)
    mean = np.mean([score.value["balanced_accuracy"] for score in scores(log, name)])
    own = [
        np.mean([score.metadata["graders"][i]["values"]["balanced_accuracy"] for score in scores(log, name)])
        for i in range(3)
    ]
    np.testing.assert_allclose(own, [1 - rate for rate in RATES.values()], atol=0.025)
    assert mean > own[1] + 0.05, "the best label follows the best grader, which the others cannot outvote"
    assert mean > own[0] - 0.02
    [compared] = compare_graders(read_judgements(read_results(str(tmp_path), alone=True)))
    rows = {row.name: row for row in compared.rows}
    for seed, rate in RATES.items():
        [row] = [row for name, row in rows.items() if f'"seed": {seed}' in name]
        assert row.misses.mean == pytest.approx(rate, abs=0.04)
        assert row.false_alarms.mean == pytest.approx(rate, abs=0.04)
        assert row.misses.low - 0.02 <= rate <= row.misses.high + 0.02
    assert rows["aggregate"].balanced_accuracy.mean >= max(own) - 0.02
    assert len(compared.pairs) == 3


@pytest.mark.usefixtures("planted_store")
def test_one_grader_is_recorded_as_before(tmp_path: Path) -> None:
    alone = run(tmp_path / "a", get_model(ORACLE, memoize=False))
    listed = run(tmp_path / "b", None, graders=[ORACLE])
    for one, other in zip(scores(alone), scores(listed), strict=True):
        assert repr(one.value) == repr(other.value)  # NaN is no equal of itself
        assert "graders" not in other.metadata
        assert repr(one.metadata) == repr(other.metadata)
        assert "graders" not in other.metadata["options"]
    assert all(score.metadata["grader"] == ORACLE for score in scores(listed))


@pytest.mark.usefixtures("planted_store")
def test_failed_answers_of_one_grader_leave_the_others(tmp_path: Path) -> None:
    def answer(messages: list[ChatMessage]) -> ModelOutput | str:
        return ModelOutput.from_content("mockllm/failing", "cut", stop_reason="max_tokens")

    graders = [oracle(1, 0.05), oracle(2, 0.05), oracle(4, 0.05), model(answer, "failing")]
    log = run(tmp_path, graders, latents="0:2")
    for score in scores(log):
        failing = score.metadata["graders"][3]
        assert failing["values"]["unscored"] == 1
        assert failing["values"]["balanced_accuracy"] is None
        assert set(failing["unscored_reasons"]) == {"truncated"}
        assert sum(failing["unscored_reasons"].values()) == 60
        assert score.value["unscored"] == 0
        assert score.value["balanced_accuracy"] > 0.9
        assert "labelled them: 60 of 3" in score.explanation
    [compared] = compare_graders(read_judgements(read_results(str(tmp_path), alone=True)))
    [row] = [row for row in compared.rows if row.name.startswith("mockllm")]
    assert row.unscored == 1
    assert np.isnan(row.misses.mean)


@pytest.mark.usefixtures("planted_store")
def test_contexts_that_no_grader_labels_are_unscored(tmp_path: Path) -> None:
    def answer(messages: list[ChatMessage]) -> ModelOutput | str:
        return ModelOutput.from_content("mockllm/failing", "", stop_reason="content_filter")

    log = run(tmp_path, [model(answer, name) for name in "abc"], latents="0:2")
    for score in scores(log):
        assert score.value["unscored"] == 1
        assert set(score.metadata["unscored_reasons"]) == {"refusal"}


@pytest.mark.usefixtures("planted_store")
def test_blind_graders_stay_at_chance_together(tmp_path: Path) -> None:
    log = run(tmp_path, [blind("a", 1), blind("b", 2), blind("c", 3)], latents="all", test_activating=50)
    values = [score.value["balanced_accuracy"] for score in scores(log)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)


@pytest.mark.usefixtures("planted_store")
def test_an_empty_explanation_is_at_chance_with_several(tmp_path: Path) -> None:
    graders = [oracle(seed, rate) for seed, rate in RATES.items()]
    log = run(tmp_path, graders, latents="all", explainer="empty")
    values = [score.value["balanced_accuracy"] for score in scores(log)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)


@pytest.mark.usefixtures("planted_store")
@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (detection, {"graders": f"{ORACLE},inspect_autointerp/lexical"}, "needs three or more"),
        (detection, {"graders": [ORACLE, ORACLE, "mockllm/model"]}, "given twice"),
        (detection, {"graders": "a/b,,c/d"}, "a name is empty"),
        (detection, {"graders": "a/b,c/d,e/f", "grader": "a/b"}, "give one of the two"),
        (multi_score, {"graders": f"{ORACLE},inspect_autointerp/lexical,mockllm/model"}, "simulation, intruder asks"),
    ],
)
def test_graders_that_cannot_be_joined_are_refused(make: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerequisiteError, match=re.escape(message)):
        make(store="planted", latents="0:2", **options)


@pytest.mark.usefixtures("planted_store")
def test_a_score_that_asks_one_refuses_a_role_of_several(tmp_path: Path) -> None:
    task = simulation(store="planted", latents="0:2")
    roles = {"grader": [oracle(1, 0), oracle(2, 0), oracle(3, 0)]}
    [log] = inspect_eval(task, model=ORACLE, model_roles=roles, log_dir=str(tmp_path), display="none")
    assert log.status == "error"
    assert log.error
    assert "3 graders" in log.error.message


@pytest.mark.usefixtures("planted_store")
def test_labels_that_graders_did_not_give_are_noticed(tmp_path: Path) -> None:
    log = run(tmp_path, [oracle(seed, rate) for seed, rate in RATES.items()], latents="0:2")
    samples = [sample.model_dump() for sample in log.samples or []]
    assert compare_statistics(samples).differences == []
    own = samples[0]["scores"]["detection"]["metadata"]["graders"][1]
    own["label"] = [1 - label for label in own["label"]]
    lines = compare_statistics(samples).differences
    assert any("not those that its graders' labels give" in line for line in lines)
    assert any("balanced_accuracy of the grader" in line for line in lines)


@pytest.mark.usefixtures("planted_store")
def test_logs_of_other_graders_are_joined_by_context(tmp_path: Path) -> None:
    graders = [oracle(seed, rate) for seed, rate in RATES.items()]
    first = run(tmp_path, graders[0])
    for grader in graders[1:]:
        run(tmp_path, grader, explanations=first.location)
    run(tmp_path, graders[1], explainer="empty")
    [compared] = compare_graders(read_judgements(read_results(str(tmp_path), alone=True)))
    assert [row.contexts for row in compared.rows] == [360] * 4
    assert compared.alpha.n == 360
    assert {pair.contexts for pair in compared.pairs} == {360}
