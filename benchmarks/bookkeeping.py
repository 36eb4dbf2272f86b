"""CPU time of one evaluation: what Inspect takes for the same calls alone, and the shares of all packages.

`python -m benchmarks.bookkeeping STORE` evaluates some latents in the setting of `benchmarks.peer` (detection and
fuzzing, 41 calls per latent, a model that answers after 50 ms; prompts and answers are kept), in this process. The
floor is an Inspect task without this project: one solver that sends the same prompts, with the same settings of the
log, and one scorer that always gives 1. Both run twice, in turn, and the smaller time counts.

Then the evaluation runs under a profiler. A function's own time counts for the package that it lies in, and that of a
built-in function for its callers'. A profiler makes calls of Python functions dearer than they are, so shares are good
to a few points.
"""

import argparse
import cProfile
import gc
import os
import pstats
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.event import ModelEvent
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, GenerateConfig, get_model
from inspect_ai.scorer import Score, mean, scorer
from inspect_ai.solver import solver
from inspect_ai.util import collect
from rich.console import Console
from rich.table import Table

_PACKAGE = re.compile(r"site-packages/([^/]+)(?:/([^/]+))?(?:/([^/]+))?")
_OURS = re.compile(r"/(scorers|solvers|tasks|inspect_autointerp|benchmarks)/")
_SHOWN = 16

T = TypeVar("T")
Prompts = list[list[tuple[list[ChatMessage], GenerateConfig]]]
"""All calls of each latent."""


def run(task: Task) -> float:
    """Run a task, with its log in a folder that is removed, and return the CPU seconds."""
    return run_for(task, lambda log: None)[0]


def run_for(task: Task, read: Callable[[EvalLog], T]) -> tuple[float, T]:
    """Run a task, and return the CPU seconds, and what is read from its log before that is removed."""
    from inspect_ai import eval as inspect_eval

    with tempfile.TemporaryDirectory() as folder:
        options = {"log_realtime": False, "log_model_api": False} if os.environ.get("INSPECT_AUTOINTERP_LEAN") else {}
        began = time.process_time()
        [log] = inspect_eval(task, model="sleeping/50", log_dir=folder, display="none", **options)  # pyright: ignore
        if log.status != "success":
            raise SystemExit(str(log.error))
        return time.process_time() - began, read(log)


def evaluation(store: str, latents: int, hookpoint: str | None) -> Task:
    """Return the task that is measured."""
    from benchmarks.peer import peer

    return peer(store, f"sample:{latents}", hookpoint=hookpoint)


def prompts_of(log: EvalLog) -> Prompts:
    """Return the calls in a log."""
    return [
        [(event.input, event.config) for event in sample.events if isinstance(event, ModelEvent)]
        for sample in log.samples or []
    ]


def bare(prompts: Prompts) -> Task:
    """Return a task that makes these calls, and nothing else."""

    @solver
    def calls():
        async def solve(state, generate):
            model = get_model()
            each = prompts[int(state.sample_id)]
            await collect(*[model.generate(messages, config=config) for messages, config in each])
            return state

        return solve

    @scorer(metrics=[mean()])
    def always_one():
        async def score(state, target):
            return Score(value=1)

        return score

    samples = [Sample(input="a latent", id=number) for number in range(len(prompts))]
    return Task(samples, solver=calls(), scorer=always_one(), name="bare")


def part_of(file: str) -> str:
    """Return the package, or part of one, that a file is in."""
    if match := _PACKAGE.search(file):
        name, *inner = (part or "" for part in match.groups())
        if name == "inspect_ai":
            return ".".join([name, *(part.removesuffix(".py") for part in inner if part)])
        return name
    return "this project" if _OURS.search(file) else f"python: {Path(file).stem}"


def shares(profile: cProfile.Profile) -> Counter[str]:
    """Return the seconds of each part."""
    seconds: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # pyright: ignore
        if file == "~":  # built in
            for (caller, _, _), (_, _, there, _) in callers.items():
                seconds["built in, by built in" if caller == "~" else part_of(caller)] += there
        else:
            seconds[part_of(file)] += own
    return seconds


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--hookpoint")
    parser.add_argument("--latents", type=int, default=60)
    parser.add_argument("--lean", action="store_true", help="as `autointerp eval-sharded --log lean` has it")
    parser.add_argument("--profile", type=Path, help="file for the whole profile, for Python's `pstats`")
    given = parser.parse_args()
    if given.lean:
        os.environ["INSPECT_AUTOINTERP_LEAN"] = "1"
    run(evaluation(given.store, 2, given.hookpoint))  # imports
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)  # as in the processes of `autointerp eval-sharded`
    task = evaluation(given.store, given.latents, given.hookpoint)
    first, prompts = run_for(task, prompts_of)
    floors = [run(bare(prompts)) / given.latents]
    times = [first / given.latents, run(task) / given.latents]
    floors.append(run(bare(prompts)) / given.latents)
    each, floor = min(times), min(floors)
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    run(task)
    profile.disable()
    if given.profile:
        profile.dump_stats(given.profile)
    seconds = shares(profile)
    total = seconds.total()
    calls = sum(map(len, prompts)) / len(prompts)
    title = (
        f"{1000 * each:.0f} CPU ms per latent, {1000 * each / calls:.2f} per call;"
        f" Inspect alone, for the same {calls:.1f} calls: {1000 * floor:.0f} ({each / floor:.2f} times)"
    )
    table = Table("part", "share", "ms per latent", title=title, title_justify="left")
    ours = sum(value for name, value in seconds.items() if name == "this project") / total
    inspects = sum(value for name, value in seconds.items() if name.startswith("inspect_ai")) / total
    rows = [("this project, all", ours), ("Inspect, all", inspects), ("libraries, all", 1 - ours - inspects)]
    rows += [(name, value / total) for name, value in seconds.most_common(_SHOWN)]
    for name, share in rows:
        table.add_row(name, f"{100 * share:.1f} %", f"{1000 * each * share:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
