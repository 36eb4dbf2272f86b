"""`-T judging=probability`: arithmetic by hand, planted truth, floors at chance, and what is refused."""

from collections.abc import Callable
from contextvars import copy_context
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from inspect_ai import Task, eval_retry, eval_set
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, get_model
from sklearn.metrics import roc_auc_score
from tests.probability_grader import known_grader

from inspect_autointerp.builtin.planted.latents import LATENTS
from inspect_autointerp.inspect_support.compat import PrerequisiteError
from inspect_autointerp.leaderboard.load.log_entry import entries
from inspect_autointerp.tasks import detection, fuzzing, multi_score
from inspect_autointerp.text.render import visible

SMALL: dict[str, Any] = {"latents": "0:4", "test_activating": 20, "test_nonactivating": 20}
CLAIMS = {visible(planted.claim(sort).text): planted.claim(sort) for planted in LATENTS for sort in ("true", "wrong")}


def hashed(explanation: str, text: str) -> float:
    """A probability that tells nothing, other for each text, in (0, 1)."""
    return (crc32(text.encode()) % 997 + 1) / 999


def honest(explanation: str, text: str) -> float:
    """Ranks texts rightly, and finds all of them likely; of an explanation that is none, it knows nothing."""
    claim = CLAIMS.get(explanation)
    return 0.8 + (0.1 if claim is not None and claim.holds(text) else 0) + 0.05 * hashed("", text)


def run(logs: Path, grader: Any, make: Callable[..., Any] = detection, sort: str = "true", **options: Any) -> EvalLog:
    given = {"judging": "probability", "store": "planted"} | SMALL | options
    oracle = get_model("inspect_autointerp/oracle", memoize=False, explanation=sort)
    [log] = inspect_eval(make(**given), model=oracle, model_roles={"grader": grader}, log_dir=str(logs), display="none")
    assert log.status == "success", log.error
    return log


def scores(log: EvalLog, name: str = "detection") -> list[Any]:
    return [sample.scores[name] for sample in log.samples or [] if sample.scores]


@pytest.mark.usefixtures("planted_store")
@pytest.mark.parametrize("make", [detection, fuzzing])
def test_statistics_are_those_of_the_probabilities(make: Any, tmp_path: Path) -> None:
    grader, engine = known_grader(hashed)
    name = make.__name__
    log = run(tmp_path, grader, make)
    for score in scores(log, name):
        columns = score.metadata["verdicts"]
        kinds, shares = np.array(columns["kind"]), np.array(columns["probability"])
        both = np.isin(kinds, ["activating", "random"])
        fires = kinds[both] == "activating"
        assert (np.array(columns["label"]) == (shares >= 0.5)).all()
        assert score.value["auroc"] == pytest.approx(roc_auc_score(fires, shares[both]), abs=1e-4)
        threshold = score.metadata["threshold"]["value"]
        for statistic, least in (("balanced_accuracy", 0.5), ("balanced_accuracy_tuned", threshold)):
            labels = shares[both] >= least
            accuracy = (labels[fires].mean() + 1 - labels[~fires].mean()) / 2
            assert score.value[statistic] == pytest.approx(accuracy, abs=1e-4)
        assert score.value["unscored"] == 0
        assert score.metadata["prompt"] == f"{name}-probability/1"
        assert score.metadata["options"]["judging"] == {"name": "probability", "tuning": 20, "content_free": False}
        assert score.metadata["options"]["texts_per_call"] == 1
    asked = {prefix.rsplit("Text: ", 1)[1].removesuffix("\nAnswer:") for prefix, _ in engine.asked}
    known = {visible(text) for text in asked}
    assert len(asked) == len(known)
    assert not [usage for model, usage in log.stats.model_usage.items() if "completions" in model], "nothing is written"


@pytest.mark.usefixtures("planted_store")
def test_threshold_of_the_explain_split_mends_a_biased_grader(tmp_path: Path) -> None:
    log = run(tmp_path, known_grader(honest)[0], latents="0:10")
    for score in scores(log):
        assert score.value["auroc"] == 1
        assert score.value["balanced_accuracy"] == 0.5, "it finds everything likely"
        assert score.value["tpr"] == 1
        assert score.value["balanced_accuracy_tuned"] == 1
        assert 0.85 <= score.metadata["threshold"]["value"] <= 0.9
    wrong = scores(run(tmp_path, known_grader(honest)[0], latents="0:10", sort="wrong"))
    assert np.mean([score.value["auroc"] for score in wrong]) < 0.75


