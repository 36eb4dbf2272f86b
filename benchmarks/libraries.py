"""Code of ours beside the library that could replace it: time, coverage, passes, and what a reader meets.

`python -m benchmarks.libraries [PART …]` measures what docs/decisions.md says under "Ours, or a library's": *json* (a
log's summaries as a stream, beside ijson), *quartiles* (pandas beside numpy), *auroc* (beside scikit-learn),
*correlation* (intervals, beside scipy), *strength* (the search for a strength, beside scipy's root finder), *vectors*
(cached embeddings, beside SQLite), *exchange* (replacing a folder that is being read) and *collector* (an evaluation
with Python's own settings of the garbage collector). Times are of the CPU, the best of several.
"""

import argparse
import io
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SEED = 0
SAMPLES = 20_000
"""Summaries of a log, of about 1 kB each."""
SHAPE = (100_000, 20)
"""Latents and entries of a leaderboard."""
PAIRS, REPETITIONS, BOOTSTRAPS = 100, 2_000, 200
"""Latents that two scores share; repetitions, and those with the bootstrap."""
VECTORS, DIMENSION, BLOCK = 40_000, 384, 2_000
EXCHANGES = 2_000
EVALUATION = """
import gc, sys
if sys.argv.pop(1) == "default":
    gc.freeze = lambda: None
    gc.set_threshold = lambda *numbers: None
from inspect_ai._cli.main import main
main()
"""


def seconds(run: Callable[[], object], repeat: int = 3) -> float:
    """CPU time of a call, the least of several."""
    times = []
    for _ in range(repeat):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return min(times)


def json_stream() -> list[str]:
    """A log's summaries, parsed element by element."""
    import ijson

    from inspect_autointerp.leaderboard.load.sample_summaries import elements

    rng = np.random.default_rng(SEED)
    scores = [{f"statistic_{i}": value for i, value in enumerate(rng.random(40).tolist())} for _ in range(SAMPLES)]
    rows = [{"id": f"layers.3/{i}", "scores": {"detection": {"value": row}}} for i, row in enumerate(scores)]
    content = json.dumps(rows).encode()
    ours = seconds(lambda: sum(1 for _ in elements(io.BytesIO(content))))
    theirs = seconds(lambda: sum(1 for _ in ijson.items(io.BytesIO(content), "item", use_float=True)))
    try:
        answer = str(list(ijson.items(io.BytesIO(b'[{"x": NaN}]'), "item")))
    except ijson.JSONError as error:
        answer = " ".join(str(error).split())[:60]
    lines = [f"{name}: {1e6 * used / SAMPLES:.0f} µs a sample" for name, used in (("ours", ours), ("ijson", theirs))]
    return [f"{len(content) / 1e6:.0f} MB, ijson by {ijson.backend}", *lines, f"ijson on NaN: {answer}"]


def quartiles() -> list[str]:
    """Quartiles and means of columns with missing values, by pandas, as the leaderboard has them, and by numpy."""
    from inspect_autointerp.leaderboard.analyse import statistics

    rng = np.random.default_rng(SEED)
    values = rng.random(SHAPE)
    values[rng.random(SHAPE) < 0.01] = np.nan
    times = {
        "quartiles, pandas": lambda: statistics.quartiles(values),
        "quartiles, numpy": lambda: np.nanquantile(values, [0.25, 0.5, 0.75], axis=0),
        "means, pandas": lambda: statistics.mean_of(values),
        "means, numpy": lambda: np.nanmean(values, axis=0),
    }
    return [f"{name}: {1000 * seconds(run):.0f} ms" for name, run in times.items()]


def auroc() -> list[str]:
    """AUROC of one latent: 100 activating and 100 random contexts."""
    from sklearn.metrics import roc_auc_score

    from inspect_autointerp.scorers.shared.ranking import auroc

    rng = np.random.default_rng(SEED)
    high, low = rng.random(100) + 0.3, rng.random(100)
    labels, values = np.repeat([1, 0], 100), np.concatenate([high, low])
    ours = seconds(lambda: [auroc(high, low) for _ in range(1000)])
    theirs = seconds(lambda: [roc_auc_score(labels, values) for _ in range(1000)])
    return [f"ours: {1000 * ours:.0f} µs; scikit-learn: {1000 * theirs:.0f} µs"]


