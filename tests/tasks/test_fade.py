"""FADE on a subject with planted causes: latents that fire on known words, and raise them when steered."""

import json
from math import isnan
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model, ModelOutput
from tests.doubles import model, texts_of
from tests.planted_subject import WORDS, Planted

from inspect_autointerp.leaderboard.submit.recompute_statistics import compare_statistics
from inspect_autointerp.scorers.fade.statistics import KEYS
from inspect_autointerp.tasks import fade

LEXICAL = "inspect_autointerp/lexical"
FOUR = ("clarity", "responsiveness", "purity", "faithfulness")
LATENTS = 4


def write(path: Path, shift: int) -> Path:
    """Explanations of each latent: its words, or with a shift those of another one."""
    rows: list[dict[str, Any]] = []
    for index in range(LATENTS):
        listed = ", ".join(f'"{word}" (10)' for word in WORDS[(index + shift) % len(WORDS)])
        rows.append({"index": index, "explanation": f"texts with {listed}"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(planted: Planted, logs: Path, shift: int = 0, grader: Model | str = LEXICAL, **options: Any) -> EvalLog:
    logs.mkdir(exist_ok=True)
    options = {"test_activating": 40, "test_nonactivating": 40, "steered_prompts": 8, "new_tokens": 6} | options
    explanations = {} if "explainer" in options else {"explanations": str(write(logs / "file.jsonl", shift))}
    task = fade(store=str(planted.store), latents=f"0:{LATENTS}", **explanations, **options)
    [log] = inspect_eval(task, model=LEXICAL, model_roles={"grader": grader}, log_dir=str(logs), display="none")
    assert log.status == "success", log.error
    return log


def scores(log: EvalLog) -> list[Any]:
    return [sample.scores["fade"] for sample in log.samples or [] if sample.scores]


def values(log: EvalLog, key: str) -> np.ndarray:
    return np.array([score.value[key] for score in scores(log)])


@pytest.fixture(scope="module")
def true(planted_cause: Planted, tmp_path_factory: pytest.TempPathFactory) -> EvalLog:
    return run(planted_cause, tmp_path_factory.mktemp("true"))


def test_true_explanations_beat_wrong_ones_in_all_four(true: EvalLog, planted_cause: Planted, tmp_path: Path) -> None:
    wrong = run(planted_cause, tmp_path, shift=1)
    for key in (*FOUR, "responsiveness_signed", "clarity_signed", "faithfulness_held_out"):
        assert (values(true, key) > values(wrong, key) + 0.2).all(), (key, values(true, key), values(wrong, key))
    assert (values(true, "responsiveness") > 0.9).all()
    assert (values(true, "purity") > 0.9).all()
    assert (values(true, "clarity") > 0.6).all()
    assert (values(true, "faithfulness") > 0.8).all()
    assert (np.abs(values(wrong, "purity") - values(wrong, "purity_chance")) < 0.2).all()
    for score in scores(true):
        assert list(score.value) == KEYS
        assert score.value["unscored"] == 0
        assert score.metadata["grader"] == f"{LEXICAL}; texts by {LEXICAL}, the explainer"
        for title in ("RATED 2 · clearly", "WRITTEN FROM THE EXPLANATION", "STEERED · factor"):
            assert title in score.explanation
    assert true.results
    assert true.results.headline
    assert true.results.headline.score == "fade"


def test_statistics_are_those_of_the_verdicts_in_the_log(true: EvalLog) -> None:
    result = compare_statistics([sample.model_dump() for sample in true.samples or []])
    assert (result.differences, result.n_latents) == ([], {"fade": LATENTS})
    for score in scores(true):
        columns = score.metadata["verdicts"]
        kinds = [columns["kind"].count(kind) for kind in ("activating", "random", "active", "steered")]
        assert kinds == [40, 40, 10, 8 * 7], "six factors, and without steering"


def test_a_grader_that_never_reads_the_explanation_is_at_zero(planted_cause: Planted, tmp_path: Path) -> None:
    def blind(messages: list[ChatMessage]) -> str:
        texts = texts_of(messages)  # the ratings depend on the whole call: strong steering often writes the same text
        return str([crc32(f"{i}{text}{texts}".encode()) // 7 % 3 for i, text in enumerate(texts)])

    log = run(planted_cause, tmp_path, grader=model(blind), test_activating=100, test_nonactivating=100)
    assert abs(values(log, "responsiveness_signed").mean()) < 0.15
    assert (np.abs(values(log, "purity") - values(log, "purity_chance")) < 0.15).all()
    assert abs(values(log, "faithfulness_held_out").mean()) < 0.2


def test_empty_explanation_has_no_texts_that_are_rated_2(planted_cause: Planted, tmp_path: Path) -> None:
    log = run(planted_cause, tmp_path, explainer="empty")
    for key in ("responsiveness", "responsiveness_signed", "purity"):
        assert np.isnan(values(log, key)).all(), key
    assert (values(log, "rated_2") == 0).all()
    assert (values(log, "faithfulness") == 0).all()
    assert (values(log, "clarity_signed") < 0.1).all()


def test_without_the_subject_two_numbers_are_left(planted_cause: Planted, tmp_path: Path) -> None:
    away = planted_cause.subject.with_name("away")
    planted_cause.subject.rename(away)
    try:
        log = run(planted_cause, tmp_path / "away")
    finally:
        away.rename(planted_cause.subject)
    for score in scores(log):
        assert score.value["responsiveness"] > 0.9
        assert score.value["purity"] > 0.9
        assert isnan(score.value["clarity"])
        assert isnan(score.value["faithfulness"])
        assert "subject" in score.metadata["undefined"]["clarity"]
        assert "steering" in score.metadata["undefined"]["faithfulness"]
        assert "UNDEFINED · faithfulness" in score.explanation
    log = run(planted_cause, tmp_path / "off", subject=False)
    assert {score.metadata["undefined"]["clarity"] for score in scores(log)} == {"subject=false"}
    assert {score.metadata["grader"] for score in scores(log)} == {LEXICAL}


def test_answers_that_cannot_be_read_are_unscored(planted_cause: Planted, tmp_path: Path) -> None:
    refused = ModelOutput.from_content("mockllm/model", "No.", stop_reason="content_filter")
    hostile: list[str | ModelOutput | Exception] = ["[3, 3]", "x" * 100_000, refused, ValueError("down")]

    def answer(messages: list[ChatMessage]) -> str | ModelOutput | Exception:
        return hostile[crc32(messages[-1].text.encode()) % len(hostile)]

    for score in scores(run(planted_cause, tmp_path, grader=model(answer), subject=False)):
        assert score.value["unscored"] == 1
        assert all(isnan(score.value[key]) for key in KEYS if key != "unscored")
        assert score.reason
        assert sum(score.metadata["unscored_reasons"].values()) == 80


def test_each_unscored_steered_text_has_its_reason(planted_cause: Planted, tmp_path: Path) -> None:
    small = {"test_activating": 5, "test_nonactivating": 5, "steered_prompts": 2, "new_tokens": 2}
    for score in scores(run(planted_cause, tmp_path, grader=model(lambda messages: "no list"), **small)):
        columns = score.metadata["verdicts"]
        assert columns["kind"].count("steered") == 2 * 7, "each prompt without steering and at six factors"
        assert sum(score.metadata["unscored_reasons"].values()) == len([*filter(None, columns["reason"])]) >= 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts": 0}, "texts must be at least 1, got 0"),
        ({"steered_prompts": 0}, "steered_prompts must be at least 1, got 0"),
        ({"texts_per_call": 0}, "texts_per_call must be at least 1, got 0"),
    ],
)
def test_numbers_below_one_are_refused(options: dict[str, Any], message: str, planted_cause: Planted) -> None:
    with pytest.raises(PrerequisiteError, match=message):
        fade(store=str(planted_cause.store), **options)
