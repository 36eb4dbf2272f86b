"""`python -m benchmarks.tells`: what a grader could score that never reads the explanation, and has learnt from others.

For each score and kind of negative, a logistic regression learns from explain contexts of one half of the latents what
texts with the label 1 look like: by their words and pieces of words, or by their shape (length, shares of capitals,
digits, spaces and others, and where the marks stand). It then labels the test contexts of the other half: other
documents and other latents. 0.5 says that texts give nothing away. What is above it, text itself gives away, and no
order, number or mark of ours.

By memory: a text has the label that it had most often among the test contexts of the other half, and 1 if it was not
among them. Random and similar negatives are windows of one pool for all latents, so one who had seen the test contexts
of other latents with their labels would know many of them.
"""

from collections.abc import Sequence
from typing import Annotated, get_args

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.contexts.negatives import HARD, negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.inspect_support.dataset import latent_dataset
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import Split
from inspect_autointerp.scorers.fuzzing.marks import MISMARKED, marked_contexts
from inspect_autointerp.scorers.simulation.statistics import correlation_statistics
from inspect_autointerp.statistics.intervals import bootstrap_interval
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import delimiters, marked, visible

Texts = list[tuple[str, int]]
"""Texts of a latent as a grader sees them, and their labels."""


def texts_of(store: Store, latent_id: str, split: Split, n: int, seed: int) -> dict[tuple[str, str], Texts]:
    """A latent's texts of a split, by score and kind of negative."""
    hookpoint, _, index = latent_id.rpartition("/")
    contexts = LatentContexts(store, store.at(hookpoint).latent(int(index)))
    kinds = negative_kinds(store, hookpoint, "all")
    rng = rng_of(seed, latent_id, split)
    if split == "test":
        drawn = contexts.test(n + n // 2, n, seed, kinds)
    else:
        drawn = contexts.explain(n + n // 2, seed)
        drawn += [context for kind in kinds for context in contexts.silent(kind, split, n, rng)]
    texts: dict[tuple[str, str], Texts] = {}
    for context in drawn:
        for kind in ("random", *HARD) if context.kind == "activating" else (context.kind,):
            texts.setdefault(("detection", kind), []).append((visible(context.text), int(context.kind == "activating")))
    tests, like = marked_contexts(drawn, n, rng)
    pair = delimiters(test.context for test in tests)
    shown = [marked(test.context, pair, test.marks).replace(pair[0], "«").replace(pair[1], "»") for test in tests]
    for i, lender in like.items():
        texts.setdefault(("fuzzing", tests[i].context.kind), []).extend([(shown[i], 0), (shown[lender], 1)])
    return texts


def shape(texts: Sequence[str]) -> np.ndarray:
    """Float (text, feature): what can be seen of texts without reading them."""
    rows = []
    for text in texts:
        plain = text.replace("«", "").replace("»", "")
        size = max(1, len(plain))
        opens = [i for i, character in enumerate(text) if character == "«"]
        tests = (str.isupper, str.islower, str.isdigit, str.isspace)
        shares = [sum(map(test, plain)) / size for test in tests]
        rows.append([len(plain), *shares, plain.count("⏎"), len(opens), opens[0] if opens else -1])
    return np.array(rows, dtype=float)


def guess(train: Texts, test: Sequence[str], by: str) -> np.ndarray:
    """Float (text,): how likely each has the label 1, by what `train` taught of words, of shapes or of those texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    if by == "memory":
        labels: dict[str, list[int]] = {}
        for text, label in train:
            labels.setdefault(text, []).append(label)
        return np.array([np.mean(labels.get(text, [1])) for text in test])
    if by == "words":
        pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=5, max_features=50_000)
        words = TfidfVectorizer(token_pattern=r"\S+", min_df=5)
        features = [FeatureUnion([("words", words), ("pieces", pieces)])]
    else:
        features = [FunctionTransformer(shape), StandardScaler()]
    learner = make_pipeline(*features, LogisticRegression(max_iter=2000, class_weight="balanced"))
    learner.fit([text for text, _ in train], [label for _, label in train])
    return learner.predict_proba(test)[:, 1]


def tell(taught: Sequence[Texts], tested: Sequence[Texts], by: str) -> list[float]:
    """Per latent the balanced accuracy of a learner that learnt from other latents.

    Args:
        taught: Each latent's texts to learn from.
        tested: Those of the same latents to be tested on.
        by: See `guess`.
    """
    from sklearn.metrics import balanced_accuracy_score

    scores = []
    for half in (0, 1):
        train = [pair for texts in taught[half::2] for pair in texts]
        held_out = tested[1 - half :: 2]
        p = guess(train, [text for texts in held_out for text, _ in texts], by)
        for texts, own in zip(held_out, np.split(p, np.cumsum([len(texts) for texts in held_out])[:-1]), strict=True):
            scores.append(float(balanced_accuracy_score([label for _, label in texts], own >= 0.5)))
    return scores


def by_rarity(store: Store, latent_id: str, n: int, seed: int) -> float:
    """Simulation's correlation where a token's activation is foretold by how rare it is in the corpus alone."""
    hookpoint, _, index = latent_id.rpartition("/")
    contexts = LatentContexts(store, store.at(hookpoint).latent(int(index)), centered=False).test(n, n, seed)
    counts = np.bincount(store.tokens)
    ids = store.ids(np.array([context.start for context in contexts]))
    foretold = [
        Verdict(kind=context.kind, values=row)
        for context, row in zip(contexts, (-np.log(counts[ids])).tolist(), strict=True)
    ]
    return correlation_statistics(contexts, foretold, LatentFacts(firing_share=0.5))["correlation"]


def main(
    contexts: Annotated[str | None, typer.Argument(help="A context store; the demo's by default.")] = None,
    latents: Annotated[str, typer.Option(help="As -T latents=…")] = "sample:100",
    n: Annotated[int, typer.Option("--number", "-n", min=10, help="Contexts of each kind per latent.")] = 100,
    seed: Annotated[int, typer.Option(help="Of their draw.")] = 0,
) -> None:
    """Print what text alone gives away, per score and kind of negative."""
    data = latent_dataset(locate(contexts), hookpoint=None, latents=latents, min_contexts=20, seed=seed)
    pairs: dict[tuple[str, str], list[tuple[Texts, Texts]]] = {}
    for sample in data.samples:
        taught, tested = (texts_of(data.store, str(sample.id), split, n, seed) for split in get_args(Split))
        for key in taught.keys() & tested.keys():
            if all({label for _, label in texts} == {0, 1} for texts in (taught[key], tested[key])):
                pairs.setdefault(key, []).append((taught[key], tested[key]))
    table = Table(title=f"Balanced accuracy without the explanation: {data.samples.name}, {len(data.samples)} latents")
    for head in ("score", "negatives", "by words", "by shape", "by memory"):
        table.add_column(head, justify="right" if head.startswith("by") else "left")
    order = [("detection", kind) for kind in ("random", *HARD)] + [
        ("fuzzing", kind) for kind in ("random", *HARD, MISMARKED)
    ]
    for key in order:
        if key not in pairs:
            continue
        cells = []
        tested = [texts for _, texts in pairs[key]]
        for by in ("words", "shape", "memory"):
            taught = tested if by == "memory" else [texts for texts, _ in pairs[key]]
            scores = tell(taught, tested, by)
            low, high = bootstrap_interval(scores)
            cells.append(f"{np.mean(scores):.3f} [{low:.3f}, {high:.3f}]")
        table.add_row(*key, *cells)
    rare = [by_rarity(data.store, str(sample.id), n // 2, seed) for sample in data.samples]
    low, high = bootstrap_interval([value for value in rare if not np.isnan(value)])
    console = Console(width=120 if not Console().is_terminal else None)
    console.print(table)
    console.print(f"simulation, by how rare a token is: correlation {np.nanmean(rare):.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    typer.run(main)
