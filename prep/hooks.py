"""The hookpoints of a model: its modules, what goes in and out of them, and what TransformerLens calls the places.

The model is built from its configuration alone, on torch's meta device: shapes without weights, so the largest model is
listed in seconds. Declined: loading it as prep does, to the same end.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.hookpoints import Side, label, layer_of, transformer_lens_name
from inspect_autointerp.prep.loading import why

_TOKENS = 5


@dataclass(frozen=True)
class Place:
    """One side of one module."""

    name: str
    """What `--hookpoint` takes."""
    width: int
    """Dimensions of the activations there."""
    transformer_lens: str | None
    """What else `--hookpoint` takes."""


def places(
    subject: str, revision: str | None = None, *, trust_remote_code: bool = False
) -> tuple[list[Place], list[list[int]]]:
    """List the places outside the layers, and those of every layer unlike the ones before it.

    Args:
        subject: Name or folder of a Hugging Face model; nothing but its configuration is read.
        revision: Of a model on the Hub.
        trust_remote_code: Run the code that comes with the model, if any does.

    Returns:
        The places, in the order of the model; and its layers in groups that are alike, of which the first is listed.

    Raises:
        UserError: Its configuration cannot be loaded, or the model does not run without its weights.
    """
    from transformers import AutoConfig, AutoModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    try:
        config = AutoConfig.from_pretrained(
            subject, revision=revision, trust_remote_code=trust_remote_code
        ).get_text_config()
    except Exception as error:  # as varied as configurations are
        raise UserError(f"subject {subject}: its configuration cannot be loaded ({why(error, subject)})") from error
    try:
        with torch.device("meta"):
            base = AutoModel.from_config(
                config, attn_implementation="eager", dtype=torch.bfloat16, trust_remote_code=trust_remote_code
            ).eval()
        widths = _widths(base)
    except Exception as error:  # models run whatever code they like
        reason = why(error, subject)
        raise UserError(f"subject {subject}: its shapes cannot be had without its weights ({reason})") from error
    alike: dict[tuple, list[int]] = {}
    for layer in sorted({layer for path, _ in widths if (layer := layer_of(path)) is not None}):
        alike.setdefault(_shape(widths, layer), []).append(layer)
    groups = list(alike.values())
    listed = [None, *(group[0] for group in groups)]
    found = [
        Place(label(path, side), width, transformer_lens_name(path, side, config.model_type))
        for (path, side), width in widths.items()
        if layer_of(path) in listed
    ]
    return found, groups


def _widths(base: torch.nn.Module) -> dict[tuple[str, Side], int]:
    """By module path and side, in the order of the model, wherever it is one vector per token."""
    seen: dict[tuple[str, Side], int] = {}

    def note(path: str, side: Side, value: object) -> None:
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, Tensor) and value.is_floating_point() and value.ndim == 3:
            seen[path, side] = value.shape[-1]

    paths = [path for path, _ in base.named_modules() if path and "rotary" not in path]
    for path in paths:
        module = base.get_submodule(path)
        module.register_forward_pre_hook(
            lambda _, args, kwargs, path=path: note(path, "input", args[0] if args else kwargs.get("hidden_states")),
            with_kwargs=True,
        )
        module.register_forward_hook(lambda _, args, out, path=path: note(path, "output", out))
    ids = torch.zeros((1, _TOKENS), dtype=torch.int64, device="meta")
    with torch.inference_mode():
        try:
            base(input_ids=ids, use_cache=False)
        except RuntimeError:  # transformers reads a value to find out whether a mask is needed; a mask of its shape is
            mask = torch.zeros((1, 1, _TOKENS, _TOKENS), dtype=torch.bfloat16, device="meta")
            base(input_ids=ids, attention_mask=mask, use_cache=False)
    sides: tuple[Side, Side] = ("input", "output")
    return {(path, side): seen[path, side] for path in paths for side in sides if (path, side) in seen}


def _shape(widths: dict[tuple[str, Side], int], layer: int) -> tuple:
    """What a layer is made of, without the layer's own name: `layers.3.mlp` → `mlp`."""
    return tuple(
        (".".join(path.split(".")[2:]), side, width)
        for (path, side), width in widths.items()
        if layer_of(path) == layer
    )
