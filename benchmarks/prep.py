"""Cost of prep over the bare forward pass and encoding, its memory, and how both grow.

`python -m benchmarks.prep` measures a random Llama and random top-k SAEs in SAELens's format (see `synthetic`), in CPU
time of one thread, or with `--device cuda` a 2B-shaped model by the clock. Every row is a process of its own, so that
its peak memory is too; what it reads is made beforehand in another folder.

Overhead: every batch is run twice, alternately bare (forward pass and encoding) and as prep runs it (the same, and
selection), first the one and then the other, so that both meet the same state of the machine. Memory: `prep` itself
makes a store. Growth: as overhead, with more latents and hookpoints.

`--subject` with `--coder` and the like measures a model of one's own instead, as overhead, with reading and writing.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks import synthetic
from benchmarks.as_json import save_tables

if TYPE_CHECKING:
    from inspect_autointerp.prep.run.run_spec import Job

LATENTS = 8192
OVERHEAD = (250_000, 500_000, 1_000_000)
MEMORY = (10_000, 1_000_000, 2_000_000, 4_000_000)
GROWTH = (
    # tokens, latents, hookpoints, chunks per batch: what a top-k coder encodes is dense for a moment
    (100_000, 8192, 1, 16),
    (100_000, 8192, 2, 16),
    (100_000, 8192, 4, 16),
    (100_000, 32_768, 1, 16),
    (20_000, 131_072, 1, 16),
    (4096, 1_048_576, 1, 1),
)
GPU = (1_000_000, 131_072)
QUICK = 10
"""Factor by which `--quick` reads fewer tokens."""
NEIGHBOURS = 200_000
"""Latents from which on no neighbours are looked for: that costs their number squared, hours of one core at 2²⁰."""


def measure_parts(
    folder: Path,
    tokens: int,
    latents: int,
    hookpoints: int,
    batch_size: int,
    device: str,
    shape: str | None = None,
    coder_dtype: Any = "float32",
) -> dict[str, float]:
    """Measure invented models, see `measure_job`."""
    return measure_job(_job(folder, tokens, latents, hookpoints, batch_size, device, shape, coder_dtype))


def measure_real(folder: Path, tokens: int, given: dict[str, Any], dtype: str) -> dict[str, float]:
    """Measure a model of one's own, see `measure_job`; nothing is read from the folder."""
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    settings = Settings(corpus=given["corpus"], tokens=tokens, dtype=dtype)
    places = {name: given[name] for name in ("subject", "coders", "hookpoints", "device", "batch_size")}
    return measure_job(Job(**places, settings=settings))


def measure_job(job: "Job") -> dict[str, float]:
    """Seconds of each part (of CPU time, or by the clock on a GPU), and the peak of host memory in MB."""
    import torch
    from torch import Tensor

    from inspect_autointerp.prep.corpus.chunks import Batch
    from inspect_autointerp.prep.corpus.documents import corpus_documents
    from inspect_autointerp.prep.run.run import write_store
    from inspect_autointerp.prep.run.scan import Scan
    from inspect_autointerp.prep.subject.hookpoints import Hookpoint
    from inspect_autointerp.prep.write.writer import write_corpus

    torch.set_num_threads(1)
    device = job.device
    seconds: dict[str, float] = dict.fromkeys(("load", "forward", "encode", "prep", "finish", "read", "write"), 0.0)

    def now() -> float:
        if device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    clock = now()

    def lap(part: str) -> None:
        nonlocal clock
        seconds[part] += now() - clock
        clock = now()

    scan = Scan(job, progress=False)
    lap("load")

    def bare(batch: Batch) -> None:
        real = torch.from_numpy(batch.pos >= 0).flatten().to(device)

        def encode(hookpoint: Hookpoint, value: Tensor) -> None:
            value = value.flatten(0, 1)[real]
            lap("forward")
            scan.coders[hookpoint.name].encode(value)
            lap("encode")

        scan.model.run(torch.from_numpy(batch.ids).to(device), encode)
        lap("forward")

    def whole(batch: Batch) -> None:
        scan.fold(batch, scan.done)
        lap("prep")

    with tempfile.TemporaryDirectory() as name:
        store = Path(name)
        scan.chunker.tokens_file = store / "tokens.raw"
        for number, batch in scan.chunker.batches(corpus_documents(scan.job.settings)):
            lap("read")
            for run in (bare, whole) if number % 2 else (whole, bare):
                run(batch)
        lap("read")
        for selector in scan.found.selectors.values():
            for _ in selector.finish().blocks:
                pass
            lap("finish")
        write_corpus(store, scan.chunker)
        write_store(store, scan.found, progress=False)  # which finishes once more
        lap("write")
    seconds["write"] -= seconds["finish"]
    latents = sum(selector.n_latents for selector in scan.found.selectors.values())
    return seconds | {"tokens": scan.chunker.n_tokens, "latents": latents, "peak": _peak()}


