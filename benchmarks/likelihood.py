"""Gain from shared prefixes and batches: log p(continuation | prefix) by the engine against a loop over pairs.

`python -m benchmarks.likelihood` measures CPU time on one thread on the demo's subject. The loop runs prefix and
continuation of one pair after another through the model. Both tokenize alike, and their results are compared. Pairs are
those of surprisal (each text after an explanation and after the pseudo-explanation), of one text per explanation, of
prefixes that share nothing, and a single one.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.as_json import save_tables
from inspect_autointerp.builtin import demo
from inspect_autointerp.models.likelihood.interface import Pair
from inspect_autointerp.models.likelihood.local import LocalLikelihood, load
from inspect_autointerp.prep.corpus.documents import stdlib_documents
from inspect_autointerp.scorers.surprisal.scorer import PSEUDO, surprisal_continuation, surprisal_prefix


def workloads(n: int) -> dict[str, list[Pair]]:
    """Pairs by what they are."""
    documents = [text for text in islice(stdlib_documents(), 4 * n) if len(text) > 2000][: n + 1]
    texts = [surprisal_continuation(text[500:605]) for text in documents]
    explanations = ("the dot of os.path before a function", PSEUDO)
    return {
        "surprisal": [(surprisal_prefix(one), text) for text in texts for one in explanations],
        "a text per explanation": [(surprisal_prefix(f"texts like {text[:40]}"), text) for text in texts],
        "nothing shared": [(text[900:1500], own) for text, own in zip(documents, texts, strict=True)],
        "nothing shared, short": [(text[900:930], own) for text, own in zip(documents, texts, strict=True)],
        "a single pair": [(surprisal_prefix(explanations[0]), texts[0])],
    }


@torch.inference_mode()
def loop(model: Any, engine: LocalLikelihood, pairs: list[Pair]) -> list[float]:
    """One pair after another."""
    logprobs = []
    for pair in pairs:
        [item] = engine._tokenize([pair])
        ids = torch.tensor(item.ids, device=model.device)
        logits = model(input_ids=ids[None, :-1], use_cache=False).logits[0, item.first - 1 :]
        logprobs.append(float(logits.log_softmax(-1).gather(-1, ids[item.first :, None]).sum()))
    return logprobs


def seconds(run: Callable[[], list[float]]) -> tuple[float, list[float]]:
    """Seconds of CPU time, or by the clock on a GPU, and what came of it."""
    clock = time.perf_counter if torch.cuda.is_initialized() else time.process_time
    begin = clock()
    logprobs = run()  # plain numbers, so a GPU is done
    return clock() - begin, logprobs


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--subject", default=str(demo.SUBJECT), help="a folder; by default the demo's subject")
    parser.add_argument("--device", default="cpu", help="cpu (the default) or cuda")
    parser.add_argument("--json", help="write the table to this file too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    engine = load(arguments.subject, device=arguments.device)

    def batched(pairs: list[Pair]) -> list[float]:
        return [sum(row) for row in asyncio.run(engine.logprobs(pairs))]

    kind = "CPU time of one thread" if arguments.device == "cpu" else "by the clock"
    table = Table(title=f"ms per pair, {Path(arguments.subject).name}, {kind}", title_justify="left")
    for column in ("pairs", "number", "loop", "engine", "loop / engine", "largest difference, nats"):
        table.add_column(column, justify="left" if column == "pairs" else "right")
    for name, pairs in workloads(arguments.texts).items():
        ways = {"loop": lambda p=pairs: loop(engine._model, engine, p), "engine": lambda p=pairs: batched(p)}
        repeats = arguments.repeats if len(pairs) > 1 else 20 * arguments.repeats
        runs = [{way: seconds(run) for way, run in ways.items()} for _ in range(repeats)]
        least = {way: min(run[way][0] for run in runs) for way in ways}
        off = max(abs(a - b) for a, b in zip(runs[0]["loop"][1], runs[0]["engine"][1], strict=True))
        ms = (f"{1e3 * least[way] / len(pairs):.2f}" for way in ways)
        table.add_row(name, str(len(pairs)), *ms, f"{least['loop'] / least['engine']:.2f}", f"{off:.1e}")
    Console().print(table)
    save_tables(arguments.json, table)


if __name__ == "__main__":
    main()
