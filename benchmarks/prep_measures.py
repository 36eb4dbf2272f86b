"""The measurements of one process of `benchmarks.prep`: the cost of each part of prep, and its memory.

`measure_parts` is of an invented model (see `synthetic`), `measure_real` of a model of one's own: every batch is run
twice, alternately bare (forward pass and encoding) and as prep runs it (the same, and selection), first the one and
then the other, so that both meet the same state of the machine. `measure_memory` is of `prep`, which makes a store.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import synthetic

if TYPE_CHECKING:
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.prep.run.scan import Scan

BARE = ("forward", "encode")
"""Parts of a bare batch."""
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
    from inspect_autointerp.builtin.weights import weights_folder
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    settings = Settings(corpus=given["corpus"], tokens=tokens, dtype=dtype)
    places = {name: given[name] for name in ("hookpoints", "device", "batch_size")}
    places |= {
        "subject": weights_folder(given["subject"]),
        "coders": [weights_folder(coder) for coder in given["coders"]],
    }
    return measure_job(Job(**places, settings=settings))


def measure_job(job: "Job") -> dict[str, float]:
    """Seconds of each part (of CPU time, or by the clock on a GPU), and the peak of host memory in MB.

    `prep` is the time of all batches as prep runs them, and `select` its part after the coders: what selection takes.
    """
    import torch
    from torch import Tensor

    from inspect_autointerp.prep.coders import Triples
    from inspect_autointerp.prep.corpus.chunks import Batch
    from inspect_autointerp.prep.corpus.documents import corpus_documents
    from inspect_autointerp.prep.run.run import write_store
    from inspect_autointerp.prep.run.scan import Scan
    from inspect_autointerp.prep.subject.places import Hookpoint
    from inspect_autointerp.prep.write.writer import write_corpus

    torch.set_num_threads(1)
    device = job.device
    seconds: dict[str, float] = dict.fromkeys((*BARE, "load", "run", "select", "finish", "again", "read", "write"), 0.0)

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

    run_coders = scan.encode

    def timed(batch: Batch) -> dict[str, Triples]:
        activations = run_coders(batch)
        lap("run")
        return activations

    scan.encode = timed

    def whole(batch: Batch) -> None:
        scan.fold(batch, scan.done)
        lap("select")

    with tempfile.TemporaryDirectory() as name:
        store = Path(name)
        scan.chunker.tokens_file = store / "tokens.raw"
        for number, batch in scan.chunker.batches(corpus_documents(scan.job.settings)):
            lap("read")
            for run in (bare, whole) if number % 2 else (whole, bare):
                run(batch)
        lap("read")
        finish(scan)
        lap("finish")
        finish(scan)
        lap("again")
        write_corpus(store, scan.chunker)
        write_store(store, scan.found, progress=False)
        lap("write")
    seconds["write"] -= seconds.pop("again")  # `write_store` finishes once more, and finds nothing left to sort out
    seconds["prep"] = seconds["run"] + seconds["select"]
    latents = sum(selector.n_latents for selector in scan.found.selectors.values())
    return seconds | {"tokens": scan.chunker.n_tokens, "latents": latents, "peak": _peak()}


def finish(scan: "Scan") -> None:
    """Bring what every selector keeps into the order of the store, a block at a time."""
    for selector in scan.found.selectors.values():
        for _ in selector.finish().blocks:
            pass


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


def make_inputs(
    folder: Path, latents: int, hookpoints: int = 1, device: str = "cpu", shape: str | None = None, **_: Any
) -> dict[str, float]:
    """Make a measurement's input, in its own process: a child's peak memory starts at its parent's memory."""
    synthetic.subject(folder, shape or device)
    synthetic.corpus(folder)
    synthetic.coders(folder, shape or device, latents, hookpoints)
    return {}


def in_children(folder: Path, what: str, **arguments: Any) -> dict[str, float]:
    """Return what a measurement returns, run in a process of its own, after another that makes what it reads."""
    in_child(folder, "make", **arguments)
    return in_child(folder, what, **arguments)


def in_child(folder: Path, what: str, **arguments: Any) -> dict[str, float]:
    """Return what a measurement returns, run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.prep", "--measure", what, str(folder), json.dumps(arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


MEASURES = {
    "make": make_inputs, "parts": measure_parts, "real": measure_real, "memory": measure_memory, "store": measure_store,
}  # fmt: skip
"""Measurements by the name that `python -m benchmarks.prep --measure` takes."""
