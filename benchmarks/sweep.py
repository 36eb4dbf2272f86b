"""Cost of a sharded evaluation: time by processes, bytes of log per latent, memory per process, by log detail.

`python -m benchmarks.sweep STORE` runs `autointerp eval-sharded` on a store's first latents, each in its own process:

- *scale*: detection by the lexical provider, with one process and with two.
- *logs*: the setting of `benchmarks.peer` (detection and fuzzing, 41 calls per latent, a model that answers after 50
  ms), by what logs hold, and by `inspect eval` with its defaults on half as many. The paper's own code, which keeps
  none, does 29.1 latents a second there on two idle cores.
- *together*: the same, ten texts per call in place of five: 21 calls.
- *served*: as *logs*, with the lexical provider behind a local server, asked by OpenAI's client.

`python -m benchmarks.sweep --make STORE` makes a store of random latents, wide enough for 20,000 that can be evaluated.
CPU time counts all processes of a row, their start included; on a shared machine compare that, and not time by the
clock.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.openai_server import serving

from benchmarks.peer import ANSWER, CALLS

WIDTH, TOKENS, ACTIVE = 28_000, 400_000, 128
LEXICAL = "inspect_autointerp/lexical"
SERVED = "openai-api/local/lexical"
ROOT = Path(__file__).parents[1]


def make(store: Path) -> None:
    """A store of latents of a random coder."""
    from benchmarks import synthetic
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    synthetic.K = ACTIVE  # so that most latents fire often enough
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        [coder] = synthetic.coders(folder, "cpu", WIDTH, 1)
        settings = Settings(tokens=TOKENS, corpus=str(synthetic.corpus(folder)), neighbours="none")
        prep(Job(subject=str(synthetic.subject(folder, "cpu")), coders=[str(coder)], settings=settings), store)


def row(words: list[str], processes: int, log: str) -> dict[str, float]:
    """Run one sweep; to be called once in a process, whose children's memory and time are then the sweep's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        provider = folder / "sleeping-0.dist-info"  # as an installed package would, it names its model to Inspect
        provider.mkdir()
        (provider / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeping\nVersion: 0\n", encoding="utf-8")
        (provider / "entry_points.txt").write_text("[inspect_ai]\nsleeping = benchmarks.peer\n", encoding="utf-8")
        path = os.pathsep.join([str(ROOT), name, os.environ.get("PYTHONPATH", "")])
        if log == "eval":
            command = [sys.executable, "-m", "inspect_ai", "eval", *words, "--display", "none"]
        else:
            command = [sys.executable, "-m", "inspect_autointerp.cli", "eval-sharded", *words]
            command += ["--processes", str(processes), "--log", log]
        command += ["--log-dir", str(folder / "logs")]
        with serving() if SERVED in words else nullcontext() as server:
            environment = os.environ | {"PYTHONPATH": path}
            if server:
                environment |= {"LOCAL_BASE_URL": server.url, "LOCAL_API_KEY": "none"}
            began = time.monotonic()
            subprocess.run(command, check=True, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
            wall, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "wall": wall,
            "cpu": used.ru_utime + used.ru_stime,
            "mb": used.ru_maxrss / 1000,
            "bytes": sum(file.stat().st_size for file in (folder / "logs").glob("*.eval")),
            **_evaluated(folder / "logs"),
        }


def _evaluated(logs: Path) -> dict[str, float]:
    """Return, of a folder of logs, the number of latents, of the sleeping model's calls, and the seconds they ran."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    headers = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(logs))]
    times = [[datetime.fromisoformat(moment) for moment in (h.stats.started_at, h.stats.completed_at)] for h in headers]
    output = sum(usage.output_tokens for h in headers for usage in h.stats.model_usage.values())
    return {
        "latents": sum(len(log.eval.dataset.sample_ids or []) for log in headers),
        "calls": output / ANSWER,
        "ran": sum((end - begin).total_seconds() for begin, end in times),
    }


def main() -> None:
    """Run the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--make", action="store_true")
    parser.add_argument("--parts", nargs="*", default=["scale", "logs", "together"])
    parser.add_argument("--latents", type=int, default=1000, help="usable ones in the scale part")
    parser.add_argument("--few", type=int, default=300, help="usable ones in the other parts")
    parser.add_argument("--contexts", type=int, default=100, help="of each kind in the scale part, for detection")
    parser.add_argument("--shard", type=int, default=500)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    given = parser.parse_args()
    store = given.store.resolve()
    if given.make:
        make(store)
        return
    if given.row:
        print(json.dumps(row(*json.loads(given.row))))
        return
    common = ["-T", f"store={store}"]
    lexical = ["detection", "--latents", f"sample:{given.latents}", "--shard", str(given.shard), *common]
    lexical += ["--model", LEXICAL, "--model-role", f"grader={LEXICAL}"]
    lexical += ["-T", f"test_activating={given.contexts}", "-T", f"test_nonactivating={given.contexts}"]
    common += ["-T", "min_contexts=50"]  # all that the setting shows
    sleeping = ["--model", "sleeping/50", "--model-role", "grader=sleeping/50"]
    half = -(-given.few // 2)  # a shard per process
    shards = ["benchmarks/peer.py", "--latents", f"sample:{given.few}", "--shard", str(half), *common]
    alone = ["benchmarks/peer.py", "-T", f"latents=sample:{half}", *common, *sleeping]
    peer = [*shards, *sleeping]
    served = [*shards, "--model", SERVED, "--model-role", f"grader={SERVED}", "--max-connections", "20"]
    rows: dict[str, list[tuple[str, list[str], int, str, int]]] = {
        "scale": [
            (f"detection, {n} process{'es' * (n > 1)}", lexical, n, "lean", 1 + 2 * -(-given.contexts // 5))
            for n in (1, 2)
        ],
        "logs": [
            ("peer's setting, one inspect eval", alone, 1, "eval", CALLS),
            *((f"peer's setting, {log}", peer, 2, log, CALLS) for log in ("full", "lean", "least")),
        ],
        "served": [("peer's setting, served, lean", served, 2, "lean", CALLS)],
        "together": [("ten texts a call, lean", [*peer, "-T", "texts_per_call=10"], 2, "lean", 1 + (CALLS - 1) // 2)],
    }
    table = Table("", "latents", "seconds", "CPU s", "CPU ms per latent", "per call", "kB per latent", "MB", "load")
    for part in given.parts:
        for name, words, processes, log, calls in rows[part]:
            command = [
                sys.executable,
                "-m",
                "benchmarks.sweep",
                str(store),
                "--row",
                json.dumps([words, processes, log]),
            ]
            output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
            figures = json.loads(output.splitlines()[-1])
            n = figures["latents"]
            each = 1000 * figures["cpu"] / n
            cells = [
                f"{n:,.0f}",
                f"{figures['wall']:.0f}",
                f"{figures['cpu']:.0f}",
                f"{each:.0f}",
                f"{each / calls:.2f}",
            ]
            cells += [f"{figures['bytes'] / n / 1000:.1f}", f"{figures['mb']:.0f}", f"{os.getloadavg()[0]:.1f}"]
            table.add_row(name, *cells)
            print("\t".join([name, *cells]), flush=True)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
