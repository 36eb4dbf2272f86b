"""Names of places against `HookedTransformer`: TransformerLens's own forward pass over the same weights.

`test_hookpoints` compares with its `TransformerBridge`, which hooks the Hugging Face model. This class computes every
layer by itself, and most published SAEs were trained on it. Its weights are not processed here.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.prep.test_hookpoints import FAMILIES, Family, activations, random_model
from torch import Tensor

from inspect_autointerp.prep.subject.hookpoints import label, resolve
from inspect_autointerp.prep.subject.subject import Subject

_LENS = "transformer_lens"
_ROTARY = {"positional_embedding_type": "rotary", "rotary_adjacent_pairs": False}
_RMS = _ROTARY | {"normalization_type": "RMS", "gated_mlp": True, "act_fn": "silu", "final_rms": True}
_GEMMA = _RMS | {"act_fn": "gelu_pytorch_tanh"}
OPTIONS: dict[str, dict[str, Any]] = {
    "gpt2": {"normalization_type": "LN", "act_fn": "gelu_new"},
    "gpt_neox": _ROTARY | {"normalization_type": "LN", "act_fn": "gelu", "parallel_attn_mlp": True},
    "llama": _RMS,
    "mistral": _RMS,
    "qwen2": _RMS,
    "qwen3": _RMS | {"use_qk_norm": True},
    "gemma": _GEMMA,
    "gemma2": _GEMMA
    | {"attn_scores_soft_cap": 50.0, "output_logits_soft_cap": 30.0, "use_normalization_before_and_after": True},
}
"""Options of a family in TransformerLens's configuration, beside sizes."""
CONVERTERS = {"gpt_neox": "neox", "gemma2": "gemma"}


def hooked(family: Family, model: Any, ids: Tensor) -> dict[str, Tensor]:
    """Return TransformerLens's cache of a model's weights on some tokens."""
    lens = pytest.importorskip(_LENS)
    config = model.config
    heads, d = config.num_attention_heads, config.hidden_size
    d_head = getattr(config, "head_dim", None) or d // heads
    options = {"n_layers": config.num_hidden_layers, "d_model": d, "n_heads": heads, "d_head": d_head, "n_ctx": 64}
    options |= {"d_vocab": config.vocab_size, "d_mlp": getattr(config, "intermediate_size", None) or 4 * d}
    options |= {"eps": getattr(config, "rms_norm_eps", None) or getattr(config, "layer_norm_eps", 1e-5)}
    options |= {"device": "cpu", "dtype": torch.float32, **OPTIONS[family.model_type]}
    if "rotary" in options.values():
        rotary = config.rope_parameters
        options["rotary_dim"] = round(d_head * rotary.get("partial_rotary_factor", 1.0))
        options["rotary_base"] = rotary["rope_theta"]
    if (groups := getattr(config, "num_key_value_heads", None)) is not None:
        options["n_key_value_heads"] = groups
    if (scalar := getattr(config, "query_pre_attn_scalar", None)) is not None:
        options["attn_scale"] = scalar**0.5
    name = CONVERTERS.get(family.model_type, family.model_type)
    convert = getattr(import_module(f"{_LENS}.pretrained.weight_conversions"), f"convert_{name}_weights")
    cfg = lens.HookedTransformerConfig(**options)
    own = lens.HookedTransformer(cfg)
    unprocessed = dict.fromkeys(
        ("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases", "refactor_factored_attn_matrices"),
        False,
    )
    own.load_and_process_state_dict(convert(model, cfg), **unprocessed)
    with torch.no_grad():
        logits, cache = own.run_with_cache(ids)
        torch.testing.assert_close(logits, model(ids).logits, rtol=1e-3, atol=1e-3)  # the two are one model
    return cache


@pytest.mark.parametrize("model_type", OPTIONS)
def test_places_are_those_of_hooked_transformer(model_type: str, subject_folder: Path, tmp_path: Path) -> None:
    [family] = [family for family in FAMILIES if family.model_type == model_type]
    model = random_model(family.model_type, family.config, tmp_path, subject_folder)
    ids = torch.randint(1, 600, (2, 12), generator=torch.Generator().manual_seed(0))
    cache = hooked(family, model, ids)
    names = [f"blocks.{layer}.{name}" for layer in (0, 2) for name in family.places if name != "mlp.hook_in"]
    read = activations(Subject(str(tmp_path), names, attention="eager"), ids)
    assert len(names) >= 12
    for name in names:
        expected = cache[name].flatten(2)  # hook_z is split by head there
        place, error = label(*resolve(name, model_type)), 1e-4 * float(expected.abs().max())
        torch.testing.assert_close(
            read[place], expected, rtol=1e-4, atol=error, msg=lambda text, name=name: f"{name}: {text}"
        )
