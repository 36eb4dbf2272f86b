"""Measure tool calls per second with many samples in flight, against a loop of single calls.

`python -m benchmarks.agent_tools` takes the demo's subject. A call is what the tool `activations` makes: one latent on
five texts. With n samples in flight, each waits for its answer before it calls again, as an agent does; a single call
at a time is the loop. What stands in a row is calls per second, and the ratio to the loop.
"""

import argparse
import time

import anyio
from rich.console import Console
from rich.table import Table

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.models.activations import Texts
from inspect_autointerp.models.from_store import load_firing
from inspect_autointerp.prep.engines.activations import ReadingSubject
from inspect_autointerp.store.store import Store

IN_FLIGHT = (1, 8, 32)
TEXTS = [
    "def read(self, name):", "    return None", "for line in lines:", "# the first word of a line",
    "raise ValueError(f'{name} is not a name')",
]  # fmt: skip


def loop(engine: ReadingSubject, width: int, seconds: float) -> float:
    """Return the calls per second of one call after the other, without anything around the engine."""
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        engine([Texts(n % width, _texts(n))])
        n += 1
    return n / (time.perf_counter() - start)


async def in_flight(store: Store, hookpoint: str, samples: int, seconds: float) -> float:
    """Return the calls per second of so many samples that share an engine."""
    firing, width = load_firing(store, hookpoint), store.at(hookpoint).width
    await firing(0, TEXTS)  # warm
    done, start = 0, time.perf_counter()

    async def agent(number: int) -> None:
        nonlocal done
        while time.perf_counter() - start < seconds:
            await firing((number + done) % width, _texts(number + done))
            done += 1

    async with anyio.create_task_group() as group:
        for number in range(samples):
            group.start_soon(agent, number)
    return done / (time.perf_counter() - start)


def _texts(n: int) -> list[str]:
    return [f"{text}  # {n}" for text in TEXTS]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default=None)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each row")
    arguments = parser.parse_args()
    store = Store.open(locate(arguments.store))
    hookpoint = store.hookpoints[-1]
    engine = ReadingSubject(store, hookpoint)
    engine([Texts(0, TEXTS)])
    alone = loop(engine, store.at(hookpoint).width, arguments.seconds)
    table = Table("samples in flight", "calls per second", "ratio to the loop")
    table.add_row("a loop of single calls", f"{alone:.1f}", "1.00")
    for samples in IN_FLIGHT:
        rate = anyio.run(in_flight, store, hookpoint, samples, arguments.seconds)
        table.add_row(str(samples), f"{rate:.1f}", f"{rate / alone:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