def correlation() -> list[str]:
    """Coverage of 95 % intervals of Pearson's r, where scores are skewed and where values have long tails."""
    from scipy.stats import BootstrapMethod, pearsonr

    from inspect_autointerp.leaderboard.analyse.correlations import correlation, moments

    def shares(rng: np.random.Generator, n: int) -> np.ndarray:
        rate = rng.beta(5, 0.5, n)
        return np.stack([rng.binomial(100, rate), rng.binomial(100, rate)]) / 100

    def tails(rng: np.random.Generator, n: int) -> np.ndarray:
        first, second = rng.standard_t(5, (2, n))
        return np.stack([first, 0.6 * first + 0.8 * second]) * rng.exponential(1, n)

    lines = []
    for name, draw in (("shares of Beta(5, ½)", shares), ("long tails", tails)):
        rng = np.random.default_rng(SEED)
        truth = float(np.corrcoef(draw(rng, 2_000_000))[0, 1])
        draws = [draw(rng, PAIRS) for _ in range(REPETITIONS)]
        bootstrap = BootstrapMethod(n_resamples=999, method="BCa", rng=rng)

        def by_bootstrap(both: np.ndarray, method: BootstrapMethod = bootstrap) -> tuple[float, float]:
            interval = pearsonr(*both).confidence_interval(method=method)
            return interval.low, interval.high

        methods: dict[str, tuple[Callable[[np.ndarray], tuple[float, ...]], list[np.ndarray]]] = {
            "ours": (lambda both: correlation(*moments(both))[1:], draws),
            "scipy": (lambda both: tuple(pearsonr(*both).confidence_interval()), draws),
            "scipy, BCa": (by_bootstrap, draws[:BOOTSTRAPS]),
        }
        for method, (interval, samples) in methods.items():
            began = time.process_time()
            bounds = [interval(both) for both in samples]
            used = (time.process_time() - began) / len(samples)
            held = np.mean([low <= truth <= high for low, high in bounds])
            lines.append(f"{name}, r = {truth:.2f}, {method}: {100 * held:.1f} % hold it, {1000 * used:.2f} ms each")
    return lines


def strength() -> list[str]:
    """Passes of the subject until the KL is within a tenth of its target, per latent and for a batch of them."""
    from scipy.optimize import elementwise

    from inspect_autointerp.prep.engines.strength_search import TOLERANCE, Search

    rng = np.random.default_rng(SEED)
    n, target, reach = 200, 0.5, 1e4
    scale, bend = np.exp(rng.normal(0, 1.5, n)), rng.uniform(1, 3, n)  # KL(s) = bend · log(1 + (s / scale)²)
    curves = [lambda s, i=i: float(bend[i] * np.log1p((s / scale[i]) ** 2)) for i in range(n)]
    passes = []
    for curve in curves:
        search = Search(target, 1.0, 1 / reach, reach)
        while not search.done:
            search.tell(curve(search.strength))
        passes.append(search.n_passes)

    def off(x: np.ndarray, scale: np.ndarray, bend: np.ndarray) -> np.ndarray:
        return bend * np.log1p((np.exp(x) / scale) ** 2) - target

    log_reach = np.log(reach)
    bracket = elementwise.bracket_root(off, -0.5, 0.5, xmin=-log_reach, xmax=log_reach, args=(scale, bend))
    root = elementwise.find_root(
        off, bracket.bracket, args=(scale, bend), tolerances={"fatol": TOLERANCE * target, "xatol": 0}
    )
    theirs = bracket.nfev + root.nfev
    return [
        f"ours: {np.mean(passes):.1f} passes, {max(passes)} at most",
        f"scipy, bracket_root and find_root: {theirs.mean():.1f} passes, {theirs.max()} at most",
    ]


