"""Runs the parts of a long benchmark, each in a process of its own, and keeps one JSON of them up to date.

The JSON says of the run: `state` (`running`, `complete`, `interrupted by SIGINT`, …), the seconds it took and may take,
and the facts of the machine. It says of each part: its command, status, seconds, result (tables and figures in full),
the places of undefined numbers in it, and the last lines of its output if it failed. Every part is there from the
beginning. The file is replaced as a whole, so that it is valid JSON at any time.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.as_json import undefined

DONE, NEEDS_GPU, NO_TIME = "done", "not run: it needs a GPU", "not run: the time was over"
NOT_REACHED, INTERRUPTED = "not reached", "stopped: the run was interrupted"
EXIT_NEEDS_GPU = 3
"""Exit status of a part that a CPU cannot run."""
LEAST = 5.0
"""Seconds below which no part begins."""
GRACE = 5.0
"""Seconds that a part has to end once it is told to."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LINES = 15
"""Lines of its output that are kept of a part that failed."""


@dataclass(frozen=True)
class Part:
    """A benchmark as a process.

    Args:
        name: Of the part.
        seconds: How long it may take.
        module: What `python -m` runs.
        arguments: For it; `--json FILE` is added.
        needs: Name of an earlier part that has to be done.
        skip: Reason not to run it.
    """

    name: str
    seconds: float
    module: str
    arguments: tuple[str, ...] = ()
    needs: str | None = None
    skip: str | None = None


class _Signal(Exception):
    """A signal that ends the run."""


class PartRunner:
    """Runs parts one after another.

    Args:
        parts: In this order.
        output: The JSON.
        folder: For the parts' own files.
        seconds: For all parts together; a part that is under way then is stopped.
        about: Further facts for the JSON.
    """

    def __init__(
        self, parts: list[Part], output: Path, folder: Path, seconds: float, about: dict[str, Any] | None = None
    ) -> None:
        self.parts, self.output, self.folder, self.seconds = parts, output, folder, seconds
        self._begin = time.monotonic()
        self.report: dict[str, Any] = {
            "state": "running",
            "seconds": 0,
            "seconds allowed": seconds,
            **(about or {}),
            "parts": {
                part.name: {
                    "command": " ".join([part.module, *part.arguments]), "status": part.skip or NOT_REACHED,
                    "result": None,
                }
                for part in parts
            },
        }  # fmt: skip

    def run(self) -> int:
        """Run all parts, and return the exit status: see `benchmarks.gpu`."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in before:
            if number != signal.SIGHUP or before[number] != signal.SIG_IGN:  # nohup
                signal.signal(number, _raise)
        try:
            self._save()
            for part in self.parts:
                self._run(part)
            self.report["state"] = "complete"
            return self._close()
        except _Signal as interrupt:
            number = signal.Signals(interrupt.args[0])
            self.report["state"] = f"interrupted by {number.name}"
            self._close()
            return 128 + number
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _close(self) -> int:
        """Save, say how it ended, and return 1 if a part was to run and is not done."""
        self._save()
        kinds = Counter(self._kind(part) for part in self.parts)
        print(f"{', '.join(f'{n} {kind}' for kind, n in kinds.items())}; {self.output}", flush=True)
        return int(bool(kinds["failed or not run"]))

    def _kind(self, part: Part) -> str:
        status = self.report["parts"][part.name]["status"]
        if part.skip or status == NEEDS_GPU:
            return "not for this run"
        return "done" if status == DONE else "failed or not run"

    def _run(self, part: Part) -> None:
        entry = self.report["parts"][part.name]
        left = self.seconds - (time.monotonic() - self._begin) - GRACE
        if part.skip:
            return
        if part.needs and self.report["parts"][part.needs]["status"] != DONE:
            entry["status"] = f"not run: it needs {part.needs}, which is not done"
        elif left < LEAST:
            entry["status"] = NO_TIME
        else:
            entry["status"] = "running"
            self._save()
            self._measure(part, min(part.seconds, left), entry)
        self._save()
        undefined_places = f"; undefined: {', '.join(entry['undefined'])}" if entry.get("undefined") else ""
        print(f"{part.name}: {entry['status']} ({entry.get('seconds', 0)} s){undefined_places}", flush=True)

    def _measure(self, part: Part, limit: float, entry: dict[str, Any]) -> None:
        """Run one part's process, and fill in the part's entry."""
        log, result = self.folder / f"{part.name}.log", self.folder / f"{part.name}.json"
        command = [sys.executable, "-m", part.module, *part.arguments, "--json", str(result)]
        begin = time.monotonic()
        try:
            with log.open("wb") as output:
                entry["status"] = _outcome(command, output, limit, part.seconds)
        except _Signal:
            entry["status"] = INTERRUPTED
            raise
        finally:
            entry["seconds"] = round(time.monotonic() - begin, 1)
            if entry["status"] not in (DONE, NEEDS_GPU):
                entry["last lines"] = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:]
        if entry["status"] == DONE:
            try:
                entry["result"] = json.loads(result.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                entry["status"] = f"failed: its result cannot be read ({type(error).__name__})"
            else:
                if places := undefined(entry["result"]):
                    entry["undefined"] = places

    def _save(self) -> None:
        self.report["seconds"] = round(time.monotonic() - self._begin, 1)
        beside = self.output.with_name(f".{self.output.name}.{os.getpid()}")
        beside.write_text(json.dumps(self.report, indent=1, allow_nan=False), encoding="utf-8")
        beside.replace(self.output)


def _outcome(command: list[str], output: Any, limit: float, own: float) -> str:
    """Run a process until it ends or has had its time, and return the part's status. No process of it is left."""
    # A process group of its own, so that all of it can be ended; not a session, which Linux would schedule apart.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, process_group=0
    )
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        return f"stopped: it took longer than {own:.0f} s" if limit >= own else "stopped: the time was over"
    finally:
        _end(process)
    if code == EXIT_NEEDS_GPU:
        return NEEDS_GPU
    return DONE if code == 0 else f"failed with exit status {code}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it started."""
    for number, seconds in ((signal.SIGTERM, GRACE - 1), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _raise(number: int, _: FrameType | None) -> None:
    for other in SIGNALS:  # one is enough: what follows takes seconds, and leaves nothing running
        signal.signal(other, signal.SIG_IGN)
    raise _Signal(number)


def machine_facts(seconds: float) -> dict[str, Any]:
    """Return the versions and devices that the figures depend on, found by a process of its own in so many seconds.

    So this process neither imports torch nor takes the GPU's memory. Where that fails, `error` says why.
    """
    command = [sys.executable, "-m", "benchmarks.as_json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr.strip().splitlines()[-1]}
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        return {"error": f"python -m benchmarks.as_json: {type(error).__name__}"}
