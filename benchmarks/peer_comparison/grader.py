"""Explanation, detection and fuzzing by a model that answers after 50 ms: what the harness around it costs."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peer import CALLS
from benchmarks.peer_comparison.contexts import TEST, records

PAUSE = 0.05
"""Seconds until an answer."""
FEW = 5
"""Latents of a second run, whose CPU time tells what the start of the process costs."""
TEXTS = 5
"""Texts in a call."""


def delphi(
    installed: str, cache: str, subject: str, hookpoint: str, latents: list[int], concurrent: int, preloaded: bool
) -> dict[str, float]:
    """Run Delphi's pipeline as its command does, with a client that only waits.

    Args:
        installed: See `contexts.records`.
        cache: See `contexts.records`.
        subject: See `contexts.records`.
        hookpoint: See `contexts.records`.
        latents: See `contexts.records`.
        concurrent: Latents at a time; each has at most two prompts under way.
        preloaded: Build all records first, which is then not counted.

    Returns:
        CPU seconds and seconds by the clock per latent, calls per latent, and bytes of results per latent.

    Raises:
        AssertionError: A score lacks a context.
    """
    dataset = records(installed, cache, subject, hookpoint, latents)
    import orjson  # pyright: ignore[reportMissingImports]
    from delphi.clients.client import Client, Response  # pyright: ignore[reportMissingImports]
    from delphi.explainers import DefaultExplainer  # pyright: ignore[reportMissingImports]
    from delphi.pipeline import Pipe, Pipeline, process_wrapper  # pyright: ignore[reportMissingImports]
    from delphi.scorers import DetectionScorer, FuzzingScorer  # pyright: ignore[reportMissingImports]

    calls = 0

    class SleepingClient(Client):
        async def generate(self, prompt: Any, **_: Any) -> Any:
            nonlocal calls
            calls += 1
            await asyncio.sleep(PAUSE)
            judging = prompt[-1]["content"].startswith("Latent explanation:")
            return Response(str([1] * TEXTS) if judging else "[EXPLANATION]: words")

    client = SleepingClient("sleeping")
    scores: list[int] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def explained(result: Any) -> Any:
            (folder / f"{result.record.latent}.txt").write_bytes(orjson.dumps(result.explanation))
            return result

        def record_of(result: Any) -> Any:
            result = result[0] if isinstance(result, list) else result
            result.record.explanation = result.explanation
            result.record.extra_examples = result.record.not_active
            return result.record

        def scored(result: Any, score: str) -> None:
            (folder / f"{score}-{result.record.latent}.txt").write_bytes(orjson.dumps(result.score))
            scores.append(sum(output.prediction is not None for output in result.score))

        explainer = process_wrapper(DefaultExplainer(client, threshold=0.3), postprocess=explained)
        scorers = [
            process_wrapper(scorer, preprocess=record_of, postprocess=partial(scored, score=name))
            for name, scorer in {
                "fuzz": FuzzingScorer(client, n_examples_shown=TEXTS),
                "detection": DetectionScorer(client, n_examples_shown=TEXTS),
            }.items()
        ]
        loader = list(dataset) if preloaded else dataset
        pipeline = Pipeline((lambda: iter(loader)) if preloaded else loader, Pipe(explainer), Pipe(*scorers))
        cpu, wall = time.process_time(), time.perf_counter()
        asyncio.run(pipeline.run(concurrent))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        written = sum(file.stat().st_size for file in folder.iterdir())
    n = len(latents)
    assert scores == [2 * TEST] * (2 * n), f"scores of {2 * n} are expected, with {2 * TEST} verdicts each: {scores}"
    return {"cpu": cpu / n, "wall": wall / n, "calls": calls / n, "bytes": written / n, "latents": n}


def here(store: str, hookpoint: str, latents: list[int], log: str, start: float | None = None) -> dict[str, float]:
    """Run the task of `benchmarks.peer` by `autointerp eval-sharded`, in one process; see `delphi`.

    The CPU seconds do not count the start of the process, which imports its libraries.

    Args:
        store: Our store.
        hookpoint: The hookpoint.
        latents: Indices.
        log: How much detail logs hold: `full`, `lean` or `least`.
        start: CPU seconds that the start takes; None to find that out by a second run, of few latents.

    Returns:
        As `delphi`, and `start`.
    """
    whole = _sweep(store, hookpoint, latents, log)
    if start is None:
        start = start_of(whole, _sweep(store, hookpoint, latents[:FEW], log))
    return figures(whole, start)


def start_of(whole: dict[str, float], few: dict[str, float]) -> float:
    """Return the CPU seconds that a run would take without a latent, from one of many latents and one of few."""
    each = (whole["cpu"] - few["cpu"]) / (whole["latents"] - few["latents"])
    return few["cpu"] - few["latents"] * each


def figures(whole: dict[str, float], start: float) -> dict[str, float]:
    """Return what one latent costs in a run whose start takes so many CPU seconds."""
    n = whole["latents"]
    each = {name: whole[name] / n for name in ("calls", "bytes")}
    return {"cpu": (whole["cpu"] - start) / n, "wall": whole["ran"] / n, **each, "latents": n, "start": start}


def _sweep(store: str, hookpoint: str, latents: list[int], log: str) -> dict[str, float]:
    words = ["benchmarks/peer.py", "--latents", ",".join(map(str, latents)), "--shard", str(len(latents))]
    words += ["-T", f"store={store}", "-T", f"hookpoint={hookpoint}", "-T", f"min_contexts={TEST}"]
    words += ["-T", f"texts_per_call={TEXTS}", "--max-samples", "50", "--max-connections", "100"]
    words += ["--model", f"sleeping/{1000 * PAUSE:.0f}", "--model-role", f"grader=sleeping/{1000 * PAUSE:.0f}"]
    command = [sys.executable, "-m", "benchmarks.sweep", store, "--row", json.dumps([words, 1, log])]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    row = json.loads(output.splitlines()[-1])
    assert row["latents"] == len(latents), f"{len(latents)} latents were given, and {row['latents']} evaluated"
    assert row["calls"] == CALLS * len(latents), f"{row['calls']} calls, and not {CALLS} per latent"
    return row