def measure_memory(folder: Path, tokens: int, latents: int) -> dict[str, float]:
    """The process's peak resident memory in MB after `prep` has made a store, and what the store holds."""
    import torch
    from safetensors import safe_open

    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.store.hookpoint_store import hookpoint_folder

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "store"
        manifest = prep(_job(folder, tokens, latents, 1, 16, "cpu"), store, progress=False)
        (hookpoint,) = manifest.hookpoints
        with safe_open(store / hookpoint_folder(hookpoint) / "postings.safetensors", "numpy") as file:
            rows, entries = (file.get_slice(key).get_shape()[0] for key in ("window", "pos"))
    return {"tokens": manifest.n_tokens, "rows": rows, "entries": entries, "peak": _peak()}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _job(
    folder: Path,
    tokens: int,
    latents: int,
    hookpoints: int,
    batch_size: int,
    device: str,
    shape: str | None = None,
    coder_dtype: Any = "float32",
) -> "Job":
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    neighbours = "decoder" if latents < (20_000 if shape else NEIGHBOURS) else "none"
    shape = shape or device
    return Job(
        subject=str(synthetic.subject(folder, shape)),
        coders=[str(coder) for coder in synthetic.coders(folder, shape, latents, hookpoints)],
        settings=Settings(
            corpus=str(synthetic.corpus(folder)),
            tokens=tokens,
            neighbours=neighbours,
            dtype="auto",
            coder_dtype=coder_dtype,
        ),
        batch_size=batch_size,
        device=device,
    )


def measure_store(folder: Path, tokens: int, latents: int, device: str, shape: str, store: str) -> dict[str, float]:
    """Make a store, for a benchmark of something else."""
    from inspect_autointerp.prep.run.run import prep

    manifest = prep(_job(folder, tokens, latents, 1, 16, device, shape), Path(store), progress=False)
    return {"tokens": manifest.n_tokens, "peak": _peak()}


def _make(
    folder: Path, latents: int, hookpoints: int = 1, device: str = "cpu", shape: str | None = None, **_: Any
) -> dict[str, float]:
    """Make a measurement's input, in its own process: a child's peak memory starts at its parent's memory."""
    synthetic.subject(folder, shape or device)
    synthetic.corpus(folder)
    synthetic.coders(folder, shape or device, latents, hookpoints)
    return {}


def _child(folder: Path, what: str, **arguments: Any) -> dict[str, float]:
    """Return what a measurement returns, run in a process of its own, after another that makes what it reads."""
    _measured(folder, "make", **arguments)
    return _measured(folder, what, **arguments)


