"""The task as it is run: explainer, grader, log. The subject is random, so only blind graders have a known score."""

import re
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model
from tests.doubles import model, texts_of

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.answer_reasons import by_main_reason
from inspect_autointerp.scorers.shared.classification import KEYS
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.tasks import detection

LEXICAL = "inspect_autointerp/lexical"


def run(store: Path, logs: Path, *, by: str | Model = LEXICAL, grader: Model | None = None, **options: Any) -> EvalLog:
    options = {"latents": "sample:6", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10} | options
    roles = {"grader": grader} if grader else None
    task = detection(store=str(store), **options)
    return inspect_eval(task, model=by, model_roles=roles, log_dir=str(logs), display="none")[0]


def values(log: EvalLog) -> list[dict]:
    return [sample.scores["detection"].value for sample in log.samples or [] if sample.scores]  # type: ignore[misc]


def test_a_run_explains_and_grades_every_latent(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, grader=model(lambda messages: str([1] * len(texts_of(messages)))))
    assert log.status == "success"
    assert log.samples
    for sample in log.samples:
        assert re.fullmatch(r"layers\.1/\d+", str(sample.id))
        assert sample.metadata["explanation"]["text"].startswith("texts with ")
        assert sample.scores
        assert list(sample.scores["detection"].value) == KEYS  # type: ignore[arg-type]
    assert log.results
    assert log.results.headline
    assert (log.results.headline.score, log.results.headline.metric) == ("detection", "mean")
    [score] = log.results.scores
    assert list(score.metrics) == ["mean", "ci_low", "ci_high", "auroc", "unscored"]
    assert score.metrics["mean"].value == pytest.approx(np.mean([value["balanced_accuracy"] for value in values(log)]))
    assert np.isnan(score.metrics["auroc"].value), "this grader tells no probabilities"
    assert (log.eval.metadata or {})["store"]


def says_one(texts: list[str]) -> list[int]:
    return [1 for _ in texts]


def by_place(texts: list[str]) -> list[int]:
    return [i % 2 for i, _ in enumerate(texts)]


def first_half(texts: list[str]) -> list[int]:
    return [int(i < len(texts) / 2) for i, _ in enumerate(texts)]


def by_length(texts: list[str]) -> list[int]:
    return [int(len(text) > np.median([len(other) for other in texts])) for text in texts]


def by_hash(texts: list[str]) -> list[int]:
    return [sum(text.encode()) % 2 for text in texts]


@pytest.mark.parametrize(
    "blind", [says_one, by_place, first_half, by_length, by_hash], ids=lambda blind: blind.__name__
)
def test_a_grader_that_never_reads_the_explanation_scores_one_half(blind, store_folder: Path, tmp_path: Path) -> None:
    log = run(
        store_folder,
        tmp_path,
        grader=model(lambda messages: str(blind(texts_of(messages)))),
        by=model(lambda _: "EXPLANATION: something"),
        latents="all",
        test_activating=60,
        test_nonactivating=60,
        texts_per_call=20,
    )
    scores = np.array([value["balanced_accuracy"] for value in values(log)])
    assert len(scores) >= 10
    # Of n latents the mean has a standard error of at most √(0.25 / n⁺ + 0.25 / n⁻) / 2 / √n; contexts overlap between
    # latents of one corpus, which the spread over latents does not show, so a floor stands beside it.
    error = max(scores.std() / len(scores) ** 0.5, 0.01)
    assert abs(scores.mean() - 0.5) < 3 * error


