"""Cost of a leaderboard: its statistics, and reading the logs.

`python -m benchmarks.leaderboard` computes every statistic on invented values of 20 explainers × 100,000 latents × 8
scores, and then reads logs of the same explainers and scores (`benchmarks.leaderboard_logs`): with their values beside
them, again from what that reading kept, and some of them without either. The last row is the command, from an empty
cache. With `--logged 100000` all is measured at full size: this takes 8 GB of disk and three CPU minutes of writing.
With `--folder FOLDER` the logs stay there, and a second run reads them. Each group is a process of its own; its peak of
memory is that of the whole process so far, invented values included.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table


class Cost(NamedTuple):
    """Cost of a step."""

    step: str
    wall: float
    cpu: float
    peak_mb: float


def measured(step: str, do: Callable[[], object]) -> Cost:
    """Run a step."""
    wall, cpu = time.perf_counter(), time.process_time()
    do()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(step, time.perf_counter() - wall, time.process_time() - cpu, peak)


def statistics(explainers: int, latents: int, scores: int) -> list[Cost]:
    """Every statistic on values in memory."""
    from benchmarks.synthetic_results import synthetic
    from inspect_autointerp.leaderboard.analyse.breakdown import breakdown
    from inspect_autointerp.leaderboard.analyse.correlations import correlations
    from inspect_autointerp.leaderboard.analyse.differences import differences
    from inspect_autointerp.leaderboard.analyse.statistics import summary

    results = synthetic(explainers, latents, scores)
    pairs = differences(results)  # counted in the first step below, and again in none
    steps = {
        "paired differences": lambda: differences(results),
        "means, quartiles, ranks, floors": lambda: summary(results, pairs),
        "by decile": lambda: breakdown(results, "decile"),
        "by density": lambda: breakdown(results, "density"),
        "correlations": lambda: correlations(results),
    }
    costs = [measured(step, do) for step, do in steps.items()]
    wall, cpu = sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs)
    return [*costs, Cost("statistics, all", wall, cpu, costs[-1].peak_mb)]


def reading(logged: int, explainers: int, scores: int, whole: int, folder: str) -> list[Cost]:
    """Real logs: with their values beside them, again from the cache, and without; then the command, from cold."""
    from benchmarks.leaderboard_logs import write_logs
    from inspect_autointerp.inspect_support.values_at_end import keep_values
    from inspect_autointerp.leaderboard.load.log_archive import log_digest
    from inspect_autointerp.leaderboard.load.results_from_logs import read_results
    from inspect_autointerp.leaderboard.load.values_file import SUFFIX, keep_as

    os.environ["INSPECT_AUTOINTERP_CACHE"] = f"{folder}/cache"
    logs, some = Path(folder, "logs"), Path(folder, "some")
    costs: list[Cost] = []
    if not logs.exists():
        logs.mkdir()
        write = multiprocessing.Process(target=write_logs, args=(logs, explainers, logged, scores))
        write.start()
        write.join()
    paths = sorted(logs.glob("*.eval"))
    if not some.exists():
        some.mkdir()
        costs.append(measured("writing the values beside one log", lambda: keep_values(str(paths[0]))))
        for path in paths[1:]:  # the same values, of another log
            keep_as(f"{paths[0]}{SUFFIX}", f"{path}{SUFFIX}", log_digest(str(path)))
        for path in paths[:whole]:
            os.link(path, some / path.name)
    size = sum(path.stat().st_size for path in paths) / 1e6
    what = f"{len(paths)} logs, {logged:,} latents, {size:,.0f} MB"
    shutil.rmtree(f"{folder}/cache", ignore_errors=True)
    costs += [
        measured(f"reading {what}: values beside them", lambda: read_results(str(logs))),
        measured(f"reading {what}: again", lambda: read_results(str(logs))),
    ]
    if whole:
        costs.append(measured(f"reading {whole} of them without: first", lambda: read_results(str(some))))
    shutil.rmtree(f"{folder}/cache")
    return costs


def command(logged: int, folder: str) -> list[Cost]:
    """`autointerp leaderboard` on the logs with their values, from an empty cache, as a user runs it."""
    os.environ["INSPECT_AUTOINTERP_CACHE"] = f"{folder}/cache"
    words = [sys.executable, "-m", "inspect_autointerp.cli", "leaderboard", f"{folder}/logs"]
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    step = f"autointerp leaderboard, {logged:,} latents: values beside them"
    return [Cost(step, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)]


def apart(do: Callable[..., list[Cost]], *arguments: int | str) -> list[Cost]:
    """Return what a function returns, run in a process of its own."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_send, args=(theirs, do, arguments))
    process.start()
    theirs.close()  # so that reading ends where the process fails
    costs = ours.recv()
    process.join()
    return costs


def _send(to: Connection, do: Callable[..., list[Cost]], arguments: tuple[int | str, ...]) -> None:
    to.send(do(*arguments))


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explainers", type=int, default=20)
    parser.add_argument("--latents", type=int, default=100_000, help="invented latents; 0: only the logs")
    parser.add_argument("--scores", type=int, default=8)
    parser.add_argument("--logged", type=int, default=2_000, help="latents in the logs that are read")
    parser.add_argument("--whole", type=int, default=2, help="logs that are read without their values beside them")
    parser.add_argument("--folder", type=Path, help="keep the logs in this folder, and read those that it holds")
    given = parser.parse_args()
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
    title = f"{given.explainers} explainers × {given.latents:,} latents × {given.scores} scores"
    table = Table("step", *("wall, s", "CPU, s", "peak, MB"), title=title, title_justify="left")
    with nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as folder:
        place = str(folder)
        costs = apart(statistics, given.explainers, given.latents, given.scores) if given.latents else []
        costs += apart(reading, given.logged, given.explainers, given.scores, given.whole, place)
        costs += apart(command, given.logged, place)
    for cost in costs:
        table.add_row(cost.step, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.peak_mb:,.0f}")
    Console(width=100 if not Console().is_terminal else None).print(table)


if __name__ == "__main__":
    main()
