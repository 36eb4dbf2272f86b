"""A store's latents as an Inspect dataset: a small sample per latent; contexts are read from the store later."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.graph_latents import StoreLatent, graph_latents, is_graph
from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.selection import MIN_CONTEXTS, nothing_usable, unusable, usable_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Latent, Negative, join_hookpoints
from inspect_autointerp.store.store import Store

FOILS, N_FOILS = "foils", "n_foils"
"""Keys in a sample's metadata: explanations of other latents by their ids, and how many of them a score wants."""


@dataclass(frozen=True)
class LatentDataset:
    """The latents of an evaluation, and those that could not be used."""

    samples: MemoryDataset
    store: Store
    hookpoint: str
    """Name of the latents' hookpoint; of an attribution graph's several, as `join_hookpoints` writes them."""
    skipped: dict[str, int]
    """Number of the requested latents that were left out, by reason."""
    kinds: tuple[Negative, ...]
    """Kinds of negatives to test on, `random` first."""
    seed: int
    """Random seed of the evaluation."""


def latent_dataset(
    store: str | Path,
    *,
    hookpoint: str | None = None,
    latents: object = None,
    negatives: str | Sequence[str] = "random",
    min_contexts: int = MIN_CONTEXTS,
    window: int | None = None,
    seed: int = 0,
    half: int | None = None,
) -> LatentDataset:
    """Read from a context store which latents to evaluate.

    What dataset and scorers have to agree on (store, window, half, negatives, min_contexts, seed) is written into each
    sample's metadata, where scorers read it.

    Args:
        store: The store's folder.
        hookpoint: One of its hookpoints; None for the first. Of an attribution graph's latents, see `graph_latents`.
        latents: See `contexts.selection.parse_latents`; or an attribution graph, whose latents are those of all its
            layers, the most influential first.
        negatives: Kinds of negatives to test on, see `contexts.negatives.negative_kinds`.
        min_contexts: A latent with fewer activating contexts in either split, or fewer random ones to test on, is
            skipped and counted.
        window: Tokens in a context, see `Store`.
        seed: Random seed of every draw.
        half: The half of the documents that contexts are from, see `Store`; None for all.

    Raises:
        UserError: The store, the hookpoint, the negatives or the latents are not there, or no latent can be used.
    """
    opened = Store.open(str(store), window, half=half)
    influences: dict[str, float | None] = {}
    if isinstance(latents, str) and is_graph(latents):
        of_graph = graph_latents(opened, latents, hookpoint)
        influences = {f"{one.hookpoint}/{one.index}": one.influence for one in of_graph}
        usable, skipped = _usable_of_graph(opened, of_graph, min_contexts)
        hookpoints = sorted({latent.hookpoint for latent in usable})
    else:
        hookpoints = [opened.at(hookpoint).name]
        usable, skipped = usable_latents(opened, hookpoints[0], latents, min_contexts, seed)
    by_place = [negative_kinds(opened, name, negatives) for name in hookpoints]
    kinds: tuple[Negative, ...] = tuple(kind for kind in by_place[0] if all(kind in others for others in by_place))
    shared = {"store": str(opened.folder), "store_key": opened.key, "window": window, "negatives": ",".join(kinds)}
    shared |= {"min_contexts": min_contexts, "seed": seed} | ({"half": half} if half else {})
    samples: list[Sample] = []
    for latent in usable:
        facts: dict[str, Any] = {
            "index": latent.index,
            "firing_share": latent.firing_share,
            "max_activation": latent.max_activation,
        }
        facts["rare"] = latent.n_windows < opened.settings.min_active
        if latent.id in influences:
            facts["influence"] = influences[latent.id]
        question = f"What does latent {latent.id} respond to?"
        samples.append(Sample(id=latent.id, input=question, metadata=facts | shared))
    place = join_hookpoints(hookpoints)
    dataset = MemoryDataset(samples, name=f"{opened.folder.name}/{place}")
    return LatentDataset(dataset, opened, place, skipped, kinds, seed)


def _usable_of_graph(
    store: Store, of_graph: Sequence[StoreLatent], min_contexts: int
) -> tuple[list[Latent], dict[str, int]]:
    """The latents of a graph that can be evaluated, in its order, and how many were left out, by reason.

    Raises:
        UserError: None can be evaluated.
    """
    usable: list[Latent] = []
    skipped: Counter[str] = Counter()
    for one in of_graph:
        latent = store.at(one.hookpoint).latent(one.index)
        if reason := unusable(store, latent, min_contexts):
            skipped[reason] += 1
        else:
            usable.append(latent)
    if not usable:
        raise nothing_usable(store, of_graph[0].hookpoint, skipped)
    return usable, dict(skipped)


def store_of(state: TaskState) -> Store:
    """The store that a sample's latent is of.

    Raises:
        UserError: It is not there, not whole, or another one than when the sample was made.
    """
    facts = state.metadata
    return Store.open(facts["store"], facts["window"], facts.get("store_key"), facts.get("half"))


def latent_named(store: Store, id: str) -> Latent:
    """The latent of that name, `hookpoint/index`."""
    hookpoint, _, index = id.rpartition("/")
    return store.at(hookpoint).latent(int(index))


def give_donors(samples: MemoryDataset, seed: int) -> None:
    """Write into each sample's metadata, under `donor`, the id of another sample's latent.

    Raises:
        UserError: There are fewer than two.
    """
    donors = derangement([str(sample.id) for sample in samples], seed)
    for sample in samples:
        sample.metadata = (sample.metadata or {}) | {"donor": donors[str(sample.id)]}


def ask_for_foils(samples: MemoryDataset, n: int) -> None:
    """Have an explainer that reads a file leave, for the scorer, what the file says of n other latents."""
    for sample in samples:
        sample.metadata = (sample.metadata or {}) | {N_FOILS: n}


def derangement(ids: list[str], seed: int) -> dict[str, str]:
    """Give every latent another one, no two the same and never its own: along one cycle in random order.

    Raises:
        UserError: There are fewer than two latents.
    """
    if len(ids) < 2:
        raise UserError("shuffled explanations need at least two latents")
    order = np.random.default_rng(seed).permutation(ids).tolist()
    return dict(zip(order, [*order[1:], order[0]], strict=True))
