"""Shards end when their sweep does, however it ended: nothing is left running, and logs are closed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from inspect_ai.log import list_eval_logs, read_eval_log

_PARENT = """
import sys, time
from inspect_autointerp.sharded.shard import Process
shard = Process([sys.executable, "-c", sys.argv[1]])
print(shard._process.pid, flush=True)
time.sleep(600)
"""
_CHILD = """
import atexit, subprocess, sys, threading, time
{late}
from inspect_autointerp.sharded import lifeline
lifeline.hold_lifeline()
atexit.register(lambda: open({log!r}, "w").write("closed"))
open({log!r} + ".begun", "w").close()
{body}
"""
_BODIES = {
    "sleeps": "time.sleep(600)",
    "waits for a child": "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])",
    "has a thread that never ends": "threading.Thread(target=threading.Event().wait).start(); time.sleep(600)",
    "cannot be interrupted": "lifeline.PATIENCE = 1\nwhile True:\n try: time.sleep(600)\n except BaseException: pass",
}
_CLOSES = ("sleeps", "waits for a child")
_SLOW = """
from anyio import sleep
from inspect_ai.model import modelapi
from inspect_autointerp.builtin.lexical.provider import LexicalAPI

@modelapi(name="slow")
class Slow(LexicalAPI):
    async def generate(self, *given, **named):
        await sleep(0.2 * (1 + hash(given[0][-1].text) % 3))
        return await super().generate(*given, **named)
"""

BOUND = 240
"""Seconds that a busy machine may take for what an idle one does in five; what would never end sleeps for longer."""


def ends(process: psutil.Process, seconds: float = BOUND) -> bool:
    """Return whether a process ends by then; one that nobody has asked for its status has ended too."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    process.kill()
    return False


def is_shard(process: psutil.Process) -> bool:
    try:
        return "inspect_autointerp.sharded.inspect_cli" in process.cmdline()
    except psutil.Error:
        return False


def wait_until(file: Path, seconds: float = BOUND) -> None:
    end = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < end, f"{file.name} is not there after {seconds} s"
        time.sleep(0.05)


@pytest.mark.parametrize("kind", _BODIES)
def test_shard_whose_sweep_is_killed_ends_within_bounds(kind: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    body = _CHILD.format(late="", log=str(log), body=_BODIES[kind])
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, body], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    shard = psutil.Process(int(parent.stdout.readline()))
    wait_until(log.with_name("log.begun"))
    assert shard.is_running()
    parent.kill()
    parent.communicate()
    assert ends(shard)
    assert log.exists() == (kind in _CLOSES)


def test_shard_that_starts_after_its_sweep_was_killed_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    body = _CHILD.format(late="time.sleep(1)", log=str(log), body=_BODIES["sleeps"])
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, body], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    shard = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert ends(shard, 50), "within lifeline.PATIENCE, so by its interruption"


@pytest.fixture
def slow_provider(tmp_path: Path) -> str:
    """A folder for Python's path with a provider in it that takes its time, registered as an installed package's is."""
    package = tmp_path / "site" / "slow_provider-0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-provider\nVersion: 0\n", encoding="utf-8")
    (package / "entry_points.txt").write_text("[inspect_ai]\nslow = slow_provider\n", encoding="utf-8")
    (package.parent / "slow_provider.py").write_text(_SLOW, encoding="utf-8")
    return os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_sweep_ended_by_signal_leaves_closed_logs_and_no_process(
    number: signal.Signals, store_folder: Path, slow_provider: str, tmp_path: Path
) -> None:
    model = ["--model", "slow/it", "--model-role", "grader=slow/it"]
    command = [sys.executable, "-m", "inspect_autointerp.cli", "eval-sharded", "detection", *model, "--shard", "10"]
    command += ["--processes", "2", "--log-dir", str(tmp_path / "logs"), "-T", f"store={store_folder}"]
    command += ["-T", "min_contexts=5"]
    environment = os.environ | {"PYTHONPATH": slow_provider, "TMPDIR": str(tmp_path)}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    sweep = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, before)
    end = time.monotonic() + BOUND
    logs_begun = 0  # a shard that is ended before it has begun leaves no log
    while logs_begun < 2 or sum(file.stat().st_size for file in tmp_path.glob("autointerp-sweep-*/ticks")) < 3:
        logs_begun = len(list((tmp_path / "logs").rglob("*.eval")))
        assert sweep.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    shards = [child for child in psutil.Process(sweep.pid).children(recursive=True) if is_shard(child)]
    assert shards  # two, but for one that has just ended
    sweep.send_signal(number)
    code = sweep.wait(BOUND)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert [ends(shard) for shard in shards] == [True] * len(shards)
    logs = [read_eval_log(info) for info in list_eval_logs(str(tmp_path / "logs"))]
    assert len(logs) >= 2 and {log.status for log in logs} <= {"cancelled", "success"}
    assert sum(bool(sample.scores) for log in logs for sample in log.samples or []) >= 3
