"""Several scores of one explanation, and `inspect score` on a log that has explanations."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog, read_eval_log
from inspect_ai.model import ChatMessage, get_model
from tests.doubles import model

from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.tasks import detection, fuzzing, generation, multi_score, simulation
from inspect_autointerp.tasks.multi_score import score_names

JUDGED = ("detection", "fuzzing", "simulation", "intruder")

LEXICAL = "inspect_autointerp/lexical"
SMALL: dict[str, Any] = {"latents": "sample:3", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}


def run(task: Any, logs: Path, by: Any = LEXICAL) -> EvalLog:
    [log] = inspect_eval(task, model=by, log_dir=str(logs), display="none")
    assert log.status == "success"
    return log


def scores(log: EvalLog, name: str) -> dict[str, Any]:
    return {str(sample.id): (sample.scores or {})[name].value for sample in log.samples or []}


def test_each_latent_is_explained_once_whatever_the_scores(store_folder: Path, tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def answer(messages: list[ChatMessage]) -> str:
        asked["explain" if "\nExample 1: " in messages[-1].text else "grade"] += 1
        return "EXPLANATION: a word"

    log = run(multi_score(store=str(store_folder), **SMALL), tmp_path, by=model(answer))
    assert asked["explain"] == 3
    assert set((log.samples or [])[0].scores or {}) == set(JUDGED)
    assert log.results
    assert log.results.headline
    assert log.results.headline.scorer == "detection"


@pytest.mark.parametrize("alone", [detection, fuzzing, simulation])
def test_a_score_is_the_same_in_a_suite_and_by_itself(alone: Any, store_folder: Path, tmp_path: Path) -> None:
    name = alone.__name__
    names = [name, *(other for other in JUDGED if other != name)]
    together = run(
        multi_score(
            store=str(store_folder),
            scores=names,
            **SMALL,
        ),
        tmp_path,
    )
    apart = run(alone(store=str(store_folder), **SMALL), tmp_path)
    assert repr(scores(together, name)) == repr(scores(apart, name))
    [sample, *_] = together.samples or []
    [other] = [candidate for candidate in apart.samples or [] if candidate.id == sample.id]
    assert sample.scores
    assert other.scores
    assert sample.scores[name].metadata == other.scores[name].metadata


def test_all_are_all_and_a_score_by_the_subject_goes_along(store_folder: Path, tmp_path: Path) -> None:
    assert score_names("all") == [*SCORES]
    assert {"intervention", "generation"} < {*SCORES} - {*JUDGED}
    few: dict[str, Any] = {"store": str(store_folder), "latents": "sample:2", "min_contexts": 10}
    together = run(multi_score(scores="generation,embedding", **few), tmp_path)
    apart = run(generation(**few), tmp_path)
    assert repr(scores(together, "generation")) == repr(scores(apart, "generation"))
    assert together.results
    assert together.results.headline
    assert (together.results.headline.scorer, together.results.headline.metric) == ("generation", "mean")


@pytest.mark.parametrize("given", ["", "detection,bleu", "detection,detection"])
def test_scores_that_are_not_there_are_one_line(given: str, store_folder: Path) -> None:
    with pytest.raises(PrerequisiteError, match=rf"scores={given}: give judged, all, or some of detection, fuzzing"):
        multi_score(store=str(store_folder), scores=given)


def inspect_score(log: EvalLog, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inspect_ai", "score", log.location, "--action", "append", "--display", "plain"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def test_inspect_score_adds_a_score_by_another_grader(store_folder: Path, tmp_path: Path) -> None:
    log = run(detection(store=str(store_folder), **SMALL), tmp_path)
    whole = run(multi_score(store=str(store_folder), scores="fuzzing", **SMALL), tmp_path)
    done = inspect_score(
        log, "--scorer", "inspect_autointerp/fuzzing", "-S", f"store={store_folder}", "-S", "activating=10",
        "-S", "nonactivating=10", "-S", "min_contexts=10", "--model-role", f"grader={LEXICAL}",
        "--output-file", str(tmp_path / "more.eval"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    more = read_eval_log(str(tmp_path / "more.eval"))
    assert repr(scores(more, "fuzzing")) == repr(scores(whole, "fuzzing"))
    assert repr(scores(more, "detection")) == repr(scores(log, "detection"))
    [sample, *_] = more.samples or []
    assert sample.scores
    assert (sample.scores["fuzzing"].metadata or {})["grader"] == LEXICAL


def test_another_store_is_refused(store_folder: Path, planted_store: Path, tmp_path: Path) -> None:
    log = run(detection(store=str(store_folder), **SMALL), tmp_path, by=get_model(LEXICAL))
    other = ("-S", f"store={planted_store}", "--output-file", str(tmp_path / "more.eval"))
    done = inspect_score(log, "--scorer", "inspect_autointerp/fuzzing", *other)
    assert done.returncode != 0
    assert "was explained from" in done.stdout + done.stderr
