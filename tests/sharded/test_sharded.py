"""Tests of sharded evaluations: how they are cut, told apart and run, with commands in place of evaluations."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.inspect_support.compat import eval_command
from inspect_autointerp.sharded import progress, run
from inspect_autointerp.sharded.arguments import (
    _OURS,  # pyright: ignore[reportPrivateUsage]
    _REACHING,  # pyright: ignore[reportPrivateUsage]
    Arguments,
    options,
)
from inspect_autointerp.sharded.logs import Logs
from inspect_autointerp.sharded.plan import Plan, cut, make_plan, named
from inspect_autointerp.sharded.shard import command


@given(st.sets(st.integers(0, 10_000), min_size=1), st.integers(1, 50))
def test_shards_are_disjoint_complete_as_few_and_as_equal_as_can_be(latents: set[int], size: int) -> None:
    ordered = sorted(latents)
    shards = cut(ordered, size)
    assert [latent for shard in shards for latent in shard] == ordered
    sizes = [len(shard) for shard in shards]
    assert max(sizes) <= size and max(sizes) - min(sizes) <= 1
    assert len(shards) == -(-len(ordered) // size)


def test_seven_latents_in_shards_of_three() -> None:
    assert cut(range(7), 3) == ((0, 1, 2), (3, 4), (5, 6))


def test_options_are_read_as_inspect_reads_them() -> None:
    words = ["--seed", "-1", "--model=a/b=c", "-Tx=3", "-T", "y=[1, 2]", "--no-fail-on-error", "--no-log-model-api"]
    pairs = [("--seed", "-1"), ("--model", "a/b=c"), ("-T", "x=3"), ("-T", "y=[1, 2]")]
    assert list(options(words)) == [*pairs, ("--no-fail-on-error", None), ("--no-log-model-api", None)]
    assert Arguments.read(words).task == {"x": 3, "y": [1, 2]}


def test_options_of_every_list_are_inspects_own() -> None:
    names = {name for option in eval_command.params for name in (*option.opts, *option.secondary_opts)}
    assert {*_OURS, *_REACHING} - names == set()


def test_arguments_of_a_task_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("seed: 3\nwindow: 16\n")
    assert Arguments.read(["--task-config", str(tmp_path / "task.yaml"), "-T", "seed=4"]).task == {
        "seed": 4,
        "window": 16,
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "10"], "--limit: not allowed in a sharded evaluation; give --latents"),
        (["-T", "latents=all"], "give --latents"),
        (["-T", "seed"], "give -T name=value"),
        (["--model", "a/b,c/d"], "one model"),
        (["fuzzing"], "a sharded evaluation has one task"),
        (["--task-config", "nowhere.yaml"], "cannot be read"),
        (["-T", "stop_mean=width:0.1"], "stop_mean=…: each shard would stop by itself"),
        (["-T", "suite=demo"], "suite=demo: a suite draws its own latents"),
        (["--latnts", "0:20"], "inspect eval: No such option '--latnts'"),
        (["--model"], "inspect eval: Option '--model' requires an argument"),
        (["--debug-errors", "fuzzing"], "fuzzing: expected an option"),
    ],
)
def test_what_is_not_for_a_sweep_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Arguments.read(words)


def test_what_a_score_depends_on_makes_another_sweep_and_nothing_else_does(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ["-T", f"store={store_folder}", "-T", "min_contexts=5"]

    def id(*words: str, latents: str = "all", size: int = 10) -> str:
        return make_plan("detection", [*common, *words], latents, size).id

    first = id("--model", "a/b", "--temperature", "0.5")
    assert first == id("--temperature", "0.5", "--model", "a/b", "--max-connections", "3")
    others = {id("--model", "a/c"), id("--model", "a/b"), id("--model", "a/b", "--temperature", "1")}
    others |= {id("--model", "a/b", "--temperature", "0.5", latents="0:200")}
    others |= {id("--model", "a/b", "--temperature", "0.5", size=20)}
    monkeypatch.setenv("INSPECT_EVAL_MAX_CONNECTIONS", "4")
    assert first == id("--model", "a/b", "--temperature", "0.5")
    monkeypatch.setenv("INSPECT_EVAL_MODEL_ROLE", "grader=a/b")
    assert first not in others | {id("--model", "a/b", "--temperature", "0.5")} and len(others) == 5


def test_skipped_latents_are_counted_as_by_the_task(store_folder: Path) -> None:
    from inspect_autointerp.inspect_support.dataset import latent_dataset

    data = latent_dataset(store_folder, hookpoint=None, latents="all", min_contexts=5, seed=0)
    plan = make_plan("detection", ["-T", f"store={store_folder}", "-T", "min_contexts=5"], "all", 7)
    assert plan.skipped == data.skipped
    assert [f"layers.1/{latent}" for shard in plan.shards for latent in shard] == [sample.id for sample in data.samples]


def test_wrong_names_and_sizes(store_folder: Path) -> None:
    with pytest.raises(UserError, match="unknown task; give one of detection, "):
        named("detectoin")
    with pytest.raises(UserError, match="name the task first"):
        named("--model")
    with pytest.raises(UserError, match="1 to 10,000"):
        make_plan("detection", [], "all", 0)
    with pytest.raises(UserError, match="out of range"):
        make_plan("detection", ["-T", f"store={store_folder}"], "0:99999", 10)
    with pytest.raises(UserError, match="not a whole number"):
        make_plan("detection", ["-T", f"store={store_folder}", "-T", "seed=x"], "all", 10)


def test_a_shards_command_leaves_the_last_word_to_the_user() -> None:
    plan = Plan("id", "inspect_autointerp/detection", Arguments.read(["--display", "plain"]), ((1, 2), (4,)), {})
    words = command(plan, 2, "logs", "lean", None)
    assert words.index("log") < words.index("plain")
    assert "latents=4" in words and "--no-epochs-reducer" in words
    [metadata] = [word for word in words if word.startswith("sweep=")]
    assert json.loads(metadata.removeprefix("sweep=")) == {"id": "id", "shard": 2, "of": 2, "latents": 3, "skipped": {}}
    assert "--no-log-realtime" not in command(plan, 2, "logs", "full", None)
    assert command(plan, 2, "logs", "lean", "a.eval")[3:5] == ["eval-retry", "a.eval"]


_BODY = {
    "ok": "print(json.dumps({'event': 'done', 'logs': [{'status': 'success', 'location': 'N.eval'}]}))",
    "fail": "print('the key is missing', file=sys.stderr); sys.exit(1)",
    "raise": "raise ValueError('broken')",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "slow": "time.sleep(60)",
    "begun": "tick(); sys.exit(1)",
}
_TICK = "def tick(): open(os.environ['INSPECT_AUTOINTERP_SWEEP'], 'a').write('.')"
_HOLD = "from inspect_autointerp.sharded import lifeline; lifeline.hold_lifeline()"


def sweep_of(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> tuple[run.Sweep, list[int]]:
    """A sweep whose shards end in these ways; and those that were started, in order."""
    started = []

    def fake(plan: Plan, shard: int, *_: object) -> list[str]:
        started.append(shard)
        body = _BODY[kinds[shard - 1]].replace("N", str(shard))
        return [sys.executable, "-c", f"import json, os, signal, sys, time\n{_HOLD}\n{_TICK}\n{body}"]

    monkeypatch.setattr(run, "command", fake)
    plan = Plan("id", "task", Arguments.read([]), tuple((n,) for n in range(len(kinds))), {})
    return run.Sweep(plan, "logs", "lean", Logs()), started


def test_a_shard_that_fails_stops_no_other_and_is_named_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, _ = sweep_of(monkeypatch, "fail", "ok", "raise", "killed", "ok")
    run.run_locally(sweep, 2)
    assert sweep.logs.complete == {2: "2.eval", 5: "5.eval"}
    assert sweep.failed == {1: "the key is missing", 3: "ValueError: broken", 4: "killed (SIGKILL)"}
    with pytest.raises(UserError, match=r"3 of 5 shards failed; .*\n  shard 1: the key is missing\n"):
        progress.say_result(sweep)


def test_complete_shards_are_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, started = sweep_of(monkeypatch, "ok", "ok", "ok")
    sweep.logs.complete[2] = "there.eval"
    run.run_locally(sweep, 1)
    assert started == [1, 3] and sweep.logs.complete[2] == "there.eval" and not sweep.waiting


def test_a_mistake_in_the_arguments_stops_after_three_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, started = sweep_of(monkeypatch, *["fail"] * 9)
    with pytest.raises(UserError, match="3 shards failed before any latent was done: the key is missing"):
        run.run_locally(sweep, 1)
    assert started == [1, 2, 3]


def test_shards_that_come_further_are_all_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, started = sweep_of(monkeypatch, *["begun"] * 5)
    run.run_locally(sweep, 1)
    assert started == [1, 2, 3, 4, 5] and sweep.done_now == 5


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is heard, which it is not in the tests of a job in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, started = sweep_of(monkeypatch, "ok", "slow", "ok")

    def interrupt(*_: object) -> None:
        if len(started) == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=r"1 of 3 shards are complete in logs\. Repeat the command"):
        run.run_locally(sweep, 1, interrupt)
    assert started == [1, 2]
