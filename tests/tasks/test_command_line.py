"""`inspect eval` and `autointerp leaderboard` as they are typed: in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

ROOT = Path(__file__).parents[2]
SMALL = ("-T", "latents=sample:2", "-T", "min_contexts=10", "-T", "test_activating=10", "-T", "test_nonactivating=10")


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("INSPECT_EVAL")} | {"PWD": str(cwd)}
    program = str(Path(sys.executable).with_name(command[0]))
    return subprocess.run([program, *command[1:]], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def evaluate(task: str, *arguments: str, cwd: Path, logs: Path) -> tuple[EvalLog, str]:
    done = run("inspect", "eval", task, *SMALL, *arguments, "--log-dir", str(logs), "--display", "plain", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = list_eval_logs(str(logs))
    return read_eval_log(log), done.stdout + done.stderr


def test_by_file_from_the_root_without_a_model(store_folder: Path, tmp_path: Path) -> None:
    log, output = evaluate("tasks/detection.py", "-T", f"store={store_folder}", cwd=ROOT, logs=tmp_path)
    assert "No --model was given" in output
    assert log.status == "success"
    assert log.eval.model == "none/none"  # who explained stands in each explanation
    by = [sample.metadata["explanation"]["model"] for sample in log.samples or []]
    assert by == ["inspect_autointerp/lexical"] * 2
    assert (log.eval.metadata or {})["grader"] == "none given: the explainer grades itself"


def test_by_file_from_elsewhere_with_a_relative_store(store_folder: Path, tmp_path: Path) -> None:
    task = f"{ROOT / 'tasks' / 'detection.py'}@detection"
    contexts = f"store={store_folder.name}"
    log, output = evaluate(
        task, "-T", contexts, "--model", "inspect_autointerp/lexical", cwd=store_folder.parent, logs=tmp_path
    )
    assert "No --model was given" not in output
    assert log.status == "success"
    assert (log.eval.metadata or {})["grader"] == "none given: the explainer grades itself"


def test_by_registry_name(store_folder: Path, tmp_path: Path) -> None:
    role = ("--model-role", "grader=inspect_autointerp/lexical", "--model", "inspect_autointerp/lexical")
    arguments = ("-T", f"store={store_folder}", *role)
    log, _ = evaluate("inspect_autointerp/detection", *arguments, cwd=tmp_path, logs=tmp_path / "logs")
    assert log.eval.task == "inspect_autointerp/detection"
    assert (log.eval.metadata or {})["grader"] == "the role `grader`"
    done = run("autointerp", "leaderboard", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "inspect_autointerp/lexical" in done.stdout


@pytest.mark.parametrize(
    ("argument", "message"),
    [("latents=0:9999", "out of range; there are latents 0 to 255"), ("store=none", "no such context store")],
)
def test_a_mistake_is_shown_without_a_traceback(
    argument: str, message: str, store_folder: Path, tmp_path: Path
) -> None:
    arguments = ("-T", f"store={store_folder}", "-T", argument, "--log-dir", str(tmp_path), "--display", "plain")
    done = run("inspect", "eval", "tasks/detection.py", *arguments, cwd=ROOT)
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert message in output
    assert "Traceback" not in output
    assert not list_eval_logs(str(tmp_path))


def test_a_leaderboard_of_nothing_is_one_line(tmp_path: Path) -> None:
    done = run("autointerp", "leaderboard", "none", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "none: no such folder; evaluate something first" in done.stderr
