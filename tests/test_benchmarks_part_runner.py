"""Long benchmarks in parts: one that fails, takes too long or is interrupted leaves the others and a valid JSON."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from benchmarks import part_runner
from benchmarks.gpu import parts
from benchmarks.part_runner import Part, PartRunner, machine_facts

PROGRAM = """
import json, pathlib, subprocess, sys, time
mode, result = sys.argv[1], sys.argv[-1]
print("line of", mode)
if mode == "bad":
    sys.exit("it broke")
if mode == "cpu":
    sys.exit(3)
if mode == "slow":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pathlib.Path(sys.argv[2]).write_text(str(child.pid))
    time.sleep(60)
if mode != "silent":
    cell = "nan" if mode == "odd" else "1.5"
    table = {"title": "", "columns": ["ms"], "rows": [[cell]]}
    pathlib.Path(result).write_text(json.dumps({"tables": [table], "raw": None}))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program, which parts run as a module."""
    (tmp_path / "part_program.py").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])]))
    return tmp_path


def part(name: str, mode: str = "good", seconds: float = 60, **more: Any) -> Part:
    return Part(name, seconds, "part_program", (mode, "child.pid"), **more)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_failed_part_leaves_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = [
        part("good"), part("bad", "bad"), part("silent", "silent"), part("after bad", needs="bad"), part("odd", "odd"),
        part("cpu", "cpu"), part("same", skip="not run: twice"), part("last", needs="good"),
    ]  # fmt: skip
    assert PartRunner(listed, folder / "out.json", folder, 60, {"machine": {"gpu": None}}).run() == 1
    report = read(folder / "out.json")
    assert report["state"] == "complete" and report["machine"] == {"gpu": None}
    status = {name: entry["status"] for name, entry in report["parts"].items()}
    assert status == {
        "good": "done", "bad": "failed with exit status 1",
        "silent": "failed: its result cannot be read (FileNotFoundError)",
        "after bad": "not run: it needs bad, which is not done", "odd": "done", "cpu": "not run: it needs a GPU",
        "same": "not run: twice", "last": "done",
    }  # fmt: skip
    assert report["parts"]["bad"]["last lines"] == ["line of bad", "it broke"]
    assert report["parts"]["good"]["result"]["tables"][0]["rows"] == [["1.5"]]
    assert report["parts"]["odd"]["undefined"] == ["ms of row 1"]
    assert "3 done, 3 failed or not run, 2 not for this run" in capsys.readouterr().out


def test_run_without_failures_returns_zero(folder: Path) -> None:
    assert PartRunner([part("good"), part("cpu", "cpu")], folder / "out.json", folder, 60).run() == 0


def test_part_ends_after_its_own_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert PartRunner([part("slow", "slow", seconds=2), part("good")], folder / "out.json", folder, 600).run() == 1
    status = {name: entry["status"] for name, entry in read(folder / "out.json")["parts"].items()}
    assert status == {"slow": "stopped: it took longer than 2 s", "good": "done"}
    assert_gone(folder / "child.pid")


def test_run_ends_after_the_time_of_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(part_runner, "GRACE", 1.5)
    monkeypatch.setattr(part_runner, "LEAST", 0.5)
    assert PartRunner([part("cut", "slow"), part("late")], folder / "out.json", folder, 3.5).run() == 1
    report = read(folder / "out.json")
    assert report["state"] == "complete" and report["seconds allowed"] == 3.5
    status = {name: entry["status"] for name, entry in report["parts"].items()}
    assert status == {"cut": "stopped: the time was over", "late": "not run: the time was over"}
    assert_gone(folder / "child.pid")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_what_it_has(folder: Path, number: signal.Signals) -> None:
    script = (
        "import sys; from pathlib import Path; from benchmarks.part_runner import Part, PartRunner\n"
        "parts = [Part(name, 60, 'part_program', (name, 'child.pid')) for name in ('good', 'slow', 'late')]\n"
        "sys.exit(PartRunner(parts, Path('out.json').resolve(), Path.cwd(), 60).run())"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=folder)
    end = time.monotonic() + 60
    while not ((folder / "child.pid").exists() and (folder / "child.pid").read_text(encoding="utf-8")):
        if (folder / "out.json").exists():
            assert read(folder / "out.json")["state"] == "running"  # valid JSON at any time
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    report = read(folder / "out.json")
    assert report["state"] == f"interrupted by {number.name}"
    status = {name: entry["status"] for name, entry in report["parts"].items()}
    assert status == {"good": "done", "slow": "stopped: the run was interrupted", "late": "not reached"}
    assert report["parts"]["good"]["result"] and list(folder.glob(".out.json*")) == []
    assert_gone(folder / "child.pid")


def assert_gone(file: Path) -> None:
    """The process that a part started has ended, if the part lived long enough to start one."""
    if not file.exists() or not file.read_text(encoding="utf-8"):
        return
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            os.kill(int(file.read_text(encoding="utf-8")), 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("it still runs")


def test_machine_facts_say_why_there_are_none() -> None:
    assert machine_facts(seconds=0.01) == {"error": "python -m benchmarks.as_json: TimeoutExpired"}


@pytest.mark.parametrize("tiny", [False, True])
def test_gpu_parts_need_only_parts_before_them(tmp_path: Path, tiny: bool) -> None:
    listed = parts("cuda", tmp_path, tiny)
    names = [one.name for one in listed]
    assert len(set(names)) == len(names) == 14
    run = [one.name for one in listed if not one.skip]
    for number, name in enumerate(run):
        (one,) = (one for one in listed if one.name == name)
        assert one.needs is None or one.needs in run[:number]
        assert (Path(__file__).parents[1] / f"{one.module.replace('.', '/')}.py").exists()
