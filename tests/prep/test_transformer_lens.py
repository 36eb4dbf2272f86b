"""Effects of processing on activations, with a small random model that TransformerLens itself processes."""

from typing import Any

import pytest
import torch

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.transformer_lens import centred, hookpoint

STREAM = ("hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_attn_out", "hook_mlp_out")
INSIDE = ("attn.hook_q", "attn.hook_k", "attn.hook_v", "attn.hook_z", "mlp.hook_pre", "mlp.hook_post")
INSIDE = (*INSIDE, "ln1.hook_normalized", "ln2.hook_normalized")
HOOKS = ("hook_embed", "hook_pos_embed", "ln_final.hook_normalized")
HOOKS = (*HOOKS, *(f"blocks.{layer}.{place}" for layer in range(2) for place in (*STREAM, *INSIDE)))
OPTIONS = ("center_writing_weights", "fold_value_biases", "refactor_factored_attn_matrices", "center_unembed")


def activations(**options: bool) -> dict[str, torch.Tensor]:
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    model = HookedTransformer(
        HookedTransformerConfig(
            n_layers=2, d_model=16, n_ctx=8, d_head=8, n_heads=2, d_vocab=20, act_fn="gelu", normalization_type="LN"
        )
    ).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        model.load_and_process_state_dict(
            model.state_dict(), **({"fold_ln": False} | dict.fromkeys(OPTIONS, False) | options)
        )
        return dict(model.run_with_cache(torch.arange(8)[None])[1])


@pytest.mark.parametrize("option", OPTIONS)
def test_of_each_option_and_hook_it_is_told_what_happens(option: str) -> None:
    plain, processed = activations(), activations(**{option: True})
    n_refused = 0
    for name in HOOKS:
        x, y = plain[name].flatten(2), processed[name].flatten(2)
        try:
            expected = x - x.mean(-1, keepdim=True) if centred("it", name, "gpt2", {option: True}) else x
        except UserError:
            n_refused += 1
            assert not torch.allclose(y, x, atol=1e-4), name
            continue
        torch.testing.assert_close(y, expected, rtol=1e-3, atol=1e-4, msg=name)
    assert n_refused == {"fold_value_biases": 4, "refactor_factored_attn_matrices": 8}.get(option, 0)


@pytest.mark.parametrize("model_name", ["google/gemma-2-2b", "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-8B", "mistral-7b"])
def test_transformer_lens_centres_no_model_with_rms_norms(model_name: str) -> None:
    options = {"center_writing_weights": True}
    assert not centred("it", "blocks.1.hook_resid_post", model_name, options)
    assert centred("it", "blocks.1.hook_resid_post", None, options)


@pytest.mark.parametrize(
    ("hook_name", "options", "reason"),
    [
        (None, {"center_writing_weights": True}, r"center_writing_weights, .+ a hook that it does not name cannot be"),
        (
            "blocks.1.attn.hook_result",
            {"center_writing_weights": True},
            r"center_writing_weights, .+ at blocks\.1\.att",
        ),
        (None, {"fold_ln": True}, r"fold_ln, .+ a hook that it does not name cannot be"),
        ("blocks.1.mlp.hook_in", {"fold_ln": True}, r"fold_ln, .+ at blocks\.1\.mlp\.hook_in cannot be made up for$"),
        ("blocks.1.attn.hook_z", {"fold_value_biases": True}, r"fold_value_biases, .+ at blocks\.1\.attn\.hook_z"),
    ],
)
def test_what_cannot_be_made_up_for_is_refused(hook_name: str | None, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=rf"^coder it: it was trained on a model processed with {reason}"):
        centred("it", hook_name, "gpt2", options)


def test_options_that_are_off_or_bear_on_other_things_change_nothing() -> None:
    off = {"fold_ln": False, "center_writing_weights": False, "fold_value_biases": False, "n_devices": 2}
    assert not centred("it", "blocks.1.attn.hook_z", "gpt2", off)
    assert not centred("it", None, None, off)
    assert not centred("it", "blocks.1.hook_resid_post", "gpt2", {"fold_ln": True})


@pytest.mark.parametrize(
    ("hf_hook_name", "hook_name", "expected"),
    [
        ("model.layers.3", "blocks.3.hook_resid_post", "model.layers.3"),
        ("model.layers.3.output", "blocks.3.hook_resid_post", "model.layers.3"),
        ("model.layers.3.self_attn.o_proj.input", "blocks.3.attn.hook_z", "model.layers.3.self_attn.o_proj:input"),
        (
            "model.layers.3.pre_feedforward_layernorm.output",
            "blocks.3.hook_mlp_in",
            "model.layers.3.pre_feedforward_layernorm",
        ),
        ("model.layers.3.mlp:input", None, "model.layers.3.mlp:input"),
        (None, "blocks.3.hook_mlp_in", None),
        (None, "blocks.3.ln2.hook_normalized", None),
        (None, "blocks.3.mlp.hook_in", "blocks.3.mlp.hook_in"),
        (None, "blocks.3.hook_resid_mid", "blocks.3.hook_resid_mid"),
        (None, None, None),
    ],
)
def test_the_hookpoint_is_where_it_reads_if_that_is_certain(
    hf_hook_name: str | None, hook_name: str | None, expected: str | None
) -> None:
    assert hookpoint(hf_hook_name, hook_name) == expected
