"""TransformerLens metadata of a coder: where it reads, and how the model's weights were processed for it.

SAELens trains on TransformerLens's models, which can be *processed*: weights are changed so that the model's output
stays as it is, and activations on the way do not always. Prep runs the model as Hugging Face has it, so each change
that bears on a coder's hook is made up for here, or refused.
"""

import re
from collections.abc import Mapping
from typing import Any

from inspect_autointerp.errors import UserError

_STREAM = r"hook_(resid_pre|resid_mid|resid_post|attn_out|mlp_out|embed|pos_embed)"
# Where a LayerNorm lies between the stream and the hook, the mean has been taken off already.
_BEHIND_A_NORM = r"attn\.hook_[qkvz]|mlp\.hook_(pre|post)|ln\w*\.hook_normalized"
# Changes of another kind than the mean, by the option that asks for them. `center_unembed` changes no more than logits.
_CHANGED = {
    "fold_ln": r"(attn|mlp)\.hook_in",
    "fold_value_biases": r"attn\.hook_[vz]",
    "refactor_factored_attn_matrices": r"attn\.hook_[qkvz]",
}
# TransformerLens leaves the means of models with RMS norms alone, whatever it was asked for.
_RMS_NORM = re.compile(r"gemma|llama|mistral|mixtral|qwen|olmo", re.IGNORECASE)
# TransformerLens means the stream, or the norm without its weight; what trained transcoders read there differs.
_AMBIGUOUS = re.compile(r".*(hook_mlp_in|hook_normalized)")


def hookpoint(hf_hook_name: str | None, hook_name: str | None) -> str | None:
    """Return where a coder says it reads; None where it does not say, or where the name has several meanings.

    Args:
        hf_hook_name: A Hugging Face module path, the side of which may stand behind it: `model.layers.3.mlp.input`.
        hook_name: A TransformerLens name.
    """
    if hf_hook_name:
        path, _, side = hf_hook_name.rpartition(".")
        return {"input": f"{path}:input", "output": path}.get(side, hf_hook_name)
    return None if hook_name is None or _AMBIGUOUS.fullmatch(hook_name) else hook_name


def centred(source: str, hook_name: str | None, model_name: str | None, options: Mapping[str, Any]) -> bool:
    """Return whether the coder's activations are the model's less their mean over the dimensions of the stream.

    Args:
        source: The coder's.
        hook_name: Its hook's name in TransformerLens.
        model_name: The model it was trained on.
        options: How TransformerLens loaded that (`model_from_pretrained_kwargs`).

    Raises:
        UserError: They are the model's after another change, or it cannot be told.
    """
    place = re.sub(r"^blocks\.\d+\.", "", hook_name or "")
    for option, places in _CHANGED.items():
        if options.get(option) and (not place or re.fullmatch(places, place)):
            raise UserError(_refusal(source, option, hook_name))
    option = "center_writing_weights"
    if not options.get(option) or _RMS_NORM.search(model_name or "") or re.fullmatch(_BEHIND_A_NORM, place):
        return False
    if not re.fullmatch(_STREAM, place):
        raise UserError(_refusal(source, option, hook_name))
    return True


def _refusal(source: str, option: str, hook_name: str | None) -> str:
    return (
        f"coder {source}: it was trained on a model processed with {option}, and what that does to the activations at"
        f" {hook_name or 'a hook that it does not name'} cannot be made up for"
    )
