"""What prep costs over the bare forward pass and encoding, and what memory it takes as the corpus grows.

`python -m benchmarks.prep` measures the demo subject with its three coders, in CPU time on one thread. Every batch is
run twice in turn, bare (forward pass and encoding) and as prep runs it (the same, and selection), so that both meet the
same state of the machine; reading the corpus and writing the store are timed apart. Every size is a process of its own,
so that its peak memory is too.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

TOKENS = (250_000, 500_000, 1_000_000)


def measure(tokens: int) -> dict[str, float]:
    """CPU seconds of each part, and the process's peak resident memory in MB."""
    import torch
    from torch import Tensor

    from inspect_autointerp import demo
    from inspect_autointerp.prep.chunks import Batch, Chunker
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
    sites: dict[str, Coder] = {h.name: coder for h, coder in zip(model.hookpoints, coders, strict=True)}
    selectors = {name: Selector(coder.n_latents) for name, coder in sites.items()}

    def bare(batch: Batch) -> None:
        real = torch.from_numpy(batch.pos >= 0).flatten()

        def encode(hookpoint: Hookpoint, value: Tensor) -> None:
            sites[hookpoint.name].encode(value.flatten(0, 1)[real])

        model.run(torch.from_numpy(batch.ids), encode)

    seconds = {"bare": 0.0, "fold": 0.0, "read": 0.0, "write": 0.0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chunker = Chunker(model.tokenizer, settings, tokens_file=folder / "tokens.raw")
        clock = time.process_time()

        def lap(part: str) -> None:
            nonlocal clock
            seconds[part] += time.process_time() - clock
            clock = time.process_time()

        for batch in chunker.batches(documents("stdlib")):
            lap("read")
            bare(batch)
            lap("bare")
            fold(model, sites, selectors, batch)
            lap("fold")
        write_corpus(folder, folder / "tokens.raw", chunker)
        unembedding = model.unembedding()
        for hookpoint, selector in selectors.items():
            selection = selector.finish()
            lap("fold")
            write_hookpoint(
                folder, hookpoint, selection, directions(sites[hookpoint].decoder, unembedding), settings.window
            )
            lap("write")
    return seconds | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", type=int, metavar="TOKENS", help="one measurement, as JSON")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    console = Console()
    table = Table(title="prep of the demo subject, three coders, one thread, CPU seconds", title_justify="left")
    for column in ("tokens", "forward + encode", "+ selection", "+ reading, writing", "peak MB"):
        table.add_column(column, justify="right")
    for tokens in TOKENS:
        command = [sys.executable, "-m", "benchmarks.prep", "--measure", str(tokens)]
        with console.status(f"{tokens:,} tokens …"):
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        selected, total = found["fold"], found["fold"] + found["read"] + found["write"]
        table.add_row(
            f"{tokens:,}",
            f"{found['bare']:.1f}",
            f"{selected:.1f} ({100 * (selected / found['bare'] - 1):+.1f} %)",
            f"{total:.1f} ({100 * (total / found['bare'] - 1):+.1f} %)",
            f"{found['peak_mb']:,.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
