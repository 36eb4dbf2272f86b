"""Small random models of every architecture, by giving whatever a configuration has for a size a small one."""

import shutil
from pathlib import Path
from typing import Any

import torch

VOCABULARY = 600
_SMALL = {
    VOCABULARY: "vocab_size vocab_size_per_layer_input",
    64: "max_position_embeddings n_positions n_ctx max_seq_len mamba_d_ssm",
    48: "intermediate_size ffn_dim decoder_ffn_dim encoder_ffn_dim ffn_hidden_size n_inner dff dim_ff"
    " intermediate_size_mlp dense_intermediate_size",
    32: "hidden_size n_embd d_model embedding_size attention_hidden_size lru_width shared_intermediate_size",
    16: "moe_intermediate_size shared_expert_intermediate_size expert_intermediate_size q_lora_rank kv_lora_rank",
    8: "head_dim global_head_dim d_head kv_channels dim_head qk_nope_head_dim qk_rope_head_dim v_head_dim"
    " hidden_size_per_layer_input mamba_d_state mamba_d_head mamba_n_heads mamba_num_heads mamba_head_dim"
    " ssm_state_size state_size linear_key_head_dim linear_value_head_dim sliding_window chunk_size",
    4: "num_hidden_layers n_layer n_layers num_layers decoder_layers encoder_layers num_attention_heads n_head n_heads"
    " num_heads decoder_attention_heads encoder_attention_heads num_experts num_local_experts n_routed_experts"
    " moe_num_experts linear_num_value_heads mamba_d_conv laurel_rank time_step_rank mamba_dt_rank rotary_dim",
    2: "num_key_value_heads num_kv_heads num_experts_per_tok moe_k mamba_expand linear_num_key_heads n_mamba_heads",
    1: "n_group topk_group n_groups mamba_n_groups num_mem_blocks",
    0: "bos_token_id eos_token_id pad_token_id",
}
_SIZES = {name: size for size, names in _SMALL.items() for name in names.split()}
_ALTERNATING = ["sliding_attention", "full_attention"] * 2
_LATENT_ATTENTION = {"num_key_value_heads": 4}  # heads that share no keys
_HYBRID = {"layers_block_type": ["mamba", "hybrid"] * 2, "attention_head_dim": 16, "attention_hidden_size": 64}
_ODD: dict[str, dict[str, Any]] = {
    "axk1": _LATENT_ATTENTION, "axk2": _LATENT_ATTENTION, "deepseek_v2": _LATENT_ATTENTION,
    "deepseek_v3": _LATENT_ATTENTION, "deepseek_v32": _LATENT_ATTENTION, "glm4_moe_lite": _LATENT_ATTENTION,
    "glm_moe_dsa": _LATENT_ATTENTION, "longcat_flash": _LATENT_ATTENTION, "minicpm3": _LATENT_ATTENTION,
    "youtu": _LATENT_ATTENTION,
    "bailing_hybrid": _LATENT_ATTENTION | {"layer_types": ["linear_attention", "full_attention"] * 2},
    "bamba": {"attn_layer_indices": [1, 3]},
    "dots1": {"n_shared_experts": 1, "first_k_dense_replace": 1},
    "gemma3n_text": {
        "layer_types": _ALTERNATING, "num_kv_shared_layers": 2, "activation_sparsity_pattern": [0.95, 0.95, 0.0, 0.0],
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"] * 2},
    "jamba": {
        "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
    },
    "lfm2_moe": {"num_dense_layers": 1, "layer_types": ["conv", "full_attention"] * 2},
    "mamba2": {"num_heads": 8},
    "reformer": {
        "is_decoder": True, "attn_layers": ["local", "lsh"] * 2,
        "axial_pos_shape": [8, 8], "axial_pos_embds_dim": [8, 24],
    },
    "zamba": _HYBRID | {"num_key_value_heads": 4},
    "zamba2": _HYBRID | {"num_key_value_heads": 4, "mamba_headdim": 32, "hybrid_layer_ids": [1, 3]},
}  # fmt: skip


def small_config(model_type: str) -> Any:
    """Return a configuration of four layers of width 32.

    Raises:
        Exception: Sizes that are chosen without knowing the architecture do not go together.
    """
    from transformers import CONFIG_MAPPING

    kind = CONFIG_MAPPING[model_type]
    usual = kind()
    sizes = _small(usual)
    for name in usual.sub_configs or {}:
        if (part := getattr(usual, name, None)) is not None and hasattr(part, "to_dict"):
            sizes[name] = _small(part) | _ODD.get(part.model_type, {})
    return kind(**sizes | _ODD.get(model_type, {}))


def _small(config: Any) -> dict[str, Any]:
    usual, names = config.to_dict(), getattr(type(config), "attribute_map", {})
    return {
        names.get(name, name): size
        for name, size in _SIZES.items()
        if (name in usual or name in names) and not isinstance(usual.get(name), list | dict)
    }


def save_small(folder: Path, model_type: str, tokenizer: Path) -> Any:
    """Save a random model with the tokenizer of another folder, and return it."""
    from transformers import AutoModelForCausalLM

    config = small_config(model_type)
    with torch.device("meta"):
        n_parameters = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
    if n_parameters > 20_000_000:
        raise ValueError(f"{n_parameters:,} parameters")
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    return model
