"""Latents of two planted causes: an explanation of both concepts against either of them, and against a wrong pair."""

import asyncio
import json
from collections.abc import Sequence
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog, write_eval_log
from inspect_ai.model import ChatMessage, Model, get_model
from tests.doubles import model, texts_of

from inspect_autointerp.builtin.planted.claims import CLAIMS
from inspect_autointerp.builtin.planted.latents import LATENTS
from inspect_autointerp.contexts.sampler import latent_contexts
from inspect_autointerp.formats.export import export
from inspect_autointerp.formats.read import read_explanations
from inspect_autointerp.inspect_support.explanation import Concept
from inspect_autointerp.leaderboard.load.judgements import read_judgements
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.show.tables import columns
from inspect_autointerp.leaderboard.submit.recompute_statistics import compare_statistics
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import detection, fuzzing, multi_score, simulation

ORACLE = "inspect_autointerp/oracle"
CAUSES = {2: ("warm", "cold"), 14: ("round", "square"), 18: ("not", "never"), 22: ("heading", "item")}
"""Latents that fire on two planted causes, and the claim of each."""
WRONG = {2: "city", 14: "digit", 18: "iron", 22: "never"}


def write(path: Path, concepts: dict[int, list[str]]) -> Path:
    """Explanations of these claims: of several as concepts, of one as a plain text."""
    rows: list[dict[str, Any]] = []
    for index, names in concepts.items():
        texts = [CLAIMS[name].text for name in names]
        about = {"explanation": texts[0]} if len(texts) == 1 else {"explanation": None, "concepts": texts}
        rows.append({"index": index, **about})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(file: Path, logs: Path, make: Any = detection, grader: Model | str = ORACLE, **options: Any) -> EvalLog:
    options = {"concepts": True, "test_activating": 40, "test_nonactivating": 40} | options
    task = make(store="planted", latents=",".join(map(str, CAUSES)), explanations=str(file), **options)
    [log] = inspect_eval(task, model=ORACLE, model_roles={"grader": grader}, log_dir=str(logs), display="none")
    assert log.status == "success", log.error
    return log


def scores(log: EvalLog, name: str = "detection") -> dict[int, Any]:
    return {s.metadata["index"]: s.scores[name] for s in log.samples or [] if s.scores}


