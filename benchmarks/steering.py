"""Speed of steering: tuning the strength, then continuing prompts, clean and steered.

`python -m benchmarks.steering` takes the demo's store and prints latents per minute, of a latent at a time, of many
together, and of a latent at a time without what the engine keeps of the prompts, as plain `transformers` would do it
(every pass reads the prompts again; `generate` with its own cache); then how many passes tuning takes for each target.
"""

import argparse
import time
from collections.abc import Callable
from itertools import islice

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.as_json import save_tables
from inspect_autointerp.builtin import demo
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context
from inspect_autointerp.models.steering import Direction, Generate, Tune
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.prep.subject.activation_edit import changed
from inspect_autointerp.store.store import Store

TUNED, SCORED = 10, 30
"""Prompts per latent, to tune on and to go on from."""
TARGETS = (0.1, 0.33, 1.0, 3.0)
Work = tuple[int, list[list[int]], list[list[int]]]
"""A latent, and its two kinds of prompts."""


def work(store: Store, hookpoint: str) -> list[Work]:
    """The latents that have prompts enough, in a random order."""
    width = store.at(hookpoint).width
    usable: list[Work] = []
    for latent in np.random.default_rng(0).permutation(width).tolist():
        contexts = LatentContexts(store, store.at(hookpoint).latent(latent))
        tuned = cut(store, contexts.activating("explain"), TUNED)
        scored = cut(store, contexts.activating("test"), SCORED)
        if len(tuned) == TUNED and len(scored) == SCORED:
            usable.append((latent, tuned, scored))
    return usable


def cut(store: Store, contexts: list[Context], n: int) -> list[list[int]]:
    """The first n beginnings that end where the latent first fires."""
    ends = ((context.start, int((context.activations > 0).argmax())) for context in contexts)
    some = islice(((start, first) for start, first in ends if first), n)
    return [store.tokens[start : start + first + 1].tolist() for start, first in some]


def by_engine(engine: SteeredSubject, latents: list[Work]) -> None:
    """Tune to a KL of 1, then go on from the prompts."""
    tuned = engine.tune([Tune(Direction(latent), prompts, 1.0) for latent, prompts, _ in latents])
    pairs = zip(latents, tuned, strict=True)
    engine.generate([Generate(Direction(latent), scored, t.strength or 0.0, 0) for (latent, _, scored), t in pairs])


def one_by_one(engine: SteeredSubject, latents: list[Work]) -> None:
    """The same, a latent at a time."""
    for latent in latents:
        by_engine(engine, [latent])


@torch.inference_mode()
def plainly(engine: SteeredSubject, latents: list[Work], passes: int = 3) -> None:
    """The same for a latent at a time, by `transformers` alone: as many passes as tuning needs in the middle."""
    model, module = engine.subject.model, engine.subject.place(engine.hookpoint)[0]

    def padded(prompts: list[list[int]]) -> dict[str, torch.Tensor]:
        width = max(map(len, prompts)) + 1
        rows = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt) - 1) + [1] * (len(prompt) + 1) for prompt in prompts]
        device = engine.subject.device
        return {"input_ids": torch.tensor(rows).to(device), "attention_mask": torch.tensor(mask).to(device)}

    for latent, tuned, scored in latents:
        added = engine.directions([Direction(latent)])[0]

        def add(value: torch.Tensor, added: torch.Tensor = added) -> torch.Tensor:
            value = value.clone()
            value[:, -1] += added
            return value

        model(**padded(tuned), use_cache=False)
        with changed(module, "output", add):
            for _ in range(passes):
                model(**padded(tuned), use_cache=False, logits_to_keep=1)
        options = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": True, "pad_token_id": 0}
        model.generate(**padded(scored), **options)
        with changed(module, "output", add):
            model.generate(**padded(scored), **options)


def per_minute(run: Callable[[], None], n: int, repeats: int) -> float:
    """Latents per minute, at best."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return 60 * n / min(seconds)


def speed(engine: SteeredSubject, latents: list[Work], repeats: int) -> Table:
    """Latents per minute."""
    n, few = len(latents), latents[: max(1, len(latents) // 4)]
    ways = {
        "a latent at a time, transformers alone": per_minute(lambda: plainly(engine, few), len(few), repeats),
        "a latent at a time": per_minute(lambda: one_by_one(engine, few), len(few), repeats),
        f"{n} latents together": per_minute(lambda: by_engine(engine, latents), n, repeats),
    }
    where = "one CPU thread" if engine.subject.device.type == "cpu" else torch.cuda.get_device_name()
    table = Table(title=f"{TUNED} prompts to tune on, {SCORED} to go on from; {where}")
    table.title_justify = "left"
    table.add_column("way")
    table.add_column("latents per minute", justify="right")
    table.add_column("×", justify="right")
    base = ways["a latent at a time"]
    for way, rate in ways.items():
        table.add_row(way, f"{rate:.0f}", f"{rate / base:.2f}")
    return table


def passes(engine: SteeredSubject, latents: list[Work]) -> Table:
    """Return how many passes tuning takes, and how many latents reach each target."""
    table = Table(title=f"Tuning {len(latents)} latents at {engine.hookpoint}", title_justify="left")
    for column in ("target KL", "reached", "passes, mean", "most", "strength × length, median"):
        table.add_column(column, justify="right")
    lengths = engine.directions([Direction(latent) for latent, *_ in latents]).norm(dim=1).tolist()
    for target in TARGETS:
        tuned = engine.tune([Tune(Direction(latent), prompts, target) for latent, prompts, _ in latents])
        n = [t.n_passes for t in tuned]
        added = [t.strength * length for t, length in zip(tuned, lengths, strict=True) if t.strength is not None]
        share = f"{100 * len(added) / len(tuned):.1f} %"
        median = f"{np.median(added):.1f}" if added else "none reached"
        table.add_row(f"{target:g}", share, f"{np.mean(n):.1f}", str(max(n)), median)
    return table


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="a store; by default the demo's")
    parser.add_argument("--hookpoint", help="by default the store's only one, of the demo layers.2")
    parser.add_argument("--latents", type=int, default=48, help="for the speed")
    parser.add_argument("--tuned", type=int, default=500, help="for the passes")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="write the tables to this file too")
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        torch.set_num_threads(1)
    store = Store(arguments.store or demo.ensure_store())
    hookpoint = arguments.hookpoint or ("layers.2" if not arguments.store else next(iter(store.manifest.hookpoints)))
    engine = SteeredSubject(store, hookpoint, device=arguments.device)
    latents = work(store, hookpoint)
    tables = speed(engine, latents[: arguments.latents], arguments.repeats), passes(engine, latents[: arguments.tuned])
    for table in tables:
        Console().print(table)
    save_tables(arguments.json, *tables)


if __name__ == "__main__":
    main()
