"""Hookpoints: module paths under the base model, and the names TransformerLens gives the same places.

What each name stands for is taken from TransformerLens's definitions; tests/prep/test_hookpoints.py checks the tensors
of small random models against the Hugging Face model's own (hidden states, and resid_mid + mlp_out = resid_post), not
against TransformerLens itself. Attention and norms are not covered yet.
"""

import re
from typing import Literal

from inspect_autointerp.errors import UserError

Side = Literal["output", "input"]

# Per family: the list of decoder layers, the module whose output is added as the MLP's, and the MLP's out-projection,
# whose input is the neurons' activations.
_FAMILIES = {
    "gpt2": ("h", "mlp", "mlp.c_proj"),
    "gpt_neox": ("layers", "mlp", "mlp.dense_4h_to_h"),
    "llama": ("layers", "mlp", "mlp.down_proj"),
    "gemma2": ("layers", "post_feedforward_layernorm", "mlp.down_proj"),
}
_LIKE = {
    "mistral": "llama",
    "qwen2": "llama",
    "qwen3": "llama",
    "gemma": "llama",
    "gemma3": "gemma2",
    "gemma3_text": "gemma2",
}
_PLACES = ("hook_resid_pre", "hook_resid_post", "hook_mlp_out", "mlp.hook_post")
_TRANSFORMER_LENS = re.compile(rf"blocks\.(\d+)\.({'|'.join(map(re.escape, _PLACES))})")


def resolve(name: str, model_type: str) -> tuple[str, Side]:
    """Return the module path under the base model, and the side of it, that a hookpoint's name stands for.

    Args:
        name: A module path (`layers.12`, `model.layers.12.mlp`; its output is meant unless `:input` follows), or a
            TransformerLens name (`blocks.12.hook_resid_post`).
        model_type: The subject's Hugging Face model type, `llama` for instance.

    Raises:
        UserError: A TransformerLens name that is not known for this family.
    """
    if match := _TRANSFORMER_LENS.fullmatch(name):
        family = _FAMILIES.get(_LIKE.get(model_type, model_type))
        if family is None:
            raise UserError(
                f"hookpoint {name}: TransformerLens names are not known for {model_type} models;"
                " give the module's path (`autointerp hooks` lists them)"
            )
        layers, mlp, projection = family
        layer = f"{layers}.{match[1]}"
        return {
            "hook_resid_pre": (layer, "input"),
            "hook_resid_post": (layer, "output"),
            "hook_mlp_out": (f"{layer}.{mlp}", "output"),
            "mlp.hook_post": (f"{layer}.{projection}", "input"),
        }[match[2]]  # type: ignore[return-value]
    if name.startswith(("blocks.", "hook_")):
        raise UserError(f"hookpoint {name}: this TransformerLens name is not known; give the module's path")
    path, _, side = name.partition(":")
    if side not in ("", "input", "output"):
        raise UserError(f"hookpoint {name}: after the colon stands `input` or `output`")
    path = re.sub(r"^((model|transformer|gpt_neox)\.)?(language_model\.)?", "", path)
    return path, "input" if side == "input" else "output"


def transformer_lens_name(path: str, side: Side, model_type: str) -> str | None:
    """The inverse of `resolve`: what TransformerLens calls a place, None where it has no name that we know."""
    layer = layer_of(path)
    if layer is None or _LIKE.get(model_type, model_type) not in _FAMILIES:
        return None
    names = (f"blocks.{layer}.{place}" for place in _PLACES)
    return next((name for name in names if resolve(name, model_type) == (path, side)), None)


def label(path: str, side: Side) -> str:
    """The name of a hookpoint in the store: its path, and the side where that is not the output."""
    return path if side == "output" else f"{path}:input"


def layer_of(path: str) -> int | None:
    """The number of the decoder layer a path lies in; None outside the layers."""
    match = re.match(r"(?:h|layers)\.(\d+)(?:\.|$)", path)
    return int(match[1]) if match else None
