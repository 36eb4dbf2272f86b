"""Caching activations: the time, the memory and the disk space that each needs for the same tokens."""

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peer_comparison.inputs import BATCH, CONTEXT, WINDOW
from benchmarks.peer_comparison.install import import_from

SPLITS = 5
"""Files that Delphi parts the latents into, its default."""
MOST = 50
"""Contexts of a kind that either is asked for, at most."""
LEAST = 200
"""Activating windows that Delphi asks of a latent, by default."""
TOLERANCE = 1e-4
"""Share of all activations that may differ: two that are equal up to the last bits can change places at rank k."""


class Clock:
    """CPU time and time by the clock, since it was made, and the CPU time spent within some functions."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        self.within = 0.0
        self.loaded: tuple[float, float] | None = None
        """CPU seconds and peak memory in MB before one of the functions was called for the first time."""

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, whose CPU time is counted."""

        def counted(*arguments: Any, **options: Any) -> Any:
            if self.loaded is None:
                self.loaded = (time.process_time() - self._cpu, peak())
            begin = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.within += time.process_time() - begin

        return counted

    def figures(self, folder: Path) -> dict[str, float]:
        """Return seconds, megabytes of peak memory, and bytes of the files below a folder."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        load, start = self.loaded or (cpu, peak())
        files = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        return {
            "cpu": cpu - load, "wall": wall, "load": load, "bare": self.within, "peak": peak(), "start": start,
            "bytes": files,
        }  # fmt: skip


def peak() -> float:
    """Return the process's peak resident memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def here(inputs: str, subject: str, hookpoint: str, tokens: int, output: str) -> dict[str, float]:
    """Make a store with `prep`, and return the figures.

    Args:
        inputs: Folder of `write_inputs`.
        subject: The model.
        hookpoint: The module that the SAE reads.
        tokens: How many tokens of the documents.
        output: The store's folder.
    """
    import transformers.models.auto.modeling_auto  # noqa: F401  # imports are no part of what is measured

    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.prep.run.scan import Scan
    from inspect_autointerp.store.settings import Settings

    torch.set_num_threads(1)
    job = Job(
        subject=subject,
        coders=[f"{inputs}/coders/{hookpoint}"],
        hookpoints=[hookpoint],
        bos=False,
        batch_size=BATCH,
        settings=Settings(
            corpus=f"{inputs}/documents.jsonl", tokens=tokens, context_length=CONTEXT, window=WINDOW, dtype="float32"
        ),
    )
    clock = Clock()
    Scan.encode = clock.timed(Scan.encode)
    prep(job, Path(output), progress=False)
    return clock.figures(Path(output))


def delphi(installed: str, inputs: str, subject: str, hookpoint: str, tokens: int, output: str) -> dict[str, float]:
    """Make a cache with Delphi, and return the figures; the arguments are those of `here`, and where Delphi is."""
    import_from(Path(installed))
    import transformers.models.auto.modeling_auto  # noqa: F401
    from delphi.config import CacheConfig  # pyright: ignore[reportMissingImports]
    from delphi.latents import LatentCache  # pyright: ignore[reportMissingImports]
    from delphi.sparse_coders.load_sparsify import load_sparsify_hooks  # pyright: ignore[reportMissingImports]
    from transformers import AutoModel

    torch.set_num_threads(1)
    folder = Path(output)
    folder.mkdir(parents=True)
    clock = Clock()
    model = AutoModel.from_pretrained(subject, dtype=torch.float32)
    encoders, transcode = load_sparsify_hooks(model, f"{inputs}/coders", [hookpoint])
    model.forward = clock.timed(model.forward)
    encoders = {name: clock.timed(encode) for name, encode in encoders.items()}
    rows = torch.from_numpy(np.load(f"{inputs}/tokens.npy"))
    cache = LatentCache(model, encoders, batch_size=BATCH, transcode=transcode)
    cache.run(tokens, rows)
    cache.save_splits(n_splits=SPLITS, save_dir=folder)
    settings = CacheConfig(batch_size=BATCH, cache_ctx_len=CONTEXT, n_tokens=tokens, n_splits=SPLITS)
    cache.save_config(save_dir=folder, cfg=settings, model_name=subject)
    return clock.figures(folder)


def agreement(inputs: str, hookpoint: str, tokens: int, store: str, cache: str, latents: int) -> dict[str, Any]:
    """Check that both read and found the same, and choose latents that both can evaluate.

    Args:
        inputs: Folder of `write_inputs`.
        hookpoint: The module that the SAE reads.
        tokens: How many tokens both were given.
        store: Our store.
        cache: Delphi's cache.
        latents: How many latents to choose, the first ones that can be evaluated.

    Returns:
        Numbers of tokens and activations, and the largest differences per latent, see `differences`; `chosen`: indices.

    Raises:
        AssertionError: They differ.
    """
    from inspect_autointerp.contexts.sampler import LatentContexts
    from inspect_autointerp.store.store import Store

    opened = Store(store)
    at = opened.at(hookpoint)
    given = np.load(f"{inputs}/tokens.npy").reshape(-1)[:tokens]
    counts, windows, cached = cached_counts(Path(cache) / hookpoint, at.width)
    assert np.array_equal(opened.tokens, given), "the store's tokens are not those that were given"
    assert np.array_equal(cached, given), "the cache's tokens are not those that were given"
    table = at.table(["n_tokens", "n_windows"])
    ours = {name: table[name].to_numpy() for name in ("n_tokens", "n_windows")}
    result: dict[str, Any] = {"tokens": len(given), "activations": int(counts.sum())}
    result |= differences(ours["n_tokens"], counts, "activations")
    result |= differences(ours["n_windows"], windows, "windows")
    chosen: list[int] = []
    for index in np.flatnonzero(windows >= LEAST).tolist():
        if len(chosen) == latents:
            break
        explain, test, silent = LatentContexts(opened, at.latent(index)).n_available()
        if min(explain, test, silent) >= MOST:
            chosen.append(index)
    return result | {"chosen": chosen}


def differences(ours: np.ndarray, theirs: np.ndarray, what: str) -> dict[str, int]:
    """Return how many latents' counts differ, and by how many in all.

    Args:
        ours: (latent,).
        theirs: (latent,).
        what: What was counted.

    Raises:
        AssertionError: More than `TOLERANCE` of all are in only one of the two.
    """
    apart = np.abs(ours.astype(np.int64) - theirs.astype(np.int64))
    assert apart.sum() <= TOLERANCE * theirs.sum(), f"{apart.sum():,} of {theirs.sum():,} {what} are in one of the two"
    return {f"latents whose {what} differ": int((apart > 0).sum()), f"{what} that differ": int(apart.sum())}


def cached_counts(folder: Path, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what Delphi's cache holds: activations and windows per latent, both (latent,), and tokens, (token,)."""
    from safetensors.numpy import load_file

    counts, windows, tokens = np.zeros(width, dtype=np.int64), np.zeros(width, dtype=np.int64), np.zeros(0)
    for file in folder.glob("*.safetensors"):
        first = int(file.stem.partition("_")[0])
        split = load_file(file)
        row, position, latent = split["locations"].astype(np.int64).T
        counts += np.bincount(latent + first, minlength=width)
        window = (row * CONTEXT + position) // WINDOW
        pair = np.unique((latent + first) * (split["tokens"].size // WINDOW) + window)
        windows += np.bincount(pair // (split["tokens"].size // WINDOW), minlength=width)
        tokens = split["tokens"].reshape(-1)
    return counts, windows, tokens
