"""Cost of running out of memory: the steering engine with too many prompts at once, and with the number that fits.

`python -m benchmarks.halving --device cuda` leaves the engine little more memory than the model takes, so that the
first batches do not fit and are halved (`prep.engines.halving`). It prints how many prompts go at once before and
after, what the halving costs beside a run that begins with the number that fits, and whether both find the same
strengths. A CPU has no such limit, so the program ends with exit status 3 there.
"""

import argparse
import sys
import time

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.as_json import save_tables
from benchmarks.steering import work
from inspect_autointerp.builtin import demo
from inspect_autointerp.models.steering import Direction, Tune, Tuned
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.store.store import Store

NO_GPU = 3


def tune(store: Store, hookpoint: str, rows: int, latents: int) -> tuple[float, int, list[Tuned]]:
    """Seconds, prompts that go at once in the end, and what was tuned."""
    engine = SteeredSubject(store, hookpoint, device="cuda", rows=rows)
    asked = [Tune(Direction(latent), prompts, 1.0) for latent, prompts, _ in work(store, hookpoint)[:latents]]
    torch.cuda.synchronize()
    begin = time.perf_counter()
    tuned = engine.tune(asked)
    torch.cuda.synchronize()
    return time.perf_counter() - begin, engine._size.most, tuned


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="a store; by default the demo's")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--latents", type=int, default=400)
    parser.add_argument("--rows", type=int, default=4000, help="prompts at once, to begin with")
    parser.add_argument("--megabytes", type=int, default=512, help="memory left beside the model")
    parser.add_argument("--json", help="write the table to this file too")
    arguments = parser.parse_args()
    if arguments.device == "cpu" or not torch.cuda.is_available():
        print("not run: it needs a GPU")
        sys.exit(NO_GPU)
    store = Store(arguments.store or demo.ensure_store())
    hookpoint = next(iter(store.manifest.hookpoints))
    tune(store, hookpoint, 10, 1)  # starts the libraries
    model = torch.cuda.max_memory_reserved()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (model + 2**20 * arguments.megabytes) / total))
    halved, fits, first = tune(store, hookpoint, arguments.rows, arguments.latents)
    direct, _, second = tune(store, hookpoint, fits, arguments.latents)
    same = sum(one.strength == other.strength for one, other in zip(first, second, strict=True))
    table = Table(title=f"{arguments.megabytes} MB beside the model; {torch.cuda.get_device_name()}")
    for column in ("prompts at once", "in the end", "seconds", "with the number that fits", "×", "same strength"):
        table.add_column(column, justify="right")
    table.add_row(
        str(arguments.rows), str(fits), f"{halved:.2f}", f"{direct:.2f}", f"{halved / direct:.2f}",
        f"{same} of {len(first)}",
    )  # fmt: skip
    Console().print(table)
    save_tables(arguments.json, table)


if __name__ == "__main__":
    main()