@pytest.fixture(scope="module")
def pair(planted_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[EvalLog, Path]:
    """The log of the true pairs, and its folder."""
    folder = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_AUTOINTERP_CACHE", str(planted_cache))
        return run(write(folder / "pair.jsonl", {i: [*both] for i, both in CAUSES.items()}), folder / "logs"), folder


def test_labels_of_concepts_are_no_labels_of_the_text(
    pair: tuple[EvalLog, Path], planted_store: Path, tmp_path: Path
) -> None:
    for log in (pair[0], run(pair[1] / "pair.jsonl", tmp_path, concepts=False)):
        write_eval_log(log, str(tmp_path / f"{log.eval.eval_id}.eval"))
    judgements = read_judgements(read_results(str(tmp_path), alone=True))
    assert sorted(group.concepts for group in judgements) == ["", "tfidf"]


def test_two_causes_pair_beats_either_and_a_wrong_pair(
    pair: tuple[EvalLog, Path], planted_store: Path, tmp_path: Path
) -> None:
    true = scores(pair[0])
    assert all(score.value["balanced_accuracy"] == 1 for score in true.values())
    claims = {
        "first": {i: [both[0]] for i, both in CAUSES.items()},
        "second": {i: [both[1]] for i, both in CAUSES.items()},
        "wrong": {i: [both[0], WRONG[i]] for i, both in CAUSES.items()},
    }
    for name, concepts in claims.items():
        others = scores(run(write(tmp_path / f"{name}.jsonl", concepts), tmp_path / name))
        for index, score in others.items():
            assert score.value["balanced_accuracy"] < 0.95, (name, index)


def test_coverage_is_the_share_of_each_cause(pair: tuple[EvalLog, Path], planted_store: Path) -> None:
    store = Store(planted_store)
    for index, score in scores(pair[0]).items():
        each = score.metadata["concepts"]["each"]
        assert [row["text"] for row in each] == [CLAIMS[name].text for name in CAUSES[index]]
        tests = [c for c in latent_contexts(store, f"planted/{index}").test(40, 40, 0) if c.kind == "activating"]
        holds = np.array([[CLAIMS[name].holds(c.text.replace("\n", "⏎")) for c in tests] for name in CAUSES[index]])
        assert [row["explains"] for row in each] == pytest.approx(holds.mean(axis=1).tolist(), abs=1e-4)
        alone = [(own & (holds.sum(axis=0) == 1)).mean() for own in holds]
        assert [row["only"] for row in each] == pytest.approx(alone, abs=1e-4)
        assert min(alone) > 0.1, "each cause is needed"
        assert [row["false_alarms"] for row in each] == [0, 0]
        assert score.value["n_concepts"] == 2
        assert score.value["one_concept"] == pytest.approx(sum(alone), abs=1e-4)
        assert 0 < score.value["polysemanticity"] <= 1
        assert "CONCEPTS: of activating contexts" in score.explanation
        assert score.answer == "; or ".join(CLAIMS[name].text for name in CAUSES[index])


def test_log_with_concepts_is_recomputed_exported_and_listed(
    pair: tuple[EvalLog, Path], planted_store: Path, tmp_path: Path
) -> None:
    log, folder = pair
    result = compare_statistics([sample.model_dump() for sample in log.samples or []])
    assert (result.differences, result.n_latents) == ([], {"detection": 4})
    for form in ("jsonl", "csv", "parquet"):
        export([log.location], form, tmp_path / f"out.{form}")
        again = read_explanations(str(tmp_path / f"out.{form}"), hookpoint="planted", width=len(LATENTS))
        assert again.texts[2].concepts == (Concept(CLAIMS["warm"].text), Concept(CLAIMS["cold"].text)), form
        assert again.texts[2].text == f"{CLAIMS['warm'].text}; or {CLAIMS['cold'].text}"
    assert read_explanations(log.location, hookpoint="planted", width=len(LATENTS)).texts[2].concepts
    results = read_results(str(folder / "logs"))
    means = results.estimates.pivot(index="entry", columns="statistic", values="mean")
    shown = columns(means, "balanced_accuracy")
    assert shown["n_concepts"] == "concepts"
    assert shown["polysemanticity"] == "polysemanticity"
    assert '"concepts": "tfidf"' in results.entries["options"][0]


def test_without_the_option_the_union_is_one_text(planted_store: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(messages: list[ChatMessage]) -> str:
        asked.append(messages[-1].text.splitlines()[0])
        return str([0] * len(texts_of(messages)))

    file = write(tmp_path / "pair.jsonl", {2: ["warm", "cold"], 14: ["round"], 18: ["not"], 22: ["item"]})
    log = run(file, tmp_path / "logs", grader=model(answer), concepts=False)
    assert {line for line in asked if "warm" in line} == {
        f"Explanation: {CLAIMS['warm'].text}; or {CLAIMS['cold'].text}"
    }
    score = scores(log)[2]
    assert "concepts" not in score.metadata["options"], "as logs made before"
    assert "n_concepts" not in score.value


def test_fuzzing_graders_and_a_rule_work_by_concept(planted_store: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "pair.jsonl", {i: [*both] for i, both in CAUSES.items()})
    for index, score in scores(run(file, tmp_path / "a", fuzzing), "fuzzing").items():
        assert score.value["balanced_accuracy"] > 0.9, index
        assert score.value["n_concepts"] == 2
    graders: Any = [get_model(ORACLE, memoize=False, error_rate=0.05, seed=seed) for seed in range(3)]
    for score in scores(run(file, tmp_path / "b", grader=graders, test_activating=20, test_nonactivating=20)).values():
        assert len(score.metadata["graders"]) == 3
        assert score.value["balanced_accuracy"] > 0.9
        assert all(len(row["label"]) == 40 for row in score.metadata["concepts"]["each"])
    for score in scores(run(file, tmp_path / "c", stop="width:0.4")).values():
        graded = score.metadata["stopped"]["graded"]
        assert graded < 80
        assert all(len(row["label"]) == graded for row in score.metadata["concepts"]["each"])


def test_concept_that_no_grader_labels_is_unscored(planted_store: Path, tmp_path: Path) -> None:
    def answer(messages: list[ChatMessage]) -> str:
        return "I cannot say." if "cold" in str(messages) else str([1, 0, 0, 0, 0][: len(texts_of(messages))])

    file = write(tmp_path / "pair.jsonl", {2: ["warm", "cold"], 14: ["round"], 18: ["not"], 22: ["item"]})
    score = scores(run(file, tmp_path / "logs", grader=model(answer)))[2]
    assert score.value["unscored"] == 0.8, "where the other concept says 1, the union is known"
    assert score.metadata["concepts"]["each"][1]["explains"] is None
    assert score.metadata["unscored_reasons"]


def test_concepts_are_embedded_outside_of_the_event_loop(
    planted_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []

    def embed(texts: Sequence[str], vectors: object) -> float:
        asked.append(texts)
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return nan

    monkeypatch.setattr("inspect_autointerp.scorers.shared.concepts.polysemanticity", embed)
    run(write(tmp_path / "pair.jsonl", {i: [*both] for i, both in CAUSES.items()}), tmp_path / "logs")
    assert len(asked) == len(CAUSES)


def test_concepts_of_scores_that_read_the_whole_are_refused(planted_store: Path) -> None:
    with pytest.raises(PrerequisiteError, match="none of the scores simulation judges concepts one by one"):
        multi_score(store="planted", scores="simulation", concepts=True)
    with pytest.raises(TypeError):
        simulation(store="planted", concepts=True)  # pyright: ignore[reportCallIssue]