def _measured(folder: Path, what: str, **arguments: Any) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.prep", "--measure", what, str(folder), json.dumps(arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _parts_table(
    title: str, console: Console, folder: Path, rows: list[tuple[int, int, int, int]], device: str
) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("tokens", "latents", "hookpoints", "forward", "encode", "selection", "overhead", "reading"):
        table.add_column(column, justify="right")
    table.add_column("load, write (s)", justify="right")
    table.add_column("peak MB", justify="right")
    for tokens, latents, hookpoints, batch_size in rows:
        with console.status(f"{tokens:,} tokens, {latents:,} latents, {hookpoints} hookpoints …"):
            costs = _child(
                folder, "parts", tokens=tokens, latents=latents, hookpoints=hookpoints, batch_size=batch_size,
                device=device,
            )  # fmt: skip
        bare = costs["forward"] + costs["encode"]
        selection = costs["prep"] - bare + costs["finish"]
        each = [f"{1e6 * part / costs['tokens']:,.1f}" for part in (costs["forward"], costs["encode"], selection)]
        table.add_row(
            f"{costs['tokens']:,}", f"{latents:,}", str(hookpoints), *each, f"{100 * selection / bare:+.1f} %",
            f"{1e6 * costs['read'] / costs['tokens']:.1f}", f"{costs['load']:.1f}, {costs['write']:.1f}",
            f"{costs['peak']:,.0f}",
        )  # fmt: skip
    return table


