"""Attribution graphs, as circuit-tracer and Neuronpedia write them: which latents are in one, and labels put back.

A graph is one JSON file. Its `nodes` are latents at a token (`feature_type` "cross layer transcoder", of transcoders of
one layer too), embeddings, reconstruction errors and logits. A latent's `node_id` is LAYER_INDEX_POSITION: the field
`feature` has another meaning in each version. `influence` is cumulative: the share of all influence that this node and
all stronger ones have together, so the strongest node has the smallest. `clerp` is a node's label.
"""

import gzip
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import strict_json
from inspect_autointerp.formats.dedupe import once_each
from inspect_autointerp.formats.records import Row, short
from inspect_autointerp.formats.source import unpacked
from inspect_autointerp.text.json_values import is_finite_number

_NODE = re.compile(r"(\d{1,18})_(\d{1,18})_(\d{1,18})")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|layer)\.(\d+)(?=[.:@]|$)")
_LARGEST = 1 << 30
"""Bytes that a compressed graph may unpack to: those of circuit-tracer have some tens of megabytes."""
_LATENT = ("cross layer transcoder", "transcoder")


@dataclass(frozen=True)
class GraphLatent:
    """A latent of a graph."""

    layer: int
    index: int
    influence: float | None
    """The smallest among its nodes; None where the graph gives none. The smaller, the more influential."""


@dataclass(frozen=True)
class AttributionGraph:
    """An attribution graph."""

    place: str
    content: dict[str, Any]
    """As it was read."""

    @property
    def latents(self) -> list[GraphLatent]:
        """Return the graph's latents, the most influential first; those without an influence last.

        Raises:
            UserError: A node cannot be read, or none is a latent.
        """
        best: dict[tuple[int, int], float | None] = {}
        for node in self.content["nodes"]:
            if (which := self.latent_of(node)) is None:
                continue
            influence = node.get("influence")
            if influence is not None and not is_finite_number(influence):
                raise UserError(f"{self.place}: node {short(node['node_id'])}: its influence is not a number")
            known = best.setdefault(which, influence)
            if influence is not None:
                best[which] = influence if known is None else min(known, influence)
        if not best:
            raise UserError(f"{self.place}: none of its {len(self.content['nodes']):,} nodes is a latent")
        latents = [GraphLatent(layer, index, influence) for (layer, index), influence in best.items()]
        return sorted(latents, key=lambda one: (one.influence is None, one.influence or 0.0, one.layer, one.index))

    def latent_of(self, node: Any) -> tuple[int, int] | None:
        """Return the layer and the index of the latent that a node is; None for other nodes.

        Raises:
            UserError: The node is none that circuit-tracer or Neuronpedia writes.
        """
        fields: dict[str, Any] = cast(dict[str, Any], node) if isinstance(node, dict) else {}
        name = fields.get("node_id")
        if not isinstance(name, str):
            raise UserError(f"{self.place}: a node has no node_id; give a graph of circuit-tracer or Neuronpedia")
        if fields.get("feature_type") not in _LATENT:
            return None
        match = _NODE.fullmatch(name)
        if match is None or str(fields.get("layer", match[1])) != match[1]:
            raise UserError(f"{self.place}: node {short(name)}: not LAYER_INDEX_POSITION of its layer")
        return int(match[1]), int(match[2])

    def labelled(self, labels: Mapping[tuple[int, int], str]) -> tuple[dict[str, Any], int]:
        """Return a copy with labels in its nodes' `clerp`, and how many nodes got one.

        Args:
            labels: By layer and index.
        """
        nodes: list[Any] = []
        for node in self.content["nodes"]:
            which = self.latent_of(node)
            label = None if which is None else labels.get(which)
            nodes.append(node if label is None else node | {"clerp": label})
        n = sum(new is not old for new, old in zip(nodes, self.content["nodes"], strict=True))
        return self.content | {"nodes": nodes}, n


def layer_of(hookpoint: str) -> int | None:
    """Return the layer that a hookpoint's name says; None if it says none."""
    match = _LAYER.search(hookpoint)
    return int(match[1]) if match else None


def read_graph(path: str | Path) -> AttributionGraph:
    """Read an attribution graph, compressed by gzip or not.

    Raises:
        UserError: It is not there, or not a graph.
    """
    try:
        raw = Path(path).read_bytes()
        content: Any = strict_json.load(unpacked(raw, str(path), _LARGEST))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except strict_json.Unreadable as error:
        raise UserError(f"{path}:{error.line}: not an attribution graph ({error})") from error
    graph: dict[str, Any] = cast(dict[str, Any], content) if isinstance(content, dict) else {}
    if not isinstance(graph.get("nodes"), list) or "links" not in graph:
        raise UserError(
            f"{path}: not an attribution graph: it needs `nodes` and `links`, as circuit-tracer writes them"
        )
    return AttributionGraph(str(path), graph)


def write_graph(rows: Iterable[Row], graph: AttributionGraph, path: Path) -> tuple[int, list[str]]:
    """Write a copy of a graph with explanations as its nodes' labels.

    Args:
        rows: Explanations of latents, of any hookpoints whose names say a layer.
        graph: The graph.
        path: File of the copy; one that ends in `.gz` is compressed.

    Returns:
        How many nodes have a label now, and notes about what was left as it was.

    Raises:
        UserError: A latent has two explanations, or no node is one of the latents explained.
    """
    by_hookpoint: dict[str, list[Row]] = {}
    for row in rows:
        by_hookpoint.setdefault(str(row.hookpoint), []).append(row)
    labels: dict[tuple[int, int], str] = {}
    placed: dict[int, str] = {}
    for hookpoint, own in by_hookpoint.items():
        layer = layer_of(hookpoint)
        if layer is None:
            raise UserError(f"{hookpoint}: its name says no layer, so its latents cannot be found in {graph.place}")
        if (other := placed.setdefault(layer, hookpoint)) != hookpoint:
            raise UserError(f"{other} and {hookpoint} are both of layer {layer}; give logs of one of them")
        labels |= {(layer, row.index): " ".join(str(row.text).split()) for row in once_each(own)}
    content, n = graph.labelled(labels)
    if not n:
        raise UserError(f"{graph.place}: none of its nodes is one of the {len(labels):,} latents explained")
    text = json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    missing = sum((latent.layer, latent.index) not in labels for latent in graph.latents)
    outside = len(labels.keys() - {(latent.layer, latent.index) for latent in graph.latents})
    notes = [f"latents of the graph without an explanation, which keep their labels: {missing:,}"] if missing else []
    return n, notes + ([f"latents explained that are not in the graph: {outside:,}"] if outside else [])
