"""The contents of a card, read from a context store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context, Latent, Negative, Split
from inspect_autointerp.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A latent in two subjects; counts are of the first alone, of both, and of the second alone."""

    subjects: tuple[str, str]
    tokens: tuple[int, int, int]
    windows: tuple[int, int, int]
    """Windows of the length that the store was made with."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One latent, for a reader."""

    latent: Latent
    store: str
    """Digest of the store."""
    subject: str
    corpus: str
    coder: str
    """Source of the coder, and its architecture."""
    link: str | None = None
    """Address of the latent's page on Neuronpedia, if the coder says where that is."""
    density: float
    """Share of the corpus's tokens on which it fires."""
    edges: list[float] | None
    """Its sampled contexts' maxima where one decile gives way to the next, ascending; None where there are too few."""
    promoted: list[str] | None
    """Tokens whose logits its decoder direction raises most, the most first; None where it has none."""
    suppressed: list[str] | None
    neighbours: list[tuple[int, float | None]] | None
    """The nearest latents by direction, the nearest first, with the cosine; None where they were not compared."""
    norms: list[tuple[str, float]] | None = None
    """Places that a crosscoder's latent writes to, with the length of its decoder vector there; None for others."""
    pair: Pair | None = None
    """Counts of where it fires in either of two subjects; None where the coder read one."""
    available: dict[Split, int]
    """Activating contexts there are of each split."""
    activating: dict[Split, dict[int, list[Context]]]
    """By split and decile, the strongest first."""
    negatives: dict[Negative, list[Context]]
    """Contexts of the test split on which it is silent, by kind; of `other_subject` with its activations there."""


def read_card(
    store: Store, latent: Latent, *, contexts: int = 2, splits: Sequence[Split] = ("explain", "test"), seed: int = 0
) -> Card:
    """Read a latent's card.

    Args:
        store: The store.
        latent: One of its latents.
        contexts: How many of each decile to show, its strongest; five times as many of each kind of negatives.
        splits: Which splits' activating contexts.
        seed: Of the draw of negatives.
    """
    hookpoint, own = latent.hookpoint, LatentContexts(store, latent)
    row, entry = _row(store, latent), store.at(hookpoint).entry
    n_explain, n_test, _ = own.n_available()
    cosines = row["neighbour_cosines"] or [None] * len(row["neighbours"] or ())
    rng = rng_of(seed, latent.id, "card")
    return Card(
        latent=latent,
        store=store.digest,
        subject=store.at(hookpoint).subject,
        corpus=store.manifest.settings.corpus,
        coder=f"{entry.coder} ({entry.architecture})",
        link=entry.link(latent.index),
        density=latent.n_tokens / max(1, store.manifest.n_population),
        edges=row["decile_edges"],
        promoted=_texts(store, row["promoted"]),
        suppressed=_texts(store, row["suppressed"]),
        neighbours=None if row["neighbours"] is None else list(zip(row["neighbours"], cosines, strict=True)),
        norms=_norms(store, latent),
        pair=_pair(store, latent),
        available={"explain": n_explain, "test": n_test},
        activating={split: _strongest(own.activating(split), contexts) for split in splits},
        negatives={kind: _silent(own, kind, 5 * contexts, rng) for kind in negative_kinds(store, hookpoint, "all")},
    )


def latent_named(store: Store, name: str, hookpoint: str | None = None) -> Latent:
    """The latent that a user means by `layers.2/17`, or by `17` and a hookpoint, the store's first by default.

    Raises:
        UserError: There is none of that name, or two hookpoints were given.
    """
    before, _, number = name.rpartition("/")
    if before and hookpoint not in (None, before):
        raise UserError(f"{name}: this hookpoint differs from --hookpoint {hookpoint}; give one of them")
    at = store.at(before or hookpoint)
    if not (number.isascii() and number.isdigit() and int(number) < at.width):
        raise UserError(f"{name}: no such latent; {at.name} has 0 to {at.width - 1}, for instance {at.name}/0")
    at.check_held([int(number)])
    return at.latent(int(number))


def random_latents(store: Store, hookpoint: str, n: int, seed: int) -> Iterator[Latent]:
    """Draw latents of a hookpoint that fire, in the order of the draw: all of them where there are fewer than n."""
    at = store.at(hookpoint)
    order = rng_of(seed, hookpoint, "latents").permutation(at.width)
    order = order[np.isin(order, at.held)]
    return islice((latent for latent in at.latents(order.tolist()) if latent.n_tokens), n)


def _row(store: Store, latent: Latent) -> dict[str, list[Any] | None]:
    """The columns of `latents.parquet` that are lists."""
    columns = ["decile_edges", "promoted", "suppressed", "neighbours", "neighbour_cosines"]
    return store.at(latent.hookpoint).table(columns, filters=[("index", "=", latent.index)]).to_pylist()[0]


def _norms(store: Store, latent: Latent) -> list[tuple[str, float]] | None:
    at = store.at(latent.hookpoint)
    norms = at.decoder_norms([latent.index])
    return None if norms is None else list(zip(at.places, norms[0].tolist(), strict=True))


def _silent(own: LatentContexts, kind: Negative, n: int, rng: np.random.Generator) -> list[Context]:
    contexts = own.silent(kind, "test", n, rng)
    return own.as_other_reads(contexts) if kind == "other_subject" else contexts


def _pair(store: Store, latent: Latent) -> Pair | None:
    manifest, counts = store.manifest, store.at(latent.hookpoint).pair_counts
    if counts is None:
        return None
    tokens, windows = (tuple(column[latent.index].tolist()) for column in (counts.tokens, counts.windows))
    return Pair(subjects=(manifest.subject, manifest.second_subject or ""), tokens=tokens, windows=windows)


def _texts(store: Store, tokens: list[int] | None) -> list[str] | None:
    return None if tokens is None else [store.detokenizer([token])[0] for token in tokens]


def _strongest(contexts: list[Context], n: int) -> dict[int, list[Context]]:
    """Up to n of each decile, the strongest deciles first."""
    by_decile: dict[int, list[Context]] = {}
    for context in reversed(contexts):
        of_decile = by_decile.setdefault(context.decile or 0, [])
        if len(of_decile) < n:
            of_decile.append(context)
    return by_decile
