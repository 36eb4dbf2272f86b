"""The task as it is run; what questions give away is tested in tests/scorers/test_lineups.py."""

from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model, ModelOutput, get_model
from tests.doubles import Answer, model

from inspect_autointerp.builtin.planted.latents import LATENTS
from inspect_autointerp.inspect_support.answer_reasons import by_main_reason
from inspect_autointerp.scorers.intruder.statistics import KEYS
from inspect_autointerp.tasks import detection, intruder

LEXICAL, ORACLE = "inspect_autointerp/lexical", "inspect_autointerp/oracle"


def run(contexts: Path | str, logs: Path, by: str | Model, grader: Model | None = None, **options: Any) -> EvalLog:
    task = intruder(store=str(contexts), **options)
    roles = {"grader": grader} if grader else None
    [log] = inspect_eval(task, model=by, model_roles=roles, log_dir=str(logs), display="none")
    assert log.status == "success"
    return log


def values(log: EvalLog) -> list[dict]:
    return [sample.scores["intruder"].value for sample in log.samples or [] if sample.scores]  # type: ignore[misc]


def test_the_lexical_provider_answers_and_the_log_says_who_did(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, LEXICAL, latents="sample:12")
    assert all(list(value) == KEYS for value in values(log))
    assert any(value["unscored"] == 0 for value in values(log))
    assert log.results
    assert log.results.headline
    assert log.results.headline.score == "intruder"
    assert (log.eval.metadata or {})["grader"] == "none given: the main model, which explains nothing, grades"
    [score, *_] = [sample.scores["intruder"] for sample in log.samples or [] if sample.scores]
    assert (score.metadata or {})["grader"] == LEXICAL
    assert (score.metadata or {})["options"] == {
        **{"questions": 5, "threshold": 0.3},
        **{"window": None, "negatives": "random", "min_contexts": 20, "seed": 0},
    }
    assert log.eval.viewer
    view = log.eval.viewer.task_samples_view
    view = view[0] if isinstance(view, list) else view
    assert view
    assert {key: scale.min for key, scale in (view.score_color_scales or {}).items()}["accuracy_decile_3"] == 0.2  # type: ignore[union-attr]


def test_an_oracle_finds_every_intruder(planted_store: Path, tmp_path: Path) -> None:
    log = run("planted", tmp_path, get_model(ORACLE, memoize=False), latents="all", questions=1)
    assert [value["accuracy"] for value in values(log)] == [1.0] * len(LATENTS)
    assert all(value[f"accuracy_decile_{i}"] == 1 for value in values(log) for i in range(1, 11))
    assert all(value["unscored"] == 0 for value in values(log))


def test_an_oracle_that_errs_loses_its_error_rate(planted_store: Path, tmp_path: Path) -> None:
    rate = 0.3
    grader = get_model(ORACLE, memoize=False, error_rate=rate)
    log = run("planted", tmp_path, get_model(LEXICAL), grader, latents="all")
    accuracies = np.array([value["accuracy"] for value in values(log)])
    # 24 latents of 20 questions, no text in two of a latent's: a standard error of √(e (1 − e) / 480).
    assert abs(accuracies.mean() - (1 - rate)) < 3 * (rate * (1 - rate) / 480) ** 0.5
    assert log.results
    [metrics] = [score.metrics for score in log.results.scores]
    assert metrics["ci_low"].value <= 1 - rate <= metrics["ci_high"].value
    [score, *_] = [sample.scores["intruder"] for sample in log.samples or [] if sample.scores]
    assert (score.metadata or {})["grader"] == f'{ORACLE} {{"error_rate": {rate}}}'


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("I cannot help with that.", "invalid_response_format", id="nonsense"),
        pytest.param("2 or 3", "invalid_response_format", id="two answers"),
        pytest.param("6", "invalid_response_format", id="no such text"),
        pytest.param(ModelOutput.from_content("m", "", stop_reason="content_filter"), "refusal", id="refusal"),
        pytest.param(ModelOutput.from_content("m", "Text 3", stop_reason="max_tokens"), "truncated", id="truncated"),
        pytest.param(ValueError("gone"), "provider_error: ValueError", id="provider"),
    ],
)
def test_unusable_answer_is_asked_again_then_unscored(
    answer: Answer, reason: str, planted_store: Path, tmp_path: Path
) -> None:
    calls: list[int] = []

    def answers(messages: list[ChatMessage]) -> Answer:
        calls.append(len(messages))
        return answer

    log = run("planted", tmp_path, model(answers), latents="3", questions=1)
    [value] = values(log)
    assert isnan(value["accuracy"])
    assert value["unscored"] == 1
    assert len(calls) == 2 * 10
    [score] = [sample.scores["intruder"] for sample in log.samples or [] if sample.scores]
    assert score.reason == reason
    assert by_main_reason((score.metadata or {})["unscored_reasons"]) == {reason: 10}


def test_what_was_wrong_is_said_once_and_a_second_answer_counts(planted_store: Path, tmp_path: Path) -> None:
    questions: list[str] = []

    def answers(messages: list[ChatMessage]) -> str:
        questions.append(messages[-1].text)
        return "Text 4" if "cannot be used" in messages[-1].text else "2 or 3"

    [value] = values(run("planted", tmp_path, model(answers), latents="3"))
    assert value["unscored"] == 0
    again = [text for text in questions if "cannot be used" in text]
    assert len(again) == 20
    assert again[0].endswith("Answer again with one number from 1 to 5 and nothing else.")


def test_decile_with_too_few_contexts_is_unscored(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, model(lambda _: "1"), latents="all", min_contexts=1)
    scores = [sample.scores["intruder"] for sample in log.samples or [] if sample.scores]
    few = [score for score in scores if score.reason == "too_few_contexts"]
    assert 0 < len(few) < len(scores)
    assert all(score.value["unscored"] == 1 and isnan(score.value["accuracy"]) for score in few)  # type: ignore[index,call-overload,arg-type]


def test_the_latents_are_those_of_the_other_tasks(store_folder: Path) -> None:
    both = [task(store=str(store_folder), latents="sample:5", seed=3) for task in (detection, intruder)]
    assert [sample.id for sample in both[0].dataset] == [sample.id for sample in both[1].dataset]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"threshold": 1.5}, r"threshold must be in \(0, 1\], got 1.5", id="threshold"),
        pytest.param({"questions": 0}, r"questions must be at least 1, got 0", id="questions"),
        pytest.param({"store": "/nowhere"}, r"/nowhere: no such context store", id="store"),
    ],
)
def test_a_mistake_is_one_line_before_any_model_call(options: dict[str, Any], message: str, store_folder: Path) -> None:
    from inspect_ai._util.error import PrerequisiteError

    with pytest.raises(PrerequisiteError, match=message):
        arguments: dict[str, Any] = {"store": str(store_folder)} | options
        intruder(**arguments)
