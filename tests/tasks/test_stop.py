"""`-T stop=` and `-T stop_mean=` as they are run: logs, retries, the leaderboard; a grader whose accuracy is known."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai import eval_retry
from inspect_ai.log import EvalLog, read_eval_log
from inspect_ai.model import ChatMessage, GenerateConfig, ModelOutput
from inspect_ai.tool import ToolChoice, ToolInfo

from inspect_autointerp.builtin.lexical.provider import LexicalAPI
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.compat import PrerequisiteError
from inspect_autointerp.leaderboard.load.log_entry import read_entries
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.submit.recompute_statistics import compare_statistics

LEXICAL = "inspect_autointerp/lexical"
DETECTION = {"latents": "sample:8", "min_contexts": 5, "test_activating": 50, "test_nonactivating": 50}

FAST: dict[str, Any] = {"texts_per_call": 25}
"""Arguments of runs in which it does not matter after which context grading stops."""


def run(store: Path, logs: Path, task: str = "detection", **options: Any) -> EvalLog:
    limits = {name: options.pop(name) for name in ("max_samples", "epochs") if name in options}
    arguments = {**DETECTION, "store": str(store), **options}
    return inspect_eval(
        f"inspect_autointerp/{task}", model=LEXICAL, task_args=arguments, log_dir=str(logs), display="none", **limits
    )[0]


def scores(log: EvalLog, name: str = "detection") -> list[Any]:
    return [sample.scores[name] for sample in log.samples or [] if sample.scores]


def stopped(log: EvalLog) -> dict[str, Any]:
    """Return the record, in a log, of the rule that ended its evaluation."""
    assert log.results is not None
    assert log.results.early_stopping is not None
    return log.results.early_stopping.metadata


def test_grading_stops_and_says_so(planted_store: Path, tmp_path: Path) -> None:
    log, whole = run(planted_store, tmp_path, stop="width:0.3"), run(planted_store, tmp_path)
    assert log.status == "success"
    for score, full in zip(scores(log), scores(whole), strict=True):
        facts, verdicts = score.metadata["stopped"], score.metadata["verdicts"]
        assert facts["graded"] == len(verdicts["kind"]) <= facts["of"] == len(full.metadata["verdicts"]["kind"])
        assert facts["high"] - facts["low"] <= 0.3001
        assert facts["by"] == "width:0.3"
        assert facts["low"] - 0.0001 <= full.value["balanced_accuracy"] <= facts["high"] + 0.0001
        assert score.metadata["options"]["stop"] == "width:0.3"
        assert score.explanation.startswith(
            f"Graded {facts['graded']} of {facts['of']} contexts (stopped by width:0.3)"
        )
        assert set(verdicts["start"]) <= set(full.metadata["verdicts"]["start"])
        assert "stop" not in full.metadata["options"], "logs made before the option stay comparable"
    graded = sum(score.metadata["stopped"]["graded"] for score in scores(log))
    assert graded <= 0.6 * sum(score.metadata["stopped"]["of"] for score in scores(log))


def test_grading_stops_on_one_side_of_a_value(planted_store: Path, tmp_path: Path) -> None:
    for score in scores(run(planted_store, tmp_path, stop=["above:0.7", "below:0.7"])):
        facts = score.metadata["stopped"]
        if facts["by"] is None:
            assert facts["graded"] == facts["of"]
        else:
            assert facts["low"] > 0.7 or facts["high"] < 0.7


def test_fuzzing_stops_with_its_pairs_whole(planted_store: Path, tmp_path: Path) -> None:
    log = run(planted_store, tmp_path, "fuzzing", stop="width:0.4", test_mismarked=25)
    samples = [sample.model_dump() for sample in log.samples or []]
    assert log.status == "success"
    assert compare_statistics(samples).differences == []
    assert any(
        score.metadata["stopped"]["graded"] < score.metadata["stopped"]["of"] for score in scores(log, "fuzzing")
    )
    for score in scores(log, "fuzzing"):
        verdicts = score.metadata["verdicts"]
        wrong = [i for i, kind in enumerate(verdicts["kind"]) if kind == "mismarked"]
        assert len(wrong) >= 5  # min_contexts of a hard kind are graded in any case
        for i in wrong:
            assert verdicts["kind"][verdicts["partner"][i]] == "activating"


def test_multi_score_stops_the_scores_that_can(planted_store: Path, tmp_path: Path) -> None:
    log = run(
        planted_store, tmp_path, "multi_score", scores="detection,embedding", stop="width:0.3", latents="sample:3"
    )
    assert all("stopped" in score.metadata for score in scores(log))
    assert not any("stopped" in score.metadata for score in scores(log, "embedding"))
    with pytest.raises(Exception, match="none of the scores embedding labels contexts"):
        run(planted_store, tmp_path, "multi_score", scores="embedding", stop="width:0.3")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"stop": "width:2"}, r"stop=width:2: width must be in \(0, 1\), got 2"),
        ({"stop_mean": "narrow"}, "stop_mean=narrow: narrow is not understood; give width"),
        ({"stop_mean": "differs_from:nowhere.eval"}, "nowhere.eval: not a readable log"),
    ],
)
def test_a_wrong_rule_ends_in_one_line(
    planted_store: Path, tmp_path: Path, options: dict[str, str], problem: str
) -> None:
    with pytest.raises(Exception, match=problem) as raised:
        run(planted_store, tmp_path, **options)
    assert isinstance(raised.value.__cause__ or raised.value, UserError)


def test_a_suite_takes_no_rule(planted_store: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"stop=width:0\.2: suite demo fixes what is graded"):
        inspect_eval("inspect_autointerp/multi_score", task_args={"suite": "demo", "stop": "width:0.2"}, model=LEXICAL,
                     log_dir=str(tmp_path), display="none")  # fmt: skip


class Breaks:
    """Makes the lexical model fail from its nth call on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.left, inner = 0, 10**9, LexicalAPI.generate

        async def generate(
            api: LexicalAPI,
            input: list[ChatMessage],
            tools: list[ToolInfo],
            tool_choice: ToolChoice,
            config: GenerateConfig,
        ) -> ModelOutput:
            self.calls += 1
            self.left -= 1
            if self.left < 0:
                raise PrerequisiteError("the provider takes no more calls")
            return await inner(api, input, tools, tool_choice, config)

        monkeypatch.setattr(LexicalAPI, "generate", generate)


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaks]:
    yield Breaks(monkeypatch)