@pytest.mark.usefixtures("planted_store")
@pytest.mark.parametrize("make", [detection, fuzzing])
def test_floors_are_at_chance(make: Any, tmp_path: Path) -> None:
    name, many = make.__name__, {"latents": "0:12", "test_activating": 30, "test_nonactivating": 30}
    for explainer, says in (("empty", honest), ("explain", hashed)):
        log = run(tmp_path, known_grader(says)[0], make, explainer=explainer, **many)
        for statistic in ("auroc", "balanced_accuracy", "balanced_accuracy_tuned"):
            values = [score.value[statistic] for score in scores(log, name)]
            error = np.std(values, ddof=1) / len(values) ** 0.5
            assert abs(np.mean(values) - 0.5) <= 3.5 * max(error, 0.005), (explainer, statistic)
            assert np.mean(values) < 0.56


@pytest.mark.usefixtures("planted_store")
def test_questions_hide_the_kind_of_a_text(tmp_path: Path) -> None:
    grader, engine = known_grader(hashed)
    run(tmp_path, grader, latents="0")
    heads = {prefix.rsplit("Text: ", 1)[0] for prefix, _ in engine.asked}
    assert len(heads) == 1, "all texts of an explanation stand after the same words"


@pytest.mark.usefixtures("planted_store")
def test_text_that_cannot_be_judged_is_unscored(tmp_path: Path) -> None:
    def says(explanation: str, text: str) -> float | str:
        return "too_long" if hashed("", text) < 0.25 else hashed("", text)

    for score in scores(run(tmp_path, known_grader(says)[0])):
        columns = score.metadata["verdicts"]
        n = columns["reason"].count("too_long")
        assert 0 < n < 40
        assert [reason == "too_long" for reason in columns["reason"]] == [label is None for label in columns["label"]]
        assert score.value["unscored"] == pytest.approx(n / 40)
        assert score.metadata["unscored_reasons"] == {"too_long": n}


@pytest.mark.usefixtures("planted_store")
def test_without_contexts_to_tune_on_the_threshold_is_undefined(tmp_path: Path) -> None:
    log = run(tmp_path, known_grader(honest)[0], judging={"name": "probability", "tuning": 0})
    for score in scores(log):
        assert np.isnan(score.value["balanced_accuracy_tuned"])
        assert score.metadata["threshold"] == {"value": None, "activating": 0, "random": 0}


@pytest.mark.usefixtures("planted_store")
def test_content_free_text_takes_away_what_is_preferred_unread(tmp_path: Path) -> None:
    def says(explanation: str, text: str) -> float:
        return 0.85 if text == "N/A" else honest(explanation, text)  # between the two kinds

    grader, engine = known_grader(says)
    judging = {"name": "probability", "content_free": True, "tuning": 0}
    [score] = scores(run(tmp_path, grader, judging=judging, latents="0"))
    assert score.value["balanced_accuracy"] == score.value["auroc"] == 1
    texts = [prefix.rsplit("Text: ", 1)[1].removesuffix("\nAnswer:") for prefix, _ in engine.asked]
    assert texts.pop() == "N/A"
    read = [says(visible(score.answer), text) for text in texts]
    odds = [share / (1 - share) / (0.85 / 0.15) for share in read]
    shares = [one / (1 + one) for one in odds]
    assert score.metadata["verdicts"]["probability"] == pytest.approx(shares, abs=1e-8)
    failed = known_grader(lambda explanation, text: "too_long" if text == "N/A" else 0.9)[0]
    log = run(tmp_path, failed, judging={"name": "probability", "content_free": True, "tuning": 0})
    assert {score.value["unscored"] for score in scores(log)} == {1.0}


@pytest.mark.usefixtures("planted_store")
def test_several_graders_and_stopping_work(tmp_path: Path) -> None:
    three = [known_grader(honest, name)[0] for name in ("a", "b", "c")]
    for score in scores(run(tmp_path / "several", three, latents="0:2")):
        assert [len(one["probability"]) for one in score.metadata["graders"]] == [40, 40, 40]
        assert "balanced_accuracy_tuned" not in score.value, "each grader has a threshold of its own"
    log = run(tmp_path / "stop", known_grader(lambda e, t: honest(e, t) - 0.38)[0], stop="above:0.7", latents="0:2")
    for score in scores(log):
        assert score.metadata["stopped"]["by"].startswith("above")
        assert score.metadata["stopped"]["graded"] < 40


@pytest.mark.usefixtures("planted_store")
def test_the_two_ways_of_judging_do_not_compare(tmp_path: Path) -> None:
    settings = []
    for judging in ("answer", "probability"):
        grader: Model | str = "inspect_autointerp/oracle" if judging == "answer" else known_grader(honest)[0]
        log = run(tmp_path / judging, grader, judging=judging, latents="0:2")
        [entry] = entries(log, log.location)
        settings.append(entry.setting)
    assert settings[0].prompt == "detection/4"
    assert "judging" not in settings[0].options, "older logs stay comparable"
    assert settings[1].prompt == "detection-probability/1"
    assert "judging" in settings[1].options


