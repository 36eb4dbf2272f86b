"""Cost of prep over the bare forward pass and encoding, its memory, and how both grow.

`python -m benchmarks.prep` measures a random Llama and random top-k SAEs in SAELens's format (see `synthetic`), in CPU
time of one thread, or with `--device cuda` a 2B-shaped model by the clock. Every row is a process of its own, so that
its peak memory is too; what it reads is made beforehand in another folder.

Overhead: each batch is run bare (forward pass and encoding) and as prep runs it, see `prep_measures`. Memory: `prep`
itself makes a store. Growth: as overhead, with more latents and hookpoints.

`--subject` with `--coder` and the like measures a model of one's own instead, as overhead, with reading and writing.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks import synthetic
from benchmarks.as_json import save_tables
from benchmarks.prep_measures import MEASURES, in_children
from benchmarks.prep_tables import memory_table, parts_table, real_table, shape_table

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
        print(json.dumps(MEASURES[what](Path(folder), **json.loads(given))))
        return
    less = QUICK if arguments.quick else 1
    console = Console(width=None if sys.stdout.isatty() else 160)
    if arguments.subject:
        given = {"subject": arguments.subject, "coders": arguments.coder, "hookpoints": arguments.hookpoint}
        given |= {"corpus": arguments.corpus, "device": arguments.device, "batch_size": 16}
        console.print(real_table(console, arguments.tokens, arguments.dtype, given, arguments.json))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        if arguments.store:
            tokens = arguments.tokens[-1]
            costs = in_children(
                folder, "store", tokens=tokens, latents=arguments.latents, device=arguments.device,
                shape=arguments.shape, store=arguments.store,
            )  # fmt: skip
            save_tables(arguments.json, raw=costs)
            return
        if arguments.shape:
            table, costs = shape_table(folder, arguments)
            console.print(table)
            save_tables(arguments.json, table, raw=costs)
            return
        if arguments.device == "cuda":
            rows = [(GPU[0] // less, GPU[1], 1, 16)]
            console.print(parts_table("2B-shaped model, µs per token by the clock", console, folder, rows, "cuda"))
            return
        if arguments.only in (None, "overhead"):
            rows = [(tokens // less, LATENTS, 1, 16) for tokens in OVERHEAD]
            console.print(parts_table("overhead, µs per token, CPU time of one thread", console, folder, rows, "cpu"))
        if arguments.only in (None, "memory"):
            console.print(
                memory_table(console, folder, [MEMORY[0], *(tokens // less for tokens in MEMORY[1:])], LATENTS)
            )
        if arguments.only in (None, "growth"):
            rows = [(max(4096, row[0] // less), *row[1:]) for row in GROWTH]
            console.print(parts_table("growth, µs per token, CPU time of one thread", console, folder, rows, "cpu"))


if __name__ == "__main__":
    main()
