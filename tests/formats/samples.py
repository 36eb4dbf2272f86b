"""One source by hand in the schema of each format, and how tests read them."""

import json
from pathlib import Path
from typing import Any

from inspect_autointerp.formats import Supplied, read_explanations

HOOK = "layers.1"
NEURONPEDIA = {
    "id": "cluabcdefghijklmnopqrstuv",
    "modelId": "gpt2-small",
    "layer": HOOK,
    "index": "5",
    "authorId": "clkht01d40000jv08hvalcvly",
    "description": "names of days",
    "embedding": None,
    "typeName": "oai_token-act-pair",
    "explanationModelName": "gpt-4o-mini",
    "umap_x": 0.0,
    "umap_y": 0.0,
    "umap_cluster": 0,
    "umap_log_feature_sparsity": 0.0,
}
FEATURE = {
    "modelId": "gpt2-small",
    "layer": HOOK,
    "index": "5",
    "maxActApprox": 3.5,
    "activations": [{"tokens": ["on", " Tuesday"], "values": [0.0, 3.5]}],
    "explanations": [
        {
            "id": "x",
            "description": "names of days",
            "explanationModelName": "gpt-4o-mini",
            "typeName": "oai_token-act-pair",
            "scores": [{"value": 0.75, "explanationScoreTypeName": "eleuther_recall", "jsonDetails": "[]"}],
        }
    ],
}
SAEBENCH = {
    "eval_type_id": "autointerp",
    "eval_config": {"model_name": "gpt2-small", "n_latents": 2},
    "eval_id": "1",
    "datetime_epoch_millis": 1730000000000,
    "eval_result_metrics": {"autointerp": {"autointerp_score": 0.8, "autointerp_std_dev": 0.1}},
    "eval_result_details": [],
    "sae_bench_commit_hash": "abc",
    "sae_lens_id": "blocks.1",
    "sae_lens_release_id": "r",
    "sae_lens_version": "5.0",
    "sae_cfg_dict": {"d_sae": 100},
    "eval_result_unstructured": {
        "5": {
            "latent": 5,
            "explanation": "names of days",
            "predictions": [1, 2],
            "correct seqs": [1, 3],
            "score": 0.75,
            "logs": "…",
        },
        "7": {"latent": 7, "explanation": "colons", "predictions": [], "correct seqs": [], "score": 1.0, "logs": ""},
    },
}
LOG = next((Path(__file__).parents[2] / "logs" / "example").glob("*.eval"))


def read(source: Path | str, **options: Any) -> Supplied:
    return read_explanations(str(source), **({"hookpoint": HOOK, "width": 100} | options))


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def texts(explanations: Supplied) -> dict[int, str]:
    return {index: text.text for index, text in explanations.texts.items()}
