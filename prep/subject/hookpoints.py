"""Hookpoints: module paths under the base model, and the names TransformerLens gives the same places.

tests/prep/test_hookpoints.py checks each name for each family on small random models: against the Hugging Face model's
own tensors, and against TransformerLens's cache of the same weights.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import TAG

Side = Literal["output", "input"]


class _Family(NamedTuple):
    """Places of a model family's layers, and of the modules in a layer."""

    layers: str
    attention: str
    """Whose output is added to the residual stream as the attention's."""
    heads: str
    """The attention's out-projection, whose input is what the heads made, one after the other."""
    middle: str | None
    """The norm that reads the residual stream between attention and MLP; None where the two run side by side."""
    mlp: str
    """Whose output is added to the residual stream as the MLP's."""
    neurons: str | None
    """The MLP's out-projection, whose input is the neurons' activations; None where experts have one each."""
    reads: str = "mlp"
    """Module that reads the stream as the MLP."""
    recurrent: str | None = None
    """Stands for the attention in layers of linear attention."""


_FAMILIES = {
    "gpt2": _Family("h", "attn", "attn.c_proj", "ln_2", "mlp", "mlp.c_proj"),
    "gpt_neox": _Family("layers", "attention", "attention.dense", None, "mlp", "mlp.dense_4h_to_h"),
    "llama": _Family("layers", "self_attn", "self_attn.o_proj", "post_attention_layernorm", "mlp", "mlp.down_proj"),
    "gemma2": _Family(
        "layers",
        "post_attention_layernorm",
        "self_attn.o_proj",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
        "mlp.down_proj",
    ),
    "qwen3_moe": _Family("layers", "self_attn", "self_attn.o_proj", "post_attention_layernorm", "mlp", None),
    "qwen3_5": _Family(
        "layers", "self_attn", "self_attn.o_proj", "post_attention_layernorm", "mlp", "mlp.down_proj",
        recurrent="linear_attn",
    ),
    "qwen3_next": _Family(
        "layers", "self_attn", "self_attn.o_proj", "post_attention_layernorm", "mlp", None, recurrent="linear_attn"
    ),
    "llama4": _Family(
        "layers", "self_attn", "self_attn.o_proj", "post_attention_layernorm", "feed_forward", None,
        reads="feed_forward",
    ),
    "olmo2": _Family(
        "layers",
        "post_attention_layernorm",
        "self_attn.o_proj",
        "mlp",
        "post_feedforward_layernorm",
        "mlp.down_proj",
    ),
    "phi": _Family("layers", "self_attn", "self_attn.dense", None, "mlp", "mlp.fc2"),
}  # fmt: skip
_LIKE = {
    "mistral": "llama",
    "qwen2": "llama",
    "qwen3": "llama",
    "gemma": "llama",
    "gemma3": "gemma2",
    "gemma3_text": "gemma2",
    "olmo": "llama",
    "phi3": "llama",
    "olmo3": "olmo2",
    "gpt_oss": "qwen3_moe",
    "qwen3_5_text": "qwen3_5",
    "qwen3_5_moe": "qwen3_next",
    "qwen3_5_moe_text": "qwen3_next",
    "llama4_text": "llama4",
}


def resolve(name: str, model_type: str, modules: Mapping[str, str] | None = None) -> tuple[str, Side]:
    """Return the module path under the base model, and the side of it, that a hookpoint's name stands for.

    A name of one of the model's own modules means that module, whatever else it could mean: some models call their
    layers `blocks.3`, as TransformerLens does, or a part of one `output`.

    Args:
        name: A module path (`layers.12`, `model.layers.12.mlp`; its output is meant unless `:input` follows, or
            `.input` as in Gemma Scope 2), or a TransformerLens name (`blocks.12.hook_resid_post`).
        model_type: The subject's Hugging Face model type, `llama` for instance.
        modules: The model's module paths, by every name that means one; see `module_names`.

    Raises:
        UserError: A TransformerLens name that is not known, or not for this family.
    """
    modules = modules or {}
    path, colon, side = name.partition(":")
    if path in modules and side in ("", "input", "output"):
        return modules[path], "input" if side == "input" else "output"
    if match := re.fullmatch(r"blocks\.(\d+)\.(.+)", name):
        return _resolve_transformer_lens(name, int(match[1]), match[2], model_type, modules)
    if name.startswith(("blocks.", "hook_")):
        raise UserError(f"hookpoint {name}: {_UNKNOWN}")
    if colon and side not in ("input", "output"):
        raise UserError(f"hookpoint {name}: give `input` or `output` after the colon")
    path = re.sub(r"^((model|transformer|gpt_neox)\.)?(language_model\.)?", "", path)
    if (
        path not in modules
        and not colon
        and layer_of(path) is not None
        and (match := re.fullmatch(r"(.+)\.(input|output)", path))
    ):
        path, side = match[1], match[2]
    return path, "input" if side == "input" else "output"


def transformer_lens_name(path: str, side: Side, model_type: str) -> str | None:
    """The inverse of `resolve`: what TransformerLens calls a place, None where it has no name that we know."""
    layer, family = layer_of(path), _family(model_type)
    if layer is None or family is None:
        return None
    places = _places(family, layer)
    return next((f"blocks.{layer}.{name}" for name, place in places.items() if place == (path, side)), None)