def vectors() -> list[str]:
    """Embeddings kept and read again."""
    from inspect_autointerp.models.vector_cache import KeptVectors

    rng = np.random.default_rng(SEED)
    rows = rng.random((VECTORS, DIMENSION), dtype=np.float32)
    starts = range(0, VECTORS, BLOCK)
    queries = [np.sort(rng.choice(VECTORS, 200, replace=False)) for _ in range(100)]
    lines = []
    with tempfile.TemporaryDirectory() as name:

        def add_ours() -> None:
            cache = KeptVectors(Path(name, "ours"))
            for i in starts:
                cache.add(np.arange(i, i + BLOCK), rows[i : i + BLOCK])

        def get_ours() -> None:
            cache = KeptVectors(Path(name, "ours"))
            for query in queries:
                known, read = cache.get(query)
                assert known.all()
                assert np.array_equal(read, rows[query])

        database = sqlite3.connect(Path(name, "theirs"))
        database.execute("CREATE TABLE vectors (number INTEGER PRIMARY KEY, vector BLOB)")

        def add_theirs() -> None:
            for i in starts:
                pairs = ((i + j, rows[i + j].tobytes()) for j in range(BLOCK))
                with database:
                    database.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", pairs)

        def get_theirs() -> None:
            for query in queries:
                marks = ",".join("?" * len(query))
                select = f"SELECT vector FROM vectors WHERE number IN ({marks}) ORDER BY number"
                parts = database.execute(select, query.tolist()).fetchall()
                assert np.array_equal(
                    np.frombuffer(b"".join(part for (part,) in parts), np.float32), rows[query].ravel()
                )

        for who, add, get in (("ours", add_ours, get_ours), ("SQLite", add_theirs, get_theirs)):
            written = seconds(add, 1)
            lines.append(
                f"{who}: {1000 * written:.0f} ms to keep {VECTORS:,}, {10 * seconds(get):.2f} ms for 200 of them"
            )
        database.close()
    return lines


def exchange() -> list[str]:
    """Reads of a folder's file that fail while the folder is replaced again and again."""
    from inspect_autointerp.store import renames

    lines = []
    by_call = renames._renameat2  # pyright: ignore[reportPrivateUsage]
    for who, call in (("renameat2", by_call), ("two renames", lambda *_: False)):
        renames._renameat2 = call  # pyright: ignore[reportPrivateUsage]
        with tempfile.TemporaryDirectory() as name:
            old, new = Path(name, "store"), Path(name, "new")
            for folder in (old, new):
                folder.mkdir()
                (folder / "manifest.json").write_text("{}")
            done, counts = threading.Event(), [0, 0]

            def read(path: Path = old / "manifest.json", done: threading.Event = done, counts: list = counts) -> None:
                while not done.is_set():
                    counts[0] += 1
                    counts[1] += not path.exists()

            reader = threading.Thread(target=read)
            reader.start()
            for _ in range(EXCHANGES):
                renames.swap(new, old)
            done.set()
            reader.join()
        lines.append(f"{who}: {counts[1]:,} of {counts[0]:,} reads fail in {EXCHANGES:,} exchanges")
    renames._renameat2 = by_call  # pyright: ignore[reportPrivateUsage]
    return lines


def collector() -> list[str]:
    """An evaluation as a shard runs it, with a shard's settings of the garbage collector and with Python's own."""
    lines = []
    with tempfile.TemporaryDirectory() as name:
        environment = os.environ | {"INSPECT_AUTOINTERP_SWEEP": str(Path(name, "done")), "INSPECT_AUTOINTERP_LEAN": "1"}
        for settings in ("a shard's", "default"):
            command = [sys.executable, "-c", EVALUATION, settings, "eval", "inspect_autointerp/detection"]
            command += ["-T", "store=smollm2", "--display", "none", "--log-dir", name, "--no-log-realtime"]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, env=environment, cwd=name, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            lines.append(f"{settings}: {used:.1f} CPU s")
    return lines


PARTS = {
    "json": json_stream,
    "quartiles": quartiles,
    "auroc": auroc,
    "correlation": correlation,
    "strength": strength,
    "vectors": vectors,
    "exchange": exchange,
    "collector": collector,
}


def main() -> None:
    """Measure the parts that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    for part in parser.parse_args().parts or PARTS:
        print(f"{part}: {PARTS[part].__doc__}")
        for line in PARTS[part]():
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