def test_blind_graders_are_at_chance_on_harder_negatives(store_folder: Path, tmp_path: Path) -> None:
    log = run(
        store_folder,
        tmp_path,
        grader=model(lambda messages: str(by_hash(texts_of(messages)))),
        by=model(lambda _: "EXPLANATION: something"),
        latents="all",
        negatives="neighbours",
        test_activating=60,
        test_nonactivating=60,
        texts_per_call=20,
    )
    defined = [value for value in values(log) if not isnan(value["balanced_accuracy_neighbours"])]
    assert list(defined[0]) == SCORES["detection"].statistics(["neighbours"])
    for key in ("balanced_accuracy", "balanced_accuracy_neighbours"):
        scores = np.array([value[key] for value in defined])
        assert len(scores) >= 10
        assert abs(scores.mean() - 0.5) < 3 * max(scores.std() / len(scores) ** 0.5, 0.01)
    assert log.results
    [metrics] = [score.metrics for score in log.results.scores]
    assert list(metrics) == ["mean", "ci_low", "ci_high", "auroc", "unscored"], "few, whatever kinds are tested on"


def test_random_contexts_do_not_depend_on_other_kinds(store_folder: Path, tmp_path: Path) -> None:
    grader = model(lambda messages: str(by_hash(texts_of(messages))))
    plain, hard = (values(run(store_folder, tmp_path, grader=grader, negatives=n)) for n in ("random", "all"))
    for one, other in zip(plain, hard, strict=True):
        assert list(one) == KEYS
        assert {key: other[key] for key in ("balanced_accuracy", "tpr", "tnr", "f1")} == {
            key: one[key] for key in ("balanced_accuracy", "tpr", "tnr", "f1")
        }
        assert "tnr_neighbours" in other


def test_a_latent_with_too_few_of_a_kind_is_undefined_there_and_counted(store_folder: Path, tmp_path: Path) -> None:
    grader = model(lambda messages: str(says_one(texts_of(messages))))
    log = run(store_folder, tmp_path, grader=grader, negatives="neighbours", min_contexts=11)
    assert all(isnan(value["balanced_accuracy_neighbours"]) for value in values(log))
    assert all(value["balanced_accuracy"] == 0.5 for value in values(log))
    score = ((log.samples or [])[0].scores or {})["detection"]
    assert (score.metadata or {})["too_few_contexts"]["neighbours"] <= 10


@pytest.mark.parametrize("window", [None, 16])
def test_an_oracle_scores_one(store_folder: Path, tmp_path: Path, window: int | None) -> None:
    from inspect_autointerp.contexts.sampler import LatentContexts
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.text.render import visible

    store = Store(store_folder, window=window)

    def active(latent: str) -> set[str]:
        hookpoint, _, index = latent.rpartition("/")
        tests = LatentContexts(store, store.at(hookpoint).latent(int(index))).activating("test")
        return {visible(context.text) for context in tests}

    def grade(messages: list[ChatMessage]) -> str:
        latent = messages[-1].text.split("\n")[0].removeprefix("Explanation: ")
        return str([int(text in active(latent)) for text in texts_of(messages)])

    log = run(
        store_folder,
        tmp_path,
        by=model(lambda _: "EXPLANATION: x"),
        grader=model(grade),
        latents="sample:1",
        window=window,
    )
    assert log.eval.model == "mockllm/model", "a given model always wins"
    latent = str((log.samples or [])[0].id)
    index = int(latent.rpartition("/")[2])
    log = run(
        store_folder,
        tmp_path,
        by=model(lambda _: f"EXPLANATION: {latent}"),
        grader=model(grade),
        latents=index,
        window=window,
    )
    assert values(log)[0]["balanced_accuracy"] == 1.0
    assert values(log)[0]["f1"] == pytest.approx(1.0)
    assert (log.eval.metadata or {})["store"] == store.digest


def test_a_missing_explanation_is_asked_for_again_and_then_unscored(store_folder: Path, tmp_path: Path) -> None:
    asked: list[int] = []

    def explain(messages: list[ChatMessage]) -> str:
        asked.append(len(messages))
        return "I would rather not."

    log = run(store_folder, tmp_path, by=model(explain), grader=model(lambda _: "[]"))
    assert len(asked) == 2 * len(log.samples or [])
    for sample in log.samples or []:
        score = (sample.scores or {})["detection"]
        assert isinstance(score.value, dict)
        assert isnan(float(score.value["balanced_accuracy"]))  # type: ignore[arg-type]
        assert score.value["unscored"] == 1.0
        assert score.reason == "invalid_response_format"
    assert log.results
    metrics = log.results.scores[0].metrics
    assert metrics.pop("unscored").value == 1
    assert all(isnan(metric.value) for metric in metrics.values()), "undefined is NaN, never 0"


