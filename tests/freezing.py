"""Stores to freeze, with negatives of every kind, and what is compared of a store and a frozen one."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.latent import Context, Negative
from inspect_autointerp.scorers.discrimination.lineups import lineups as candidate_lineups
from inspect_autointerp.scorers.intruder.lineups import lineups
from inspect_autointerp.store.freeze import freeze
from inspect_autointerp.store.store import Store
from tests.conftest import make_sae

HOOKPOINTS = ("layers.1", "layers.2")
KINDS: tuple[Negative, ...] = ("random", "neighbours", "cooccurring", "similar")


def source_store(parent: Path, subject: Path, **settings: Any) -> Path:
    """Make a store of sixty short documents at two hookpoints."""
    from inspect_autointerp.prep.corpus.documents import stdlib_documents
    from inspect_autointerp.prep.negatives.add_negatives import extend
    from inspect_autointerp.prep.negatives.cooccurrence import cooccurring
    from inspect_autointerp.prep.negatives.similar import similar
    from inspect_autointerp.prep.negatives.window_embeddings import Tfidf
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    (parent / "corpus").mkdir()
    for number, text in enumerate(islice((text for text in stdlib_documents() if len(text) > 3000), 60)):
        (parent / "corpus" / f"{number}.txt").write_text(text[:1500], encoding="utf-8")
    coders = [str(make_sae(parent / name, k=12, hook=f"model.{name}")) for name in HOOKPOINTS]
    given = {"tokens": 20_000, "context_length": 64, "sample": 30, "top": 5, "pool": 150} | settings
    job = Job(subject=str(subject), coders=coders, settings=Settings(corpus=str(parent / "corpus"), **given))  # type: ignore[arg-type]
    folder = parent / "store"
    prep(job, folder, progress=False)
    store = Store(folder)
    extend(store, "cooccurring", iter([(name, cooccurring(store, name)) for name in HOOKPOINTS]), "counted")
    store = Store(folder)
    windows = [(name, similar(store, name, Tfidf(store), range(256), n=20)) for name in HOOKPOINTS]
    extend(store, "similar", iter(windows), "TF-IDF")
    return folder


def frozen(source: Path, target: Path, latents: dict[str, list[int]]) -> Path:
    freeze(Store(source), latents, target, selection="some")
    return target


def plain(contexts: list[Context]) -> list[tuple]:
    return [
        (c.kind, c.start, c.text, c.spans, c.activations.tolist(), c.decile, c.neighbour, c.start) for c in contexts
    ]


def everything(store: Store, hookpoint: str, index: int, seed: int, n: int, centered: bool = True) -> dict[str, Any]:
    """All that is drawn from a store for one latent."""
    latent = store.at(hookpoint).latent(index)
    contexts = LatentContexts(store, latent, centered)
    drawn: dict[str, Any] = {"latent": latent, "available": contexts.n_available()}
    drawn |= {f"explain {how}": plain(contexts.explain(n, seed, how)) for how in ("quantiles", "top", "mix", "random")}
    drawn["test"] = plain(contexts.test(n, n, seed, KINDS))
    drawn["contrastive"] = plain(contexts.contrastive(n, seed, KINDS))
    for kind in KINDS:
        for split in ("explain", "test"):
            drawn[f"{kind} {split}"] = plain(contexts.silent(kind, split, 10_000, rng_of(seed)))
    asked = lineups(store, LatentContexts(store, latent), 2, np.random.default_rng(seed))
    drawn["lineups"] = [
        (one.place, one.decile, [(plain([t.context]), t.marks.tolist()) for t in one.tests]) for one in asked
    ]
    for source in ("neighbours", "random"):
        on_grid = LatentContexts(store, latent, centered=False)
        among = candidate_lineups(store, on_grid, 2, 4, 2, source, np.random.default_rng(seed))
        drawn[f"candidates {source}"] = [
            (one.place, [(c.index, [(plain([t.context]), t.marks.tolist()) for t in c.tests]) for c in one.candidates])
            for one in among
        ]
    return drawn