def _real_table(console: Console, sizes: list[int], dtypes: list[str], given: dict[str, Any]) -> Table:
    table = Table(title=f"{given['subject']}: µs per token, CPU time of one thread", title_justify="left")
    columns = (
        "tokens",
        "dtype",
        "latents",
        "forward + encode",
        "selection",
        "reading",
        "writing",
        "all three",
        "peak MB",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for tokens in sizes:
        for dtype in dtypes:
            with console.status(f"{tokens:,} tokens, {dtype} …"):
                costs = _measured(Path(), "real", tokens=tokens, given=given, dtype=dtype)
            bare = costs["forward"] + costs["encode"]
            parts = (costs["prep"] - bare + costs["finish"] + costs["write"], costs["read"])
            each = [f"{1e6 * part / costs['tokens']:,.1f} ({100 * part / bare:.1f} %)" for part in parts]
            table.add_row(
                f"{costs['tokens']:,}", dtype, f"{costs['latents']:,}", f"{1e6 * bare / costs['tokens']:,.1f}", *each,
                f"{100 * sum(parts) / bare:.1f} %", f"{costs['peak']:,.0f}",
            )  # fmt: skip
    return table


def _shape_table(folder: Path, given: argparse.Namespace) -> tuple[Table, dict[str, float]]:
    """Measure one shape, with one row per number of tokens; the raw figures are those of the last."""
    clock = "CPU time of one thread" if given.device == "cpu" else "by the clock"
    table = Table(title=f"shape of {given.shape}, coders in {given.coder_dtype}: µs per token, {clock}")
    columns = ("tokens", "latents", "hookpoints", "forward", "encode", "selection", "overhead", "peak MB of the host")
    for column in columns:
        table.add_column(column, justify="right")
    costs: dict[str, float] = {}
    for tokens in given.tokens:
        costs = _child(
            folder, "parts", tokens=tokens, latents=given.latents, hookpoints=given.hookpoints, batch_size=16,
            device=given.device, shape=given.shape, coder_dtype=given.coder_dtype,
        )  # fmt: skip
        bare = costs["forward"] + costs["encode"]
        selection = costs["prep"] - bare + costs["finish"]
        each = [f"{1e6 * part / costs['tokens']:,.1f}" for part in (costs["forward"], costs["encode"], selection)]
        table.add_row(
            f"{costs['tokens']:,}", f"{given.latents:,}", str(given.hookpoints), *each,
            f"{100 * selection / bare:+.1f} %", f"{costs['peak']:,.0f}",
        )  # fmt: skip
    return table, costs


def _memory_table(console: Console, folder: Path, sizes: list[int]) -> Table:
    title = f"peak host memory of prep, {LATENTS:,} latents (the peer: 1.9, 2.2, 3.1, 6.0 GB at ¼, ½, 1, 2 M tokens)"
    table = Table(title=title, title_justify="left")
    for column in ("tokens", "windows kept", "activations kept", "peak MB", "by the formula"):
        table.add_column(column, justify="right")
    from inspect_autointerp.prep.cli.estimate import state_bytes

    base = None
    for tokens in sizes:
        with console.status(f"{tokens:,} tokens …"):
            costs = _child(folder, "memory", tokens=tokens, latents=LATENTS)
        state = state_bytes(LATENTS, costs["rows"], costs["entries"] / costs["rows"]) / 2**20
        base = costs["peak"] - state if base is None else base
        table.add_row(
            f"{costs['tokens']:,}", f"{costs['rows']:,}", f"{costs['entries']:,}", f"{costs['peak']:,.0f}",
            f"{base + state:,.0f}",
        )  # fmt: skip
    return table


def main() -> None:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("overhead", "memory", "growth"), help="one of the tables")
    parser.add_argument("--quick", action="store_true", help=f"a {QUICK}th of the tokens")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: overhead of a 2B-shaped model")
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "FOLDER", "JSON"), help="one measurement, as JSON")
    real = parser.add_argument_group("a model of one's own, in place of the tables")
    real.add_argument("--subject", help="as for `autointerp prep`")
    real.add_argument("--coder", action="append", default=[], help="as for `autointerp prep`; repeat it for several")
    real.add_argument("--hookpoint", action="append", default=[], help="as for `autointerp prep`")
    real.add_argument("--corpus", default="stdlib", help="as for `autointerp prep`")
    real.add_argument("--tokens", type=int, nargs="+", default=[100_000], help="a row for each number")
    real.add_argument("--dtype", nargs="+", default=["bfloat16"], help="a row for each: bfloat16, float32")
    shape = parser.add_argument_group("an invented model of a known shape, in place of the tables")
    shape.add_argument("--shape", choices=[name for name in synthetic.SHAPES if name != "cuda"])
    shape.add_argument("--latents", type=int, default=LATENTS, help="of each coder")
    shape.add_argument("--hookpoints", type=int, default=1, help="number of hookpoints, each with a coder")
    shape.add_argument("--coder-dtype", choices=("float32", "bfloat16"), default="float32")
    shape.add_argument("--folder", type=Path, help="keep what is made here, for the next run")
    shape.add_argument("--store", help="only make a store in this folder")
    shape.add_argument("--json", help="write the table and the raw figures to this file too")
    arguments = parser.parse_args()
    if arguments.measure:
        what, folder, given = arguments.measure
        measures = {"make": _make, "parts": measure_parts, "real": measure_real, "memory": measure_memory}
        measures["store"] = measure_store
        print(json.dumps(measures[what](Path(folder), **json.loads(given))))
        return
    less = QUICK if arguments.quick else 1
    console = Console(width=None if sys.stdout.isatty() else 120)
    if arguments.subject:
        given = {"subject": arguments.subject, "coders": arguments.coder, "hookpoints": arguments.hookpoint}
        given |= {"corpus": arguments.corpus, "device": arguments.device, "batch_size": 16}
        console.print(_real_table(console, arguments.tokens, arguments.dtype, given))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        if arguments.store:
            tokens = arguments.tokens[-1]
            _child(
                folder, "store", tokens=tokens, latents=arguments.latents, device=arguments.device,
                shape=arguments.shape, store=arguments.store,
            )  # fmt: skip
            return
        if arguments.shape:
            table, costs = _shape_table(folder, arguments)
            console.print(table)
            save_tables(arguments.json, table, raw=costs)
            return
        if arguments.device == "cuda":
            rows = [(GPU[0] // less, GPU[1], 1, 16)]
            console.print(_parts_table("2B-shaped model, µs per token by the clock", console, folder, rows, "cuda"))
            return
        if arguments.only in (None, "overhead"):
            rows = [(tokens // less, LATENTS, 1, 16) for tokens in OVERHEAD]
            console.print(_parts_table("overhead, µs per token, CPU time of one thread", console, folder, rows, "cpu"))
        if arguments.only in (None, "memory"):
            console.print(_memory_table(console, folder, [MEMORY[0], *(tokens // less for tokens in MEMORY[1:])]))
        if arguments.only in (None, "growth"):
            rows = [(max(4096, row[0] // less), *row[1:]) for row in GROWTH]
            console.print(_parts_table("growth, µs per token, CPU time of one thread", console, folder, rows, "cpu"))


if __name__ == "__main__":
    main()
