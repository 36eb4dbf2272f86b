"""Cost of selection alone on a real model's activations, and how it grows with the corpus.

`python -m benchmarks.selection --subject PATH --coder … --hookpoint … --corpus …` runs the model and its coders once
over `--recorded` tokens, as prep does, and keeps all activations. Selection then gets them again for each number of
`--tokens`. Beyond the recorded tokens it gets copies of them at further positions, whose windows have hashes of their
own: their priorities are new, and their activations are the same. So a row with copies costs what new text would cost
whose activations are distributed alike; it is no measurement of such text.

The table has CPU time of one thread: µs per token for selection, from the first batch to the end, and its share of
forward pass and encoding. Reading and writing are not in it; `benchmarks.prep` measures them.
"""

import argparse
import copy
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.as_json import save_tables
from inspect_autointerp.prep.corpus.chunks import Batch
from inspect_autointerp.prep.corpus.documents import corpus_documents
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.scan import Scan
from inspect_autointerp.prep.select.selector import Selector
from inspect_autointerp.store.settings import Settings


class Recorded(NamedTuple):
    """A batch, and what its coders say of it: token and latent in as few bytes as they need, and the activation."""

    batch: Batch
    activations: dict[str, tuple[Tensor, Tensor, Tensor]]
    n_tokens: int


def record(scan: Scan) -> tuple[list[Recorded], float]:
    """Run the corpus through the model and its coders; return every batch, and CPU seconds of forward and encoding."""
    recorded: list[Recorded] = []
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        scan.chunker.tokens_file = Path(folder) / "tokens.raw"
        for _, batch in scan.chunker.batches(corpus_documents(scan.job.settings)):
            begin = time.process_time()
            activations = scan.encode(batch)
            seconds += time.process_time() - begin
            kept = {
                name: (token.to(torch.int32), latent.to(torch.int32), act)
                for name, (token, latent, act) in activations.items()
            }
            recorded.append(Recorded(batch, kept, int((batch.pos >= 0).sum())))
    return recorded, seconds


def select(selector: Selector, hookpoint: str, recorded: list[Recorded], tokens: int) -> tuple[float, int, int]:
    """Return CPU seconds of selection, tokens that it got, and windows that it keeps."""
    total = sum(one.n_tokens for one in recorded)
    seconds, n_tokens, number = 0.0, 0, 0
    while n_tokens < tokens:
        copies, index = divmod(number, len(recorded))
        batch, activations, n = recorded[index]
        windows = batch.windows
        if copies:
            salt = np.random.default_rng(copies).integers(-(2**63), 2**63)
            windows = replace(windows, start=windows.start + copies * total, hash=windows.hash ^ salt)
            if windows.low is not None and windows.high is not None:
                windows = replace(windows, low=windows.low + copies * total, high=windows.high + copies * total)
        token, latent, act = activations[hookpoint]
        pos, window = (torch.from_numpy(column).flatten() for column in (batch.pos, batch.window))
        begin = time.process_time()
        token = token.to(torch.int64)
        selector.add(latent.to(torch.int64), pos[token] + copies * total, act, window[token], windows)
        seconds += time.process_time() - begin
        n_tokens, number = n_tokens + n, number + 1
    begin = time.process_time()
    selection = selector.finish()
    for _ in selection.blocks:
        pass
    return seconds + time.process_time() - begin, n_tokens, int(selection.window_indptr[-1])


def main() -> None:
    """Record, select, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subject", required=True, help="as for `autointerp prep`")
    parser.add_argument("--coder", action="append", required=True, help="as for `autointerp prep`; repeat it")
    parser.add_argument("--hookpoint", action="append", default=[], help="as for `autointerp prep`")
    parser.add_argument("--corpus", default="stdlib", help="as for `autointerp prep`")
    parser.add_argument("--dtype", default="bfloat16", help="of the subject")
    parser.add_argument("--recorded", type=int, default=100_000, help="tokens that the model reads")
    sizes = [20_000, 50_000, 100_000, 200_000, 1_000_000]
    parser.add_argument("--tokens", type=int, nargs="+", default=sizes, help="a row for each number")
    parser.add_argument("--json", help="write the table to this file too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings(corpus=arguments.corpus, tokens=arguments.recorded, dtype=arguments.dtype)
    scan = Scan(
        Job(
            subject=arguments.subject, coders=arguments.coder, hookpoints=arguments.hookpoint, settings=settings,
            device="cpu",
        ),
        progress=False,
    )  # fmt: skip
    recorded, seconds = record(scan)
    total = sum(one.n_tokens for one in recorded)
    bare = seconds / total
    title = f"selection, µs per token (of forward + encode, {1e6 * bare:,.0f} µs); {total:,} tokens recorded"
    table = Table(title=title, title_justify="left")
    for column in ("tokens", "of them copies", *scan.found.selectors, "together", "windows kept"):
        table.add_column(column, justify="right")
    for tokens in arguments.tokens:
        costs: list[float] = []
        n_tokens = n_windows = 0
        for hookpoint, selector in scan.found.selectors.items():
            cost, n_tokens, kept = select(copy.deepcopy(selector), hookpoint, recorded, tokens)
            costs.append(cost / n_tokens)
            n_windows += kept
        cells = (f"{1e6 * cost:.1f} ({100 * cost / bare:.1f} %)" for cost in (*costs, sum(costs)))
        table.add_row(f"{n_tokens:,}", f"{max(0, n_tokens - total):,}", *cells, f"{n_windows:,}")
        save_tables(arguments.json, table)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    main()
