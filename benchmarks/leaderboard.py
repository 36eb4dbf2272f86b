"""Cost of a leaderboard: its statistics, and reading the logs.

`python -m benchmarks.leaderboard` computes every statistic on invented values of 20 explainers × 100,000 latents × 8
scores, and then reads logs of the same explainers and scores. These repeat the samples of a log by Inspect's own writer
(`benchmarks.leaderboard_logs`). They are read with their values beside them, again from what that reading kept, and
some of them without either; the last row is reading and statistics from cold. With `--logged 100000` all is measured at
full size: this takes 6 GB of disk and about ten CPU minutes. Each group is a process of its own; its peak of memory is
that of the whole process so far, invented values included.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

STATISTICS = 20
"""Number of statistics per score, as many as detection has."""
SMALL = 2_000
"""Latents of the log that Inspect's writer writes; a larger one repeats its samples."""
REPORT = 1000
"""Characters of a score's report that stay in a sample's summary."""


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


def write_logs(folder: Path, explainers: int, latents: int, scores: int) -> None:
    """Logs by Inspect's writer: the first whole, the others with a header of their own."""
    import numpy as np
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalMetric,
        EvalResults,
        EvalSample,
        EvalScore,
        EvalSpec,
        write_eval_log,
    )
    from inspect_ai.scorer import Score

    rng = np.random.default_rng(0)
    names = [f"score{i}" for i in range(scores)]
    keys = ["balanced_accuracy", "unscored", *(f"tpr_decile_{i}" for i in range(1, 11))]
    keys += [f"statistic_{i}" for i in range(STATISTICS - len(keys))]
    ids = [f"layers.1/{i}" for i in range(latents)]

    def score(name: str) -> Score:
        value = dict(zip(keys, rng.random(STATISTICS).round(4).tolist(), strict=True))
        value |= {"tpr_decile_1": float("nan"), "unscored": 0.0}
        metadata = {"grader": "g", "prompt": f"{name}/1", "options": {"seed": 0}, "unscored_reasons": {}}
        return Score(value=value, answer="x" * 80, explanation="a word " * (REPORT // 7), metadata=metadata)

    samples = [
        EvalSample(
            id=id,
            epoch=1,
            input=f"What does latent {id} respond to?",
            target="",
            metadata={"index": i, "firing_share": 0.01, "max_activation": 3.0, "explanation": {"text": "x" * 80}},
            scores={name: score(name) for name in names},
        )
        for i, id in enumerate(ids)
    ]

    def mean(name: str, key: str) -> EvalScore:
        values: list[float] = [(sample.scores or {})[name].value[key] for sample in samples]  # pyright: ignore
        metric = EvalMetric(name="estimate_mean", value=float(np.mean(values)))
        return EvalScore(name=key, scorer=name, metrics={"estimate_mean": metric})

    means = [mean(name, key) for name in names for key in keys]
    results = EvalResults(total_samples=latents, completed_samples=latents, scores=means)
    first = folder / "0.eval"
    for number in range(explainers):
        spec = EvalSpec(
            created="2026-11-21T12:00:00+00:00",
            task="suite",
            dataset=EvalDataset(samples=latents, sample_ids=list(ids)),
            model=f"provider/model-{number}",
            config=EvalConfig(),
            metadata={"store": "d1", "hookpoint": "layers.1", "inspect_autointerp": "0"},
        )
        target = folder / f"{number}.eval"
        if number:
            shutil.copy(first, target)
        log = EvalLog(status="success", eval=spec, results=results, samples=None if number else samples)
        write_eval_log(log, str(target), header_only=bool(number))


def reading(explainers: int, latents: int, scores: int, whole: int) -> list[Cost]:
    """Real logs: with their values beside them, again from the cache, and without; then the whole leaderboard."""
    from benchmarks.leaderboard_logs import repeat
    from inspect_autointerp.inspect_support.values_at_end import keep_values
    from inspect_autointerp.leaderboard.analyse.differences import differences
    from inspect_autointerp.leaderboard.analyse.statistics import summary
    from inspect_autointerp.leaderboard.load.log_archive import log_digest
    from inspect_autointerp.leaderboard.load.results_from_logs import read_results
    from inspect_autointerp.leaderboard.load.values_file import SUFFIX, keep_as

    with tempfile.TemporaryDirectory() as folder:
        os.environ["INSPECT_AUTOINTERP_CACHE"] = f"{folder}/cache"
        small, logs, some = (Path(folder, name) for name in ("small", "logs", "some"))
        for place in (small, logs, some):
            place.mkdir()
        base = min(latents, SMALL)
        write = multiprocessing.Process(target=write_logs, args=(small, 1, base, scores))
        write.start()
        write.join()
        paths = repeat(small / "0.eval", logs, max(1, latents // base), explainers)
        kept = measured("writing the values beside one log", lambda: keep_values(str(paths[0])))
        for path in paths[1:]:  # the same values, of another log
            keep_as(f"{paths[0]}{SUFFIX}", f"{path}{SUFFIX}", log_digest(str(path)))
        for path in paths[:whole]:
            os.link(path, some / path.name)
        size = sum(path.stat().st_size for path in paths) / 1e6
        what = f"{explainers} logs, {latents:,} latents, {size:,.0f} MB"

        def leaderboard() -> None:
            results = read_results(str(logs))
            summary(results, differences(results))

        costs = [
            kept,
            measured(f"reading {what}: values beside them", lambda: read_results(str(logs))),
            measured(f"reading {what}: again", lambda: read_results(str(logs))),
            measured(f"reading {whole} of them without: first", lambda: read_results(str(some))),
        ]
        shutil.rmtree(f"{folder}/cache")
        return [*costs, measured(f"the leaderboard of {what}: values beside them", leaderboard)]


def apart(do: Callable[..., list[Cost]], *arguments: int) -> list[Cost]:
    """Return what a function returns, run in a process of its own."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_send, args=(theirs, do, arguments))
    process.start()
    costs = ours.recv()
    process.join()
    return costs


def _send(to: Connection, do: Callable[..., list[Cost]], arguments: tuple[int, ...]) -> None:
    to.send(do(*arguments))


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explainers", type=int, default=20)
    parser.add_argument("--latents", type=int, default=100_000, help="invented latents; 0: only the logs")
    parser.add_argument("--scores", type=int, default=8)
    parser.add_argument("--logged", type=int, default=2_000, help="latents in the logs that are read")
    parser.add_argument("--whole", type=int, default=2, help="logs that are read without their values beside them")
    given = parser.parse_args()
    title = f"{given.explainers} explainers × {given.latents:,} latents × {given.scores} scores"
    table = Table("step", *("wall, s", "CPU, s", "peak, MB"), title=title, title_justify="left")
    for cost in (
        *(apart(statistics, given.explainers, given.latents, given.scores) if given.latents else []),
        *apart(reading, given.explainers, given.logged, given.scores, given.whole),
    ):
        table.add_row(cost.step, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.peak_mb:,.0f}")
    Console(width=100 if not Console().is_terminal else None).print(table)


if __name__ == "__main__":
    main()
