"""Attribution graphs as circuit-tracer and Neuronpedia write them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Node = tuple[int, int, int, float | None]
"""Layer, index, position and influence of a latent's node."""


def graph_of(nodes: Sequence[Node], layers: int = 4) -> dict[str, Any]:
    """A graph with an embedding, an error and a logit beside the latents."""
    others: list[dict[str, Any]] = [
        {"node_id": "E_5_0", "feature": 0, "layer": "E", "ctx_idx": 0, "feature_type": "embedding", "clerp": ""},
        {"node_id": "0_1_1", "feature": -1, "layer": "1", "ctx_idx": 1, "feature_type": "mlp reconstruction error"},
        {
            **{"node_id": f"{layers + 1}_9_3", "feature": 9, "layer": str(layers + 1), "ctx_idx": 3, "token_prob": 0.5},
            **{"feature_type": "logit", "clerp": 'Output " x" (p=0.500)', "is_target_logit": True},
        },
    ]
    latents = [
        {
            # `feature` is Cantor's number of layer and index in newer versions, and layer × 10ⁿ + index in older ones
            **{"node_id": f"{layer}_{index}_{at}", "feature": (layer + index) * (layer + index + 1) // 2 + index},
            **{"layer": str(layer), "ctx_idx": at, "feature_type": "cross layer transcoder", "token_prob": 0.0},
            **{"is_target_logit": False, "run_idx": 0, "reverse_ctx_idx": 0, "jsNodeId": f"{layer}_{index}-0"},
            **{"clerp": "", "influence": influence, "activation": 2.5},
        }
        for layer, index, at, influence in nodes
    ]
    metadata = {"slug": "x", "scan": "tiny", "transcoder_list": [], "prompt_tokens": ["a", "b"], "prompt": "a b"}
    pinned = {"pinnedIds": [], "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": ""}
    links = [{"source": node["node_id"], "target": others[-1]["node_id"], "weight": 1.5} for node in latents]
    return {"metadata": metadata, "qParams": pinned, "nodes": [others[0], *latents, *others[1:]], "links": links}


def write_graph_file(path: Path, nodes: Sequence[Node]) -> Path:
    """Write such a graph."""
    path.write_text(json.dumps(graph_of(nodes), indent=2), encoding="utf-8")
    return path
