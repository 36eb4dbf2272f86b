"""Cost of reading a finished store from a cold disk: opening it, one latent, a thousand.

`python -m benchmarks.store` makes stores of 131,072 latents with 100 windows of 32 tokens each, of a corpus of 1 M and
of 10 M tokens, in the exact format; the text is the demo's in a random order, the activations are invented. Each
measurement is a process of its own, with the store's files dropped from the page cache when its imports are done. To
load a latent is what an evaluation needs of it: 40 contexts to explain and 50 + 50 to test on, with their texts and the
characters of each token. The peer's figures are Delphi's, measured on a store of 8,192 latents.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from inspect_autointerp.builtin import demo
from inspect_autointerp.store.postings import POOL, SAMPLE, TOP
from inspect_autointerp.store.store import Store

TOKENS = (1_000_000, 10_000_000)
LATENTS, WINDOWS, WINDOW, POOLED = 131_072, 100, 32, 1024
DOCUMENT = 1000
"""Tokens of a document: 31 windows, and eight tokens over."""
PASSAGE = 50
"""Tokens of the demo's text that stay together."""
PEER = {260_000: 26, 1_000_000: 14, 2_000_000: 8.8}
"""Latents per CPU second that the peer builds from its cache, by the corpus's tokens."""
NAME = "layers.2"