def test_an_interrupted_run_is_resumed(planted_store: Path, tmp_path: Path, breaks: Breaks) -> None:
    options = {"stop": "width:0.3", "stop_mean": "width:0.25", "latents": "sample:20", "max_samples": 2}
    whole = run(planted_store, tmp_path / "whole", **options)
    breaks.left = breaks.calls // 2
    cut = run(planted_store, tmp_path / "cut", **options)
    assert cut.status in ("cancelled", "error")
    breaks.left, breaks.calls = 10**9, 0
    [resumed] = eval_retry(cut.location, log_dir=str(tmp_path / "cut"), display="none")
    assert resumed.status == "success"
    before = {sample.id for sample in read_eval_log(cut.location).samples or [] if sample.scores}
    assert before
    of_whole = {sample.id: sample.scores for sample in whole.samples or []}
    of_resumed = {sample.id: sample.scores for sample in resumed.samples or []}
    assert before <= of_resumed.keys()
    shared = of_whole.keys() & of_resumed.keys()
    assert len(shared) >= len(of_whole) - 2  # two latents run at once, and which of them ends first is chance
    for id in shared:
        ours, theirs = of_resumed[id]["detection"], of_whole[id]["detection"]  # type: ignore[index]
        assert ours.value == pytest.approx(theirs.value, nan_ok=True)
        assert ours.metadata["stopped"] == theirs.metadata["stopped"]  # type: ignore[index]
    assert resumed.results is not None
    assert resumed.results.early_stopping is not None


def test_an_evaluation_stops_when_the_mean_is_known(planted_store: Path, tmp_path: Path) -> None:
    log = run(planted_store, tmp_path, latents="sample:40", stop_mean="above:0.4", max_samples=2)
    assert log.results is not None
    summary = log.results.early_stopping
    assert summary is not None
    facts = stopped(log)
    assert facts["by"] == "above:0.4"
    assert facts["of"] == "mean of detection/balanced_accuracy"
    assert len(log.samples or []) + len(summary.early_stops) == facts["asked_for"] == 24  # what it has
    assert facts["decided_after"] <= facts["latents"] <= len(log.samples or []) <= facts["decided_after"] + 3
    assert re.fullmatch(r"stop_mean: above:0.4 after \d+ latents", str(summary.early_stops[0].reason))
    assert facts["low"] > 0.4
    # The latents that were evaluated are the first of a random order, and not those of the least index.
    ids = [int(str(id).rpartition("/")[2]) for id in log.eval.dataset.sample_ids or []]
    assert ids != sorted(ids)
    assert {sample.id for sample in log.samples or []} == set(
        (log.eval.dataset.sample_ids or [])[: len(log.samples or [])]
    )
    means = [score.value["balanced_accuracy"] for score in scores(log)]
    assert facts["low"] <= np.mean(means) <= facts["high"]


def test_an_evaluation_stops_when_two_explainers_differ(
    planted_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(planted_store, tmp_path / "explain", latents="sample:40", **FAST)
    monkeypatch.setenv("PWD", str(Path(whole.location).parent))  # Inspect runs a task in its own folder
    rule = f"differs_from:{Path(whole.location).name}"
    log = run(planted_store, tmp_path, latents="sample:40", explainer="empty", stop_mean=rule, max_samples=2, **FAST)
    facts = stopped(log)
    assert facts["of"] == "mean difference of detection/balanced_accuracy"
    assert facts["high"] < 0  # saying nothing is worse
    assert facts["latents"] < facts["asked_for"]


def test_the_leaderboard_keeps_stopped_runs_apart(planted_store: Path, tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = [{}, {"stop": "width:0.3"}, {"stop_mean": "width:0.4"}]
    for explainer in ("explain", "empty"):
        for options in rules:
            run(planted_store, tmp_path, explainer=explainer, latents="sample:20", max_samples=2, **FAST, **options)
    entries = read_entries(str(tmp_path))
    assert [entry.problem for entry in entries] == [None] * 6
    assert [entry.absent for entry in entries] == [0] * 6
    assert len({entry.setting for entry in entries}) == 3
    results = read_results(str(tmp_path))
    assert results.entries.groupby("table")["options"].nunique().tolist() == [1, 1, 1]
    assert results.entries.groupby("table")["explainer"].nunique().tolist() == [2, 2, 2]
    stopped = results.entries[results.entries["options"].str.contains("stop_mean")]
    assert (stopped["n_latents"] < 20).all()
    of_entry = results.values[results.values["entry"].isin(stopped.index)]
    assert (of_entry["unscored"] == 0).all(), "a latent that was not reached is not an unscored one"
