"""The hookpoints of a model: its modules, what goes in and out of them, and what TransformerLens calls the places.

The model is built from its configuration alone, on torch's meta device: shapes without weights, so the largest model is
listed in seconds. Declined: loading it as prep does, to the same end.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.hf_errors import why
from inspect_autointerp.prep.subject.hookpoints import Side, label, layer_of, transformer_lens_name
from inspect_autointerp.prep.subject.skeleton import decoder, module_names, skeleton, taken, vectors

_SHAPE = (2, 5)
"""Chunks and tokens that the shapes are looked at with."""
_MOST = 500_000_000
"""Parameters of a model that is given random weights, where it does not run without any."""


@dataclass(frozen=True)
class Place:
    """One side of one module."""

    name: str
    """Name for `--hookpoint`."""
    width: int
    """Dimensions of the activations there."""
    transformer_lens: str | None
    """Second name that `--hookpoint` accepts."""


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
    from transformers import AutoConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    try:
        config = AutoConfig.from_pretrained(subject, revision=revision, trust_remote_code=trust_remote_code)
    except Exception as error:  # as varied as configurations are
        raise UserError(f"subject {subject}: its configuration cannot be loaded ({why(error, subject)})") from error
    try:
        build = partial(skeleton, config, revision, trust_remote_code=trust_remote_code)
        widths = _widths(build)
    except Exception as error:  # models run whatever code they like
        reason = why(error, subject)
        raise UserError(f"subject {subject}: its shapes cannot be found without its weights ({reason})") from error
    if not widths:
        raise UserError(f"subject {subject}: none of its modules reads or returns one vector per token, once in a pass")
    model_type = config.get_text_config().model_type
    alike: dict[tuple, list[int]] = {}
    for layer in sorted({layer for path, _ in widths if (layer := layer_of(path)) is not None}):
        alike.setdefault(_shape(widths, layer), []).append(layer)
    groups = list(alike.values())
    listed = [None, *(group[0] for group in groups)]
    hookpoints = [
        Place(label(path, side), width, transformer_lens_name(path, side, model_type))
        for (path, side), width in widths.items()
        if layer_of(path) in listed
    ]
    return hookpoints, groups


def _widths(build: Callable[..., Any]) -> dict[tuple[str, Side], int]:
    """Run the model without weights; or with random ones, if it is small and its code looks at what it computes."""
    model = build()
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    n, length = _SHAPE
    ids = torch.zeros(_SHAPE, dtype=torch.int64, device="meta")
    # transformers reads a value to find out whether a mask is needed; a mask of its shape is not.
    mask = torch.zeros((n, 1, length, length), dtype=torch.bfloat16, device="meta")
    try:
        return _seen(model, input_ids=ids)
    except Exception as error:  # models run whatever code they like
        with suppress(Exception):
            return _seen(build(), input_ids=ids, attention_mask=mask)
        if n_parameters > _MOST:
            raise error
    return _seen(build(device="cpu"), input_ids=torch.zeros(_SHAPE, dtype=torch.int64))


def _seen(model: Any, **inputs: Tensor) -> dict[tuple[str, Side], int]:
    """By module path and side, in the order of the model, wherever it is one vector per token, once in a pass."""
    base, paths = decoder(model), set(module_names(model).values())
    seen: dict[tuple[str, Side], list[int | None]] = {}

    def note(path: str, side: Side, value: object) -> None:
        value = vectors(value, _SHAPE)
        seen.setdefault((path, side), []).append(None if value is None else value.shape[-1])

    ordered = [path for path, _ in base.named_modules() if path in paths and "rotary" not in path]
    for path in ordered:
        module = base.get_submodule(path)
        module.register_forward_pre_hook(
            lambda _, args, kwargs, path=path: note(path, "input", taken(args, kwargs)), with_kwargs=True
        )
        module.register_forward_hook(lambda _, args, out, path=path: note(path, "output", out))
    with torch.inference_mode():
        base(**inputs, use_cache=False)
    sides: tuple[Side, Side] = ("input", "output")
    widths: dict[tuple[str, Side], int] = {}
    for path, side in product(ordered, sides):
        match seen.get((path, side)):
            case [int(width)]:
                widths[path, side] = width
    return widths


def _shape(widths: dict[tuple[str, Side], int], layer: int) -> tuple:
    """Return what a layer is made of, without the layer's own name: `layers.3.mlp` → `mlp`."""
    return tuple(
        (".".join(path.split(".")[2:]), side, width)
        for (path, side), width in widths.items()
        if layer_of(path) == layer
    )
