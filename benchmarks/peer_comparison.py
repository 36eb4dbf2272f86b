"""Delphi's released package beside this harness on identical inputs: does it grade what it says it grades?

`python -m benchmarks.peer_comparison` installs `eai-delphi` 0.1.3, with the small packages that it imports, into a
temporary folder (`--folder` keeps it), and imports it from there beside this environment's torch and transformers. The
inputs are the demo store's latents: each latent's windows are given to Delphi as its own records, so both choose from
the same contexts. It prints, for both: how many test contexts were also shown to the explainer; how many tokens a
negative of fuzzing marks, and how often at one and the same place; which forms of an answer are read. `vllm` and
`faiss` are replaced by empty modules, since Delphi imports them on the way and these parts do not use them.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.as_json import save_tables
from inspect_autointerp.builtin import demo
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.fuzzing.marks import marked_contexts
from inspect_autointerp.scorers.shared.parse_labels import AnswerError, parse_labels
from inspect_autointerp.store.store import Store

PACKAGES = (
    "eai-delphi==0.1.3", "eai-sparsify==1.3.3", "orjson", "fire", "blobfile", "flask", "aiofiles", "asyncer",
    "lxml", "pycryptodomex",
)  # fmt: skip
STUBS = {
    "vllm": ("LLM", "SamplingParams"),
    "vllm.distributed": (),
    "vllm.distributed.parallel_state": ("destroy_model_parallel", "destroy_distributed_environment"),
    "vllm.inputs": ("TokensPrompt",),
    "faiss": (),
    "bitsandbytes": (),
}
FORMS = {
    "[1, 0, 1, 0, 1]": "as asked",
    "[1,0,1,0,1]": "no spaces",
    "[True, False, True, False, True]": "Python's booleans",
    "[true, false, true, false, true]": "JSON's booleans",
    "The texts are [1, 0, 1, 0, 1].": "in a sentence",
    "```json\n[1, 0, 1, 0, 1]\n```": "in a code block",
    "Example [2] is odd. [1, 0, 1, 0, 1]": "after other brackets",
    "1, 0, 1, 0, 1": "without brackets",
    '["1", "0", "1", "0", "1"]': "as strings",
}
"""Answers that mean 1, 0, 1, 0, 1, and their names."""
WANTED = [1, 0, 1, 0, 1]
NOT_RUN = {
    "caching activations and building contexts": "no code for it here yet",
    "scoring with a 50 ms grader": "no code for it here yet; `python -m benchmarks.sweep` measures this harness alone",
    "peak memory": "no code for it here yet; `python -m benchmarks.prep --only memory` measures this harness alone",
}


def install(folder: Path) -> None:
    """Install Delphi into a folder, unless it is there, without what it would bring along, and import from there."""
    if not (folder / "delphi").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PACKAGES]
        subprocess.run(command, check=True)
    sys.path.append(str(folder))  # behind this environment's own packages
    for name, attributes in STUBS.items():
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = stub(name, attributes)


def stub(name: str, attributes: tuple[str, ...]) -> ModuleType:
    """Return a module with nothing in it but empty classes of these names."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    for attribute in attributes:
        setattr(module, attribute, type(attribute, (), {}))
    return module


def overlap(explain: list[Any], test: list[Any]) -> float:
    """Share of the test contexts that the explainer was shown; NaN if there are none."""
    shown = set(explain)
    return float(np.mean([context in shown for context in test])) if test else float("nan")


def share_at_one_place(marks: list[list[int]]) -> float:
    """Share of the negatives that mark the commonest position; NaN if there are none."""
    counts = Counter(position for positions in marks for position in set(positions))
    return max(counts.values()) / len(marks) if counts else float("nan")


def forms_read(parse: Callable[[str], list[int]]) -> list[str]:
    """Names of the forms of an answer from which the right labels are read."""
    names = []
    for answer, name in FORMS.items():
        try:
            if [int(label) for label in parse(answer)] == WANTED:
                names.append(name)
        except (AnswerError, ValueError, AssertionError):
            continue
    return names


def ours(latents: list[LatentContexts]) -> dict[str, Any]:
    """Return this harness's figures."""
    shares, marks = [], []
    for number, contexts in enumerate(latents):
        explain, test = contexts.explain(40, number), contexts.test(50, 50, number)
        positives = [context for context in test if context.kind == "activating"]
        shares.append(overlap([c.start for c in explain], [c.start for c in positives]))
        marked, _ = marked_contexts(test, len(positives), np.random.default_rng(number))
        worn = [each.marks.nonzero()[0].tolist() for each in marked if each.context.kind != "activating"]
        marks.append(worn)
    return summary(shares, marks, forms_read(lambda answer: [item.value for item in parse_labels(answer, 5)]))


