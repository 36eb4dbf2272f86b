"""Latents of an attribution graph as those to evaluate: `-T latents=graph.json:top50`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from inspect_autointerp.builtin.locate import located
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.plural import plural

if TYPE_CHECKING:
    from inspect_autointerp.formats.attribution_graph import GraphLatent

_GRAPH = re.compile(r"(.+\.json(?:\.gz)?)(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class StoreLatent:
    """A latent of a graph, as the store has it."""

    hookpoint: str
    index: int
    influence: float | None
    """See `GraphLatent`."""


def is_graph(latents: object) -> bool:
    """Return whether `-T latents=…` names an attribution graph."""
    return isinstance(latents, str) and _GRAPH.fullmatch(latents.strip()) is not None


def graph_latents(store: Store, latents: str, hookpoint: str | None = None) -> list[StoreLatent]:
    """Return a graph's latents, the most influential first.

    Args:
        store: The store.
        latents: `graph.json` for all, `graph.json:top50` for the 50 most influential.
        hookpoint: Which of the store's hookpoints the graph's layers are: a name, of whose layer alone latents are
            then taken, or a pattern such as `layers.*.mlp`. By default each layer's only one.

    Raises:
        UserError: The graph cannot be read, or the store has no or several hookpoints for a layer, or no such latent.
    """
    from inspect_autointerp.formats.attribution_graph import read_graph  # formats know data sets, which know this

    match = _GRAPH.fullmatch(latents.strip())
    assert match is not None
    path, cut = match.groups()
    if cut is not None and not re.fullmatch(r"top[1-9]\d*", cut):
        raise UserError(f"latents={latents}: {cut!r} is not understood; give {path} or {path}:top50")
    graph = read_graph(located(path))
    wanted = graph.latents
    places = _places(store, hookpoint)
    if hookpoint is not None and "*" not in hookpoint:
        wanted = [latent for latent in wanted if latent.layer in places]
        if not wanted:
            raise UserError(f"latents={latents}: the graph has no latent in the layer of {hookpoint}")
    wanted = wanted[: int(cut[3:])] if cut else wanted
    _check(store, wanted, places, latents, hookpoint)
    return [StoreLatent(places[one.layer][0], one.index, one.influence) for one in wanted]


def _places(store: Store, hookpoint: str | None) -> dict[int, list[str]]:
    """The store's hookpoints that are meant, by layer."""
    from inspect_autointerp.formats.attribution_graph import layer_of

    if hookpoint is None:
        names = store.hookpoints
    elif "*" in hookpoint:
        names = [name for name in store.hookpoints if fnmatchcase(name, hookpoint)]
        if not names:
            raise UserError(f"no hookpoint {hookpoint!r} in {store.folder}; it has {', '.join(store.hookpoints)}")
    else:
        names = [store.at(hookpoint).name]
    places: dict[int, list[str]] = {}
    for name in names:
        if (layer := layer_of(name)) is not None:
            places.setdefault(layer, []).append(name)
    return places


def _check(
    store: Store, wanted: "Sequence[GraphLatent]", places: dict[int, list[str]], latents: str, hookpoint: str | None
) -> None:
    missing = _counted(latent.layer for latent in wanted if latent.layer not in places)
    if missing:
        kind = f" like {hookpoint}" if hookpoint else ""
        raise UserError(
            f"latents={latents}: the store has no hookpoint{kind} for layers {missing}; it has"
            f" {', '.join(store.hookpoints)}; prepare these layers too, or name one hookpoint with -T hookpoint="
        )
    for layer in sorted({latent.layer for latent in wanted}):
        if len(places[layer]) > 1:
            raise UserError(
                f"latents={latents}: layer {layer} is at {' and '.join(places[layer])}; say which is the graph's with"
                " a pattern, such as -T hookpoint=layers.*.mlp"
            )
    for latent in wanted:
        at = store.at(places[latent.layer][0])
        if latent.index >= at.width:
            raise UserError(
                f"latents={latents}: it names latent {latent.index} of layer {latent.layer}, and {at.name} has"
                f" {at.width}: the graph is of another coder"
            )
        at.check_held([latent.index])


def _counted(layers: Iterable[int]) -> str:
    """`3 (2 latents), 7 (1 latent)`; empty where there are none."""
    every = list(layers)
    words = ((layer, every.count(layer)) for layer in sorted(set(every)))
    return ", ".join(f"{layer} ({plural(n, 'latent')})" for layer, n in words)
