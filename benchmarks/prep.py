"""What selection costs over the bare forward pass and encoding, and what memory prep takes as the corpus grows.

`python -m benchmarks.prep` measures, on the demo subject with its three coders, in CPU time on one thread:
- bare: the forward pass and encoding alone, of the same batches;
- prep: all that `autointerp prep` does after loading (tokenizing, forward, encoding, selection, writing the store).
Every measurement is a process of its own, so that peak memory is its own too. Bare and prep take turns, and the ratio
is that of their medians.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

TOKENS = (250_000, 500_000, 1_000_000)


def measure(mode: str, tokens: int) -> dict[str, float]:
    """CPU seconds of the measured part, and peak resident memory of the whole process in MB."""
    import torch
    from torch import Tensor

    from inspect_autointerp import demo
    from inspect_autointerp.prep.chunks import Chunker
    from inspect_autointerp.prep.coders import Coder, SaeLensCoder
    from inspect_autointerp.prep.corpus import documents
    from inspect_autointerp.prep.directions import directions
    from inspect_autointerp.prep.run import fold
    from inspect_autointerp.prep.selector import Selector
    from inspect_autointerp.prep.subject import Hookpoint, Subject
    from inspect_autointerp.prep.writer import write_corpus, write_hookpoint
    from inspect_autointerp.settings import Settings

    torch.set_num_threads(1)
    settings = Settings(tokens=tokens)
    coders = [SaeLensCoder(str(path)) for path in demo.coders()]
    model = Subject(str(demo.SUBJECT), [coder.hookpoint or "" for coder in coders])
    sites: dict[str, Coder] = {hookpoint.name: coder for hookpoint, coder in zip(model.hookpoints, coders, strict=True)}
    if mode == "bare":
        batches = list(Chunker(model.tokenizer, settings).batches(documents("stdlib")))
        began = time.process_time()
        for batch in batches:
            real = torch.from_numpy(batch.pos >= 0).flatten()

            def encode(hookpoint: Hookpoint, value: Tensor, real: Tensor = real) -> None:
                sites[hookpoint.name].encode(value.flatten(0, 1)[real])

            model.run(torch.from_numpy(batch.ids), encode)
        seconds = time.process_time() - began
    else:
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            chunker = Chunker(model.tokenizer, settings, tokens_file=Path(folder) / "tokens.raw")
            selectors = {name: Selector(coder.n_latents) for name, coder in sites.items()}
            for batch in chunker.batches(documents("stdlib")):
                fold(model, sites, selectors, batch)
            write_corpus(Path(folder), Path(folder) / "tokens.raw", chunker)
            for name, selector in selectors.items():
                found = directions(sites[name].decoder, model.unembedding())
                write_hookpoint(Path(folder), name, selector.finish(), found, settings.window)
        seconds = time.process_time() - began
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def in_process(mode: str, tokens: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.prep", "--measure", mode, "--tokens", str(tokens)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", choices=["bare", "prep"], help="one measurement, as JSON")
    parser.add_argument("--tokens", type=int, default=TOKENS[0])
    parser.add_argument("--repeats", type=int, default=3, help="of the smallest size")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.tokens)))
        return
    console = Console()
    table = Table(title="prep of the demo subject, three coders, one thread", title_justify="left")
    for column in ("tokens", "bare, CPU s", "prep, CPU s", "overhead", "prep, peak MB"):
        table.add_column(column, justify="right")
    for tokens in TOKENS:
        repeats = arguments.repeats if tokens == TOKENS[0] else 1
        rounds = [(in_process("bare", tokens), in_process("prep", tokens)) for _ in range(repeats)]
        bare, prep = (median(one[i]["seconds"] for one in rounds) for i in (0, 1))
        peak = median(one[1]["peak_mb"] for one in rounds)
        table.add_row(f"{tokens:,}", f"{bare:.1f}", f"{prep:.1f}", f"{100 * (prep / bare - 1):+.1f} %", f"{peak:,.0f}")
        console.print(f"{tokens:,} tokens done")
    console.print(table)


if __name__ == "__main__":
    main()
