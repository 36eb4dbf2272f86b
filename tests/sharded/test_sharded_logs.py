"""Sweeps of a tiny store, run for good: what is in the logs, after a process was killed, and on the leaderboard."""

import json
import math
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_samples

from inspect_autointerp.inspect_support.log_detail import LEAN
from inspect_autointerp.inspect_support.verdicts import recorded_verdicts
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.load.samples import explanations, read_sample
from inspect_autointerp.leaderboard.show.page.cards import chosen_latents, write_cards
from inspect_autointerp.sharded import run
from inspect_autointerp.sharded.plan import Plan, make_plan
from inspect_autointerp.sharded.shard import Log
from inspect_autointerp.sharded.strip_log import make_least
from inspect_autointerp.text.render import visible

LEXICAL = "inspect_autointerp/lexical"
LATENTS, SIZE = "sample:16", 8


@pytest.fixture(scope="module")
def plan(store_folder: Path) -> Plan:
    words = ["--model", LEXICAL, "--model-role", f"grader={LEXICAL}", "-T", f"store={store_folder}"]
    words += ["-T", "min_contexts=5", "-T", "test_activating=10", "-T", "test_nonactivating=10"]
    return make_plan("detection", words, LATENTS, SIZE)


@pytest.fixture(scope="module")
def swept(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a sweep by two processes, one of which was killed, and which was then taken up again."""
    folder = tmp_path_factory.mktemp("swept")
    killed = []

    def kill(sweep: run.Sweep, done: int, running: int) -> None:
        for process in run_processes:
            if not killed and running == 2:
                killed.append(process)
                os.kill(process._process.pid, signal.SIGKILL)

    run_processes: list[run.Process] = []
    with pytest.MonkeyPatch.context() as patch:

        class Noted(run.Process):
            def __init__(self, words: list[str], log: Log = "lean") -> None:
                super().__init__(words, log)
                run_processes.append(self)

        patch.setattr(run, "Process", Noted)
        first = run.begin(plan, str(folder), "lean")
        run.run_locally(first, 2, kill)
    assert first.failed == {1: "killed (SIGKILL)"} and list(first.logs.complete) == [2]
    shutil.copytree(folder, folder.with_name("part"), dirs_exist_ok=True)
    again = run.begin(plan, str(folder), "lean")
    assert again.waiting == [1]
    run.run_locally(again, 2)
    assert not again.failed and not run.begin(plan, str(folder), "lean").waiting
    return folder


def scores(folder: Path) -> dict[str, Any]:
    by_latent: dict[str, Any] = {}
    for info in list_eval_logs(str(folder)):
        for sample in read_eval_log_samples(info, exclude_fields={"events", "messages", "attachments"}):
            assert sample.id not in by_latent and sample.scores
            by_latent[str(sample.id)] = sample.scores["detection"]
    return by_latent


def test_shards_hold_what_one_evaluation_holds(
    swept: Path, plan: Plan, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai import eval

    from inspect_autointerp.tasks.detection import detection

    monkeypatch.setenv(LEAN, "1")
    task = detection(str(store_folder), latents=LATENTS, min_contexts=5, test_activating=10, test_nonactivating=10)
    [log] = eval(task, model=LEXICAL, model_roles={"grader": LEXICAL}, log_dir=str(tmp_path), display="none")
    whole = {str(sample.id): (sample.scores or {})["detection"] for sample in log.samples or []}
    parts = scores(swept)
    assert parts.keys() == whole.keys() and len(parts) == plan.n_latents
    for id, score in parts.items():
        assert str(score.value) == str(whole[id].value) and score.explanation == whole[id].explanation

    [one], [other] = (read_results(str(folder)).estimates.to_dict("records")[:1] for folder in (tmp_path, swept))
    assert one["n"] == other["n"]
    for name in ("mean", "low", "high"):
        assert math.isclose(one[name], other[name], abs_tol=1e-6)


def test_logs_say_what_they_are_part_of(swept: Path, plan: Plan) -> None:
    sweeps = [
        (read_eval_log(info, header_only=True).eval.metadata or {})["sweep"] for info in list_eval_logs(str(swept))
    ]
    assert sorted(one["shard"] for one in sweeps) == [1, 2]
    assert all(one == plan.metadata(one["shard"]) for one in sweeps)


def test_the_leaderboard_shows_one_evaluation(swept: Path, plan: Plan) -> None:
    results = read_results(str(swept))
    [entry] = results.entries.to_dict("records")
    assert entry["explainer"] == LEXICAL and entry["n_latents"] == plan.n_latents
    assert len(explanations(results)) == plan.n_latents
    for latent in (0, plan.n_latents - 1):
        assert read_sample(results, 0, latent).id == results.latents["id"][latent]


def test_each_latent_of_a_sweep_has_a_card_on_the_page(swept: Path, tmp_path: Path) -> None:
    results = read_results(str(swept))
    latents = chosen_latents(results, 1000)
    write_cards(results, latents, tmp_path / "cards")
    for latent in latents:
        made = (tmp_path / "cards" / f"{latent}.js").read_text()
        [record] = json.loads(made.removeprefix(f"card({latent}, ").removesuffix(");\n"))
        scores_ = read_sample(results, 0, latent).scores
        assert scores_ and record["said"] == visible(str(scores_["detection"].answer))
        assert all(row[1] in "wr" for row in record["rows"]) and all(
            text.startswith("text ") for _, text in record["contexts"]
        )


def test_a_part_of_a_sweep_is_shown_as_such(swept: Path, plan: Plan) -> None:
    results = read_results(str(swept.with_name("part")))
    [entry] = results.entries.to_dict("records")
    assert entry["explainer"] == f"{LEXICAL}, 1 of 2 shards" and entry["n_latents"] == len(plan.shards[1])


def test_lean_logs_hold_each_prompt_and_answer_once(swept: Path) -> None:
    [info, _] = list_eval_logs(str(swept))
    for sample in read_eval_log_samples(info, resolve_attachments=True):
        calls = [event for event in sample.events if event.event == "model"]
        assert len(calls) == 5  # 1 explanation, and 10 + 10 texts by five
        assert all(call.output.completion and call.input[-1].text for call in calls)
        assert [message.role for message in sample.messages] == ["user"], (
            "what was said to the explainer is in its call"
        )
        assert not any(event.event == "span_begin" and "·" in event.name for event in sample.events)
        score = (sample.scores or {})["detection"]
        assert "│" not in (score.explanation or ""), "the contexts are not listed"
        verdicts = recorded_verdicts(score.metadata)
        assert len(verdicts) == 20
        labels = [verdict.label for verdict in verdicts if verdict.kind == "activating"]
        assert isinstance(score.value, dict) and labels.count(1) / len(labels) == score.value["tpr"]
        assert all("Text 5: " in call.input[-1].text for call in calls[1:])


def test_the_leanest_log_keeps_explanations_and_scores(swept: Path, tmp_path: Path) -> None:
    before = scores(swept)
    for info in list_eval_logs(str(swept)):
        shutil.copy(info.name.removeprefix("file://"), tmp_path)
    for info in list_eval_logs(str(tmp_path)):
        make_least(info.name)
    sizes = [sum(file.stat().st_size for file in folder.glob("*.eval")) for folder in (swept, tmp_path)]
    assert 3 * sizes[1] < sizes[0]
    assert {file.suffix for file in tmp_path.iterdir()} == {".eval"}
    after = scores(tmp_path)
    assert after.keys() == before.keys() and not any(score.explanation for score in after.values())
    assert all(str(after[id].value) == str(before[id].value) for id in before)
    left, right = read_results(str(swept)), read_results(str(tmp_path))
    assert left.estimates.equals(right.estimates)


def test_shards_on_a_cluster(plan: Plan, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    from inspect_autointerp.sharded.cluster import run_on_cluster

    environment = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "OMP_NUM_THREADS": "1"}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": environment})
    try:
        sweep = run.begin(plan, str(tmp_path / "logs"), "least")
        run_on_cluster(sweep)
    finally:
        ray.shutdown()
    assert not sweep.failed and len(scores(tmp_path / "logs")) == plan.n_latents