def make(folder: Path, tokens: int) -> None:
    """Write the store."""
    import shutil

    from safetensors.numpy import save_file

    from inspect_autointerp.prep.select.decoder_directions import Directions
    from inspect_autointerp.prep.write.writer import hash_files, write_hookpoint
    from inspect_autointerp.store.manifest import HookpointEntry, Manifest
    from inspect_autointerp.store.settings import Settings

    rng = np.random.default_rng(0)
    text = np.load(demo.ensure_store() / "tokens.npy")
    passages = np.lib.stride_tricks.sliding_window_view(text, PASSAGE)
    np.save(folder / "tokens.npy", passages[rng.integers(0, len(passages), tokens // PASSAGE)].ravel())
    shutil.copy(demo.ensure_store() / "tokenizer.json", folder)
    n_documents = tokens // DOCUMENT
    documents = {
        "offset": np.arange(n_documents + 1, dtype=np.int64) * DOCUMENT,
        "test": rng.integers(0, 2, n_documents, dtype=np.uint8),
    }
    save_file(documents, folder / "documents.safetensors")
    starts = (documents["offset"][:-1, None] + WINDOW * np.arange(DOCUMENT // WINDOW)).ravel().astype(np.uint32)
    pool = np.sort(rng.choice(starts, POOLED, replace=False))
    np.save(folder / "pool.npy", pool)
    entry = HookpointEntry(side="output", coder="invented", architecture="topk", width=LATENTS, sha256="")
    settings = Settings(tokens=tokens, window=WINDOW, sample=WINDOWS, pool=POOLED)
    write_hookpoint(folder, NAME, _selection(starts, pool, rng), Directions(), settings)
    Manifest(
        subject="invented", revision=None, subject_sha256="", bos=True, settings=settings, n_documents=n_documents,
        n_tokens=tokens, n_windows=len(starts), hookpoints={NAME: entry}, files=hash_files(folder), versions={},
    ).write(folder)  # fmt: skip


def _selection(starts: np.ndarray, pool: np.ndarray, rng: np.random.Generator):
    """Per latent WINDOWS windows, spread evenly, with 2.2 activations in the mean; one window in five is a top one."""
    from inspect_autointerp.prep.select.result import Block, Selection
    from inspect_autointerp.prep.select.selector import BINS

    window, flags, counts, pos, act = [], [], [], [], []
    for _ in range(0, LATENTS, 4096):
        shape = (4096, WINDOWS)
        place = (np.arange(WINDOWS) + rng.random(shape, dtype=np.float32)) * (len(starts) / WINDOWS)
        chosen = starts[np.minimum(place.astype(np.int64), len(starts) - 1)]
        window.append(chosen.ravel())
        flag = np.where(rng.random(shape, dtype=np.float32) < 0.2, SAMPLE | TOP, SAMPLE).astype(np.uint8)
        flags.append((flag | np.where(np.isin(chosen, pool), POOL, 0).astype(np.uint8)).ravel())
        fires = rng.random((*shape, 4), dtype=np.float32) < 0.55
        fires[..., 0] |= ~fires.any(axis=-1)
        counts.append(fires.sum(axis=(1, 2)))
        within = rng.integers(0, 8, fires.shape, dtype=np.uint8) + np.arange(0, WINDOW, 8, dtype=np.uint8)
        pos.append((chosen[..., None] + within)[fires])
        act.append((rng.random(len(pos[-1]), dtype=np.float32) + 0.1).astype(np.float16))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    block = Block(
        window=np.concatenate(window),
        flags=np.concatenate(flags),
        shared=np.zeros(LATENTS * WINDOWS, dtype=np.uint32),
        peak=np.full(LATENTS * WINDOWS, 1.1, dtype=np.float16),
        pos=np.concatenate(pos),
        act=np.concatenate(act),
    )
    return Selection(
        window_indptr=np.arange(LATENTS + 1, dtype=np.int64) * WINDOWS,
        indptr=indptr,
        blocks=iter([block]),
        pool=pool,
        n_tokens=np.diff(indptr),
        n_windows=np.full(LATENTS, WINDOWS),
        max_activation=np.full(LATENTS, 1.1, dtype=np.float32),
        histogram=np.zeros((LATENTS, BINS), dtype=np.int64),
    )


def measure(folder: Path, what: str) -> dict[str, float]:
    """Wall and CPU milliseconds of one thing, cold."""
    import pyarrow.parquet  # noqa: F401
    import tokenizers  # noqa: F401

    from inspect_autointerp.contexts.latent_windows import LatentWindows
    from inspect_autointerp.contexts.sampler import LatentContexts
    from inspect_autointerp.inspect_support.dataset import latent_dataset

    indices = np.random.default_rng(1).permutation(LATENTS).tolist()

    def load(store: Store, n: int) -> None:
        for latent in store.at(NAME).latents(indices[:n]):
            contexts = LatentContexts(store, latent)
            shown, tested = contexts.explain(40, 0), contexts.test(50, 50, 0)
            assert min(len(shown), len(tested) - 50) >= 20, "a synthetic latent lost its contexts"

    def opened() -> Store:
        """Open, with what all latents share."""
        store = Store(folder, verify=False)
        contexts = LatentContexts(store, store.at(NAME).latent(0))
        assert len(contexts.silent_starts("test")) and store.detokenizer
        return store

    drop(folder)
    store = opened() if what in ("one", "thousand", "windows") else None
    wall, cpu = time.perf_counter(), time.process_time()
    if what == "open":
        opened()
    elif what == "verified":
        Store(folder)
    elif what == "dataset":
        latent_dataset(folder, hookpoint=None, latents="sample:1000", min_contexts=20, seed=0)
    elif store and what == "windows":
        for latent in store.at(NAME).latents(indices[:1000]):
            kept = LatentWindows(store, NAME, latent.index)
            assert kept.on(kept.starts, WINDOW).any() and store.ids(kept.starts).size
    elif store:
        load(store, 1 if what == "one" else 1000)
    return {"wall": 1000 * (time.perf_counter() - wall), "cpu": 1000 * (time.process_time() - cpu)}


def drop(folder: Path) -> None:
    """Drop the folder's files from the page cache (Linux)."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


STEPS = {
    "open": "open, with what all latents share",
    "verified": "verify every file",
    "windows": "1,000 latents: all kept windows, their tokens and activations",
    "thousand": "1,000 latents: 40 contexts to explain, 100 to test, decoded",
    "one": "one latent, the same",
    "dataset": "verify, and a dataset of 1,000 latents",
}


def figures(folder: Path, tokens: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Make a store in a process of its own, and measure each step in three others; the medians."""
    _run("--make", str(tokens), str(folder))
    for step in STEPS:
        runs = [_run("--measure", step, str(folder)) for _ in range(3)]
        yield step, {key: float(np.median([run[key] for run in runs])) for key in ("wall", "cpu")}


def _run(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.store", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def main() -> None:
    """Make the stores, measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", type=int, metavar="TOKENS", help="make one store")
    parser.add_argument("--measure", choices=STEPS, help="one measurement, as JSON")
    parser.add_argument("folder", nargs="?", type=Path)
    arguments = parser.parse_args()
    if arguments.make:
        begun = time.perf_counter()
        make(arguments.folder, arguments.make)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": time.perf_counter() - begun, "peak_mb": peak}))
        return
    if arguments.measure:
        print(json.dumps(measure(arguments.folder, arguments.measure)))
        return
    console = Console()
    title = f"{LATENTS:,} latents × {WINDOWS} windows of {WINDOW}, page cache dropped: wall / CPU ms, medians of 3"
    table = Table(title=title, title_justify="left")
    table.add_column("corpus of")
    times: dict[int, dict[str, dict[str, float]]] = {}
    size = 0
    for tokens in TOKENS:
        table.add_column(f"{tokens:,} tokens", justify="right")
        with tempfile.TemporaryDirectory() as name, console.status(f"{tokens:,} tokens …"):
            times[tokens] = dict(figures(Path(name), tokens))
            size = (Path(name) / "hookpoints" / NAME / "postings.safetensors").stat().st_size
    for step, label in STEPS.items():
        cells = [times[tokens][step] for tokens in TOKENS]
        table.add_row(label, *(f"{cell['wall']:,.1f} / {cell['cpu']:,.1f}" for cell in cells))
    rates = {tokens: 1e6 / times[tokens]["thousand"]["cpu"] for tokens in TOKENS}
    table.add_row("latents per CPU second", *(f"{rate:,.0f}" for rate in rates.values()))
    for tokens, peer in PEER.items():
        ratios = (f"{rate / peer:,.0f} times" for rate in rates.values())
        table.add_row(f"  over the peer's {peer} at {tokens / 1e6:g} M", *ratios)
    console.print(table)
    console.print(f"{size / LATENTS / WINDOWS:.1f} bytes per kept window, {size / 1e6:,.0f} MB of postings in all")


if __name__ == "__main__":
    main()