@pytest.mark.usefixtures("planted_store")
def test_several_scores_of_one_explanation_take_it(tmp_path: Path) -> None:
    log = run(tmp_path, known_grader(honest)[0], multi_score, scores="detection,fuzzing", latents="0:2")
    for name in ("detection", "fuzzing"):
        assert {score.metadata["prompt"] for score in scores(log, name)} == {f"{name}-probability/1"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grader": "inspect_autointerp/lexical"}, r"grader=inspect_autointerp/lexical: its provider returns no log-"),
        ({"grader": "openai/gpt-4o-mini"}, r"grader=openai/gpt-4o-mini: its provider .* give one of hf/…, vllm-"),
        ({"confidence": True}, r"^judging=probability and confidence=true do not go together"),
        ({"judging": "logits"}, r"^judging=logits: unknown way of judging; give one of answer, probability$"),
        ({"judging": {"name": "probability", "n": 1}}, r"unknown option 'n'; it takes tuning, content_free$"),
        ({"judging": {"name": "answer", "tuning": 1}}, r"unknown option 'tuning'; it takes none$"),
        ({"judging": {"name": "probability", "tuning": -1}}, r"tuning must be a whole number from 0 on, got -1$"),
        ({"judging": {"name": "probability", "content_free": 3}}, r"content_free must be true or false, got 3$"),
    ],
)
@pytest.mark.usefixtures("planted_store")
def test_what_does_not_fit_is_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    make: Any
    for make in (detection, fuzzing):
        with pytest.raises(PrerequisiteError, match=message) as raised:
            make(**{"store": "planted", "latents": "0", "judging": "probability"} | options)
        assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("planted_store")
def test_suites_and_scores_that_write_refuse_it() -> None:
    with pytest.raises(PrerequisiteError, match=r"^judging=probability: a suite fixes how the grader is asked"):
        multi_score(suite="demo", judging="probability")
    with pytest.raises(PrerequisiteError, match=r"^judging=probability: none of the scores simulation takes it$"):
        multi_score(store="planted", scores="simulation", judging="probability")


@pytest.mark.usefixtures("planted_store")
def test_main_model_that_cannot_be_asked_ends_the_run(tmp_path: Path) -> None:
    task = detection(store="planted", judging="probability", latents="0")
    [log] = inspect_eval(task, model="inspect_autointerp/oracle", log_dir=str(tmp_path), display="none")
    assert log.status == "error"
    assert log.error
    assert "Traceback" not in log.error.message
    assert "grader=inspect_autointerp/oracle: its provider returns no log-probabilities" in log.error.message


@pytest.mark.usefixtures("planted_store")
def test_main_model_of_an_earlier_eval_set_refuses_no_task(tmp_path: Path) -> None:
    def after_a_set() -> None:
        eval_set(Task([Sample("a")]), model="none/none", log_dir=str(tmp_path), display="none")
        detection(store="planted", judging="probability", latents="0")

    copy_context().run(after_a_set)  # eval_set leaves its model there


@pytest.mark.usefixtures("planted_store")
def test_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWN_API_KEY", "none")
    grader, engine = known_grader(honest)
    module = import_module("inspect_autointerp.scorers.shared.judge_by_probability")

    async def choosing(model: Model) -> Any:
        return engine

    monkeypatch.setattr(module, "choosing", choosing)
    broken = visible(LATENTS[1].claim("true").text)

    def says(explanation: str, text: str) -> float:
        if explanation == broken:
            raise RuntimeError("the power fails")
        return honest(explanation, text)

    engine._says = says
    options: dict[str, Any] = SMALL | {"latents": "0:2"}
    task = detection(store="planted", judging="probability", **options)
    oracle = "inspect_autointerp/oracle"
    [log] = inspect_eval(task, model=oracle, model_roles={"grader": grader}, log_dir=str(tmp_path / "first"),
                         display="none", max_samples=1)  # fmt: skip
    assert log.status == "error"
    assert len(log.samples or []) == 2
    engine._says, engine.asked = honest, []
    [again] = eval_retry(log, log_dir=str(tmp_path / "again"), display="none")
    assert again.status == "success", again.error
    assert len(scores(again)) == 2
    assert {prefix.rsplit("Explanation: ", 1)[1].split("\n")[0] for prefix, _ in engine.asked} == {broken}
