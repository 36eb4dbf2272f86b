"""Measures of correct grading: contexts shown twice, marks that tell, and forms of an answer that are read."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peer_comparison.cache import LEAST
from benchmarks.peer_comparison.install import import_from
from inspect_autointerp.builtin import demo
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.fuzzing.marks import marked_contexts
from inspect_autointerp.scorers.shared.parse_labels import AnswerError, parse_labels
from inspect_autointerp.store.store import Store

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


def theirs(latents: list[LatentContexts]) -> dict[str, Any]:
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
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(demo.SUBJECT)  # the strings are given below
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


def measure(installed: str, store: str | None, hookpoint: str, latents: int) -> dict[str, Any]:
    """Return the figures of both.

    Args:
        installed: Folder that Delphi is installed in.
        store: A store; None for the demo's, which is made the first time.
        hookpoint: One of its hookpoints.
        latents: How many of its latents, of those that Delphi would not skip.
    """
    import_from(Path(installed))
    opened = Store(store or demo.ensure_store())
    at = opened.at(hookpoint)
    usable: list[LatentContexts] = []
    for index in np.random.default_rng(0).permutation(at.width).tolist():
        contexts = LatentContexts(opened, at.latent(index))
        if sum(len(contexts.activating(split)) for split in ("explain", "test")) >= LEAST:
            usable.append(contexts)
        if len(usable) == latents:
            break
    return {"latents": len(usable), "here": ours(usable), "delphi": theirs(usable)}
