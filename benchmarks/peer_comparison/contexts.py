"""Building contexts: from Delphi's cache and from a store, of the same latents and as many for each."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_comparison.install import TokenwiseTokenizer, import_from

EXPLAIN, TEST = 40, 50
"""Contexts to explain, and of each kind to test, by Delphi's defaults."""


def records(installed: str, cache: str, subject: str, hookpoint: str, latents: list[int]) -> Any:
    """Return Delphi's dataset of these latents, which builds their records while it is read.

    Args:
        installed: Folder that Delphi is installed in.
        cache: Its cache.
        subject: The model, for its tokenizer.
        hookpoint: The hookpoint.
        latents: Indices.
    """
    import_from(Path(installed))
    import torch
    from delphi.config import ConstructorConfig, SamplerConfig  # pyright: ignore[reportMissingImports]
    from delphi.latents import LatentDataset  # pyright: ignore[reportMissingImports]
    from transformers import AutoTokenizer

    torch.set_num_threads(1)
    return LatentDataset(
        raw_dir=cache,
        sampler_cfg=SamplerConfig(n_examples_train=EXPLAIN, n_examples_test=TEST),
        constructor_cfg=ConstructorConfig(n_non_activating=TEST),
        tokenizer=TokenwiseTokenizer(AutoTokenizer.from_pretrained(subject)),
        modules=[hookpoint],
        latents={hookpoint: torch.tensor(latents)},
    )


def delphi(installed: str, cache: str, subject: str, hookpoint: str, latents: list[int]) -> dict[str, Any]:
    """Build the records, and return seconds and how many contexts there are; the arguments are those of `records`."""
    import transformers.models.auto.tokenization_auto  # noqa: F401

    import_from(Path(installed))
    import delphi.latents  # noqa: F401  # pyright: ignore[reportMissingImports]

    cpu, wall = time.process_time(), time.perf_counter()
    dataset = records(installed, cache, subject, hookpoint, latents)
    load = time.process_time() - cpu
    decoding = timed_decoding(dataset.tokenizer)
    counts = [[len(record.train), len(record.test), len(record.not_active)] for record in dataset]
    figures = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return figures | {"open": load, "decoding": sum(decoding), "counts": sorted(map(tuple, counts))}


def timed_decoding(tokenizer: TokenwiseTokenizer) -> list[float]:
    """Let a tokenizer note the CPU time of each window that it decodes, and return the list of them."""
    seconds: list[float] = []
    decode = tokenizer.batch_decode

    def counted(ids: Any) -> list[str]:
        begin = time.process_time()
        tokens = decode(ids)
        seconds.append(time.process_time() - begin)
        return tokens

    tokenizer.batch_decode = counted
    return seconds


def here(store: str, hookpoint: str, latents: list[int]) -> dict[str, Any]:
    """Open a store and draw the contexts; see `delphi`."""
    from inspect_autointerp.contexts.sampler import LatentContexts
    from inspect_autointerp.store.store import Store

    cpu, wall = time.process_time(), time.perf_counter()
    opened = Store(store)  # every file is checked against its digest
    at = opened.at(hookpoint)
    load = time.process_time() - cpu
    counts = []
    for latent in at.latents(latents):
        contexts = LatentContexts(opened, latent)
        explain, test = contexts.explain(EXPLAIN, 0), contexts.test(TEST, TEST, 0)
        active = sum(context.kind == "activating" for context in test)
        counts.append([len(explain), active, len(test) - active])
    figures = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return figures | {"open": load, "counts": sorted(map(tuple, counts))}


def agreement(
    installed: str, cache: str, store: str, subject: str, hookpoint: str, latents: list[int]
) -> dict[str, int]:
    """Check that each activating context of ours is one of Delphi's windows, with the same tokens and activations.

    Args:
        installed: See `records`.
        cache: See `records`.
        store: Our store.
        subject: See `records`.
        hookpoint: See `records`.
        latents: See `records`.

    Returns:
        The number of contexts compared.

    Raises:
        AssertionError: One is not among Delphi's.
    """
    from inspect_autointerp.contexts.sampler import LatentContexts
    from inspect_autointerp.store.store import Store

    opened = Store(store)
    at = opened.at(hookpoint)
    compared = 0
    for record in records(installed, cache, subject, hookpoint, latents):
        windows = {_window(example) for example in record.examples}
        contexts = LatentContexts(opened, at.latent(record.latent.latent_index))
        for context in contexts.explain(EXPLAIN, 0):
            ids = opened.ids(np.array([context.start]))[0].astype(np.int64)
            same = (ids.tobytes(), context.activations.astype(np.float32).tobytes()) in windows
            assert same, f"{record.latent}: the window at token {context.start}, as it is here, is not among Delphi's"
            compared += 1
    return {"contexts": compared}


def _window(example: Any) -> tuple[bytes, bytes]:
    """Tokens and activations of a window of Delphi's, to compare."""
    return example.tokens.numpy().astype(np.int64).tobytes(), example.activations.float().numpy().tobytes()