def theirs(latents: list[LatentContexts], tokenizer: Any) -> dict[str, Any]:
    """Return Delphi's figures, for records of the same contexts."""
    from delphi.config import SamplerConfig  # pyright: ignore[reportMissingImports]
    from delphi.latents.latents import (  # pyright: ignore[reportMissingImports]
        ActivatingExample,
        Latent,
        LatentRecord,
        NonActivatingExample,
    )
    from delphi.latents.samplers import sampler  # pyright: ignore[reportMissingImports]
    from delphi.scorers.classifier.fuzz import FuzzingScorer  # pyright: ignore[reportMissingImports]

    scorer = FuzzingScorer(client=None, n_examples_shown=5)
    shares, marks = [], []
    for number, contexts in enumerate(latents):
        activating = [*contexts.activating("explain"), *contexts.activating("test")]
        activating.sort(key=lambda context: -context.max_activation)
        examples = [ActivatingExample(**_tensors(context)) for context in activating]
        silent = [c for c in contexts.test(50, 50, number) if c.kind != "activating"]
        record = LatentRecord(Latent("demo", number), examples=examples)
        record.not_active = [NonActivatingExample(**_tensors(c), str_tokens=c.tokens()) for c in silent]
        sampler(record, SamplerConfig(), tokenizer)
        shares.append(overlap([id(e) for e in record.train], [id(e) for e in record.test]))
        for example in record.test:
            example.str_tokens = activating[next(i for i, e in enumerate(examples) if e is example)].tokens()
        texts = [sample for sample in scorer._prepare(record) if not sample.data.activating]
        marks.append([list(marked_tokens(sample.text, sample.data.str_tokens)) for sample in texts])
    return summary(shares, marks, forms_read(lambda answer: scorer._parse(answer)[0]))


def _tensors(context: Context) -> dict[str, torch.Tensor]:
    """Activations as Delphi holds them; its tokens are not looked at, since strings are given."""
    activations = torch.from_numpy(context.activations.copy())
    return {"tokens": torch.zeros(len(activations), dtype=torch.int64), "activations": activations}


def marked_tokens(text: str, tokens: list[str]) -> Iterator[int]:
    """Numbers of the tokens that stand within double angle brackets; the brackets are no part of the tokens."""
    place, inside = 0, False
    for number, token in enumerate(tokens):
        while text[place : place + 2] in ("<<", ">>") and not text[place:].startswith(token or "\0"):
            inside = text[place : place + 2] == "<<"
            place += 2
        if inside and token:
            yield number
        place += len(token)


def summary(shares: list[float], marks: list[list[list[int]]], read: list[str]) -> dict[str, Any]:
    """Return means over latents."""
    return {
        "test contexts also shown to the explainer": float(np.nanmean(shares)),
        "marks per negative of fuzzing": float(np.nanmean([len(m) for latent in marks for m in latent])),
        "negatives that mark the commonest place": float(np.nanmean([share_at_one_place(m) for m in marks])),
        "forms of an answer read": read,
    }


def compared(here: dict[str, Any], there: dict[str, Any], latents: int) -> Table:
    """Return the table of both."""
    table = Table(title=f"{latents} latents of the demo, Delphi 0.1.3", title_justify="left")
    for column in ("", "here", "Delphi", "Delphi / here"):
        table.add_column(column)
    for name, value in here.items():
        other = there[name]
        if isinstance(value, list):
            value, other = len(value), len(other)
            name = f"{name}, of {len(FORMS)}"
        ratio = f"{other / value:.2f}" if value else "–"
        table.add_row(name, f"{value:.3g}", f"{other:.3g}", ratio)
    for name, reason in NOT_RUN.items():
        table.add_row(name, "not run", "not run", reason)
    return table


def main() -> None:
    """Install, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where Delphi is installed, and found the next time")
    parser.add_argument("--latents", type=int, default=20)
    parser.add_argument("--store", help="a store; by default the demo's, which is made the first time")
    parser.add_argument("--hookpoint", default="layers.2")
    parser.add_argument("--json", help="write the table to this file too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    store = Store(arguments.store or demo.ensure_store())
    at = store.at(arguments.hookpoint)
    latents: list[LatentContexts] = []
    for index in np.random.default_rng(0).permutation(at.width).tolist():
        contexts = LatentContexts(store, at.latent(index))
        if sum(len(contexts.activating(split)) for split in ("explain", "test")) >= 200:  # Delphi's least
            latents.append(contexts)
        if len(latents) == arguments.latents:
            break
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(demo.SUBJECT)
    with tempfile.TemporaryDirectory() as name:
        install(arguments.folder or Path(name))
        here, there = ours(latents), theirs(latents, tokenizer)
        table = compared(here, there, len(latents))
    Console(width=120).print(table)
    for name, figures in (("here", here), ("Delphi", there)):
        missed = [form for form in FORMS.values() if form not in figures["forms of an answer read"]]
        print(f"{name} does not read: {', '.join(missed) or 'none'}")
    save_tables(arguments.json, table)


if __name__ == "__main__":
    main()