def test_nonsense_answers_leave_everything_unscored(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, grader=model(lambda _: "maybe"))
    assert log.status == "success"
    assert all(value["unscored"] == 1.0 and isnan(value["balanced_accuracy"]) for value in values(log))
    score = ((log.samples or [])[0].scores or {})["detection"]
    assert score.metadata
    counts = score.metadata["unscored_reasons"]
    assert by_main_reason(counts) == {"invalid_response_format": 20}
    assert any(reason.startswith("invalid_response_format: it holds ") for reason in counts)


def test_without_a_grader_the_log_says_that_the_explainer_graded_itself(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path)
    assert (log.eval.metadata or {})["grader"] == "none given: the explainer grades itself"
    score = ((log.samples or [])[0].scores or {})["detection"]
    assert score.metadata
    assert score.metadata["grader"] == f"{LEXICAL}, which graded itself"
    assert not log.eval.model_roles


def test_confidences_give_an_auroc_without_log_probabilities(store_folder: Path, tmp_path: Path) -> None:
    sure = model(lambda messages: str([len(text) % 101 for text in texts_of(messages)]))
    assert all(not isnan(value["auroc"]) for value in values(run(store_folder, tmp_path, grader=sure, confidence=True)))
    hard = model(lambda messages: str([len(text) % 2 for text in texts_of(messages)]))
    assert all(isnan(value["auroc"]) for value in values(run(store_folder, tmp_path, grader=hard)))


def test_shuffled_explanations_are_another_latents(store_folder: Path, tmp_path: Path) -> None:
    own = run(store_folder, tmp_path)
    shuffled = run(store_folder, tmp_path, explainer="shuffled")
    written = {str(s.id): s.metadata["explanation"]["text"] for s in own.samples or []}
    given = {str(s.id): s.metadata["explanation"] for s in shuffled.samples or []}
    assert set(given) == set(written)
    for latent, explanation in given.items():
        assert explanation["latent"] != latent
        assert explanation["text"] == written[explanation["latent"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"latents": "0:9999"}, r"out of range; there are latents 0 to 255", id="latents out of range"),
        pytest.param({"hookpoint": "layers.7"}, r"no hookpoint 'layers.7' in .*; it has layers.1", id="hookpoint"),
        pytest.param({"explainer": "best"}, r"explainer=best: unknown explainer", id="explainer"),
        pytest.param({"window": 5}, r"window=5: .* keeps windows of 32 tokens", id="window"),
        pytest.param({"negatives": "similar"}, r"no similar contexts; .*`autointerp negatives", id="negatives"),
        pytest.param({"store": "/nowhere"}, r"/nowhere: no such context store", id="store"),
    ],
)
def test_a_mistake_is_one_line_before_any_model_call(options: dict[str, Any], message: str, store_folder: Path) -> None:
    from inspect_ai._util.error import PrerequisiteError

    arguments: dict[str, Any] = {"store": str(store_folder)} | options
    with pytest.raises(PrerequisiteError) as caught:
        detection(**arguments)
    assert re.search(message, str(caught.value.message))
    assert isinstance(caught.value.__cause__, UserError)


def test_brackets_in_a_message_are_not_taken_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    from inspect_ai._util.error import PrerequisiteError
    from rich.text import Text

    def fail() -> Path:
        raise UserError('pip install "inspect-autointerp[prep]"')

    monkeypatch.setattr("inspect_autointerp.tasks._task.locate", lambda store: fail())
    with pytest.raises(PrerequisiteError) as caught:
        detection()
    assert Text.from_markup(str(caught.value.message)).plain == 'pip install "inspect-autointerp[prep]"'