def label(path: str, side: Side, tag: str = "") -> str:
    """The name of a hookpoint in the store: its path, the side where that is not the output, and its tag if it has one.

    Args:
        path: Module path under the base model.
        side: Side of the module.
        tag: What tells the coders of one place apart.
    """
    place = path if side == "output" else f"{path}:input"
    return f"{place}{TAG}{tag}" if tag else place


def parted(name: str) -> tuple[str, str]:
    """Part a hookpoint's name into its place and its tag, which is empty where it has none.

    Raises:
        UserError: Behind the `@` stands nothing, or what no folder in a store can be called.
    """
    place, sign, tag = name.partition(TAG)
    if sign and not _TAG.fullmatch(tag):
        raise UserError(
            f"hookpoint {name}: give a name for the coder after the {TAG}, with only letters, digits and - _ . : +"
        )
    return place, tag


def tag_of(coder: str) -> str:
    """Return what a coder is called beside others of its place: the last part of its source, `neurons:32` for one."""
    name = coder.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[^\w.:+-]", "-", name)[:_LONGEST_TAG] or "coder"


def name_them(hookpoint: str) -> str:
    """Say how two coders of one hookpoint are told apart that are called the same."""
    place = hookpoint.partition(TAG)[0]
    return f"give them names, as in `--hookpoint {place}{TAG}one --hookpoint {place}{TAG}other`"


_LONGEST_TAG = 80
_TAG = re.compile(rf"[\w.:+-]{{1,{_LONGEST_TAG}}}")


def layer_of(path: str) -> int | None:
    """The number of the decoder layer a path lies in; None outside the layers."""
    match = re.match(r"(?:h|layers)\.(\d+)(?:\.|$)", path)
    return int(match[1]) if match else None


_UNKNOWN = "unknown TransformerLens name; give the module's path (`autointerp hooks` lists them)"


def _resolve_transformer_lens(
    name: str, layer: int, place: str, model_type: str, modules: Mapping[str, str]
) -> tuple[str, Side]:
    if place == "hook_mlp_in":
        raise UserError(
            f"hookpoint {name}: TransformerLens means the residual stream by it, and Gemma Scope 2 what the MLP reads;"
            f" give blocks.{layer}.hook_resid_mid or blocks.{layer}.mlp.hook_in"
        )
    if place.endswith(".hook_normalized"):
        raise UserError(
            f"hookpoint {name}: it leaves out the norm's weight, and no module gives that; blocks.{layer}.mlp.hook_in"
            " is what the MLP reads, weight and all, and a norm's module path what that norm gives"
        )
    family = _family(model_type)
    if family is None:
        raise UserError(
            f"hookpoint {name}: TransformerLens names are unknown for {model_type} models;"
            " give the module's path (`autointerp hooks` lists them)"
        )
    if place == "hook_resid_mid" and family.middle is None:
        raise UserError(
            f"hookpoint {name}: attention and MLP of {model_type} models run side by side, with nothing between them"
            + (
                f" (in the few with use_parallel_residual off it is {family.layers}.{layer}"
                ".post_attention_layernorm:input)"
                if model_type == "gpt_neox"
                else ""
            )
        )
    places = _places(family, layer)
    places["mlp.hook_out"] = (f"{family.layers}.{layer}.mlp", "output")  # before a norm that may follow the MLP
    if place == "mlp.hook_post" and family.neurons is None:
        raise UserError(
            f"hookpoint {name}: in {model_type} models the neurons are the experts', and not every token goes"
            " through every expert; `autointerp hooks` lists places that all tokens go through"
        )
    if place not in places:
        raise UserError(f"hookpoint {name}: {_UNKNOWN}")
    path, side = places[place]
    if family.recurrent and modules and path not in modules:
        other = f"{family.layers}.{layer}.{family.recurrent}"
        if place == "hook_attn_out" and other in modules:
            return other, side
        raise UserError(
            f"hookpoint {name}: layer {layer} of this model has linear attention ({other}) and no {path};"
            " `autointerp hooks` lists what it has"
        )
    return path, side


def _family(model_type: str) -> _Family | None:
    return _FAMILIES.get(_LIKE.get(model_type, model_type))


def _places(family: _Family, layer: int) -> dict[str, tuple[str, Side]]:
    """Return what TransformerLens calls the places of one layer."""
    at = f"{family.layers}.{layer}"
    places: dict[str, tuple[str, Side]] = {
        "hook_resid_pre": (at, "input"),
        "attn.hook_z": (f"{at}.{family.heads}", "input"),
        "hook_attn_out": (f"{at}.{family.attention}", "output"),
        "mlp.hook_in": (f"{at}.{family.reads}", "input"),
        "hook_mlp_out": (f"{at}.{family.mlp}", "output"),
        "hook_resid_post": (at, "output"),
    }
    if family.neurons is not None:
        places["mlp.hook_post"] = f"{at}.{family.neurons}", "input"
    if family.middle is not None:
        places["hook_resid_mid"] = (f"{at}.{family.middle}", "input")
    return places
