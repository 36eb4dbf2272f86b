"""Coders of dictionary_learning, from the folders that its `trainSAE` writes: `ae.pt` and `config.json`.

The crosscoders among them are in `dictionary_crosscoder`.

Each class's own `encode` is followed, as it is when the library calls it without options: a top-k coder keeps each
token's k largest, a batch top-k coder what is above its threshold. `AutoEncoder.from_pretrained` scales the encoder so
that every decoder vector has length one, and so does this.
"""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Precision
from inspect_autointerp.prep.coders.crosscoder import CrossCoder
from inspect_autointerp.prep.coders.dictionary_crosscoder import CLASSES, HUB_WEIGHTS, dictionary_crosscoder, kind_of
from inspect_autointerp.prep.coders.digest import tensors_sha256
from inspect_autointerp.prep.coders.linear import Gate, Linear, LinearCoder
from inspect_autointerp.prep.coders.training import Training
from inspect_autointerp.prep.coders.weight_files import (
    check_names,
    check_shapes,
    matrix,
    read_config,
    read_pickle,
    read_safetensors,
)

WEIGHTS, CONFIG = "ae.pt", "config.json"
_LINEAR = ("encoder.weight", "encoder.bias", "decoder.weight")
_PARAMETERS = ("W_enc", "b_enc", "W_dec", "b_dec")
_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "AutoEncoder": ((*_LINEAR, "bias"), ()),
    "AutoEncoderNew": ((*_LINEAR, "decoder.bias"), ()),
    "GatedAutoEncoder": (("encoder.weight", "decoder.weight", "decoder_bias", "r_mag", "gate_bias", "mag_bias"), ()),
    "JumpReluAutoEncoder": ((*_PARAMETERS, "threshold"), ()),
    "AutoEncoderTopK": ((*_LINEAR, "b_dec"), ("k", "threshold")),
    "BatchTopKSAE": ((*_LINEAR, "b_dec", "threshold"), ("k",)),
    "MatryoshkaBatchTopKSAE": ((*_PARAMETERS, "threshold"), ("k", "group_sizes")),
}
"""Weights of each class (`trainer.dict_class`): those that it needs, and those that it may have."""
_PLACES = {"resid_post": "hook_resid_post", "resid_out": "hook_resid_post"}
_PLACES |= {"mlp_out": "hook_mlp_out", "attn_out": "hook_attn_out"}
"""Beginnings of `trainer.submodule_name` and the places that they mean."""


def load_dictionary_learning(
    source: str, device: str | torch.device = "cpu", dtype: Precision = "float32"
) -> LinearCoder:
    """Load the coder of a folder.

    Args:
        source: The folder.
        device: Where it runs.
        dtype: Precision of the encoder's product.

    Raises:
        UserError: It cannot be read, is of another class, or encodes a token differently in another batch.
    """
    folder = Path(source)
    config = read_config(folder / CONFIG, source)
    trainer, buffer = _part(config, "trainer", source), _part(config, "buffer", source)
    kind = str(trainer.get("dict_class"))
    context_size = buffer.get("ctx_len")
    trained = Training(context_size=context_size if isinstance(context_size, int) else None)
    if kind in CLASSES:
        weights = read_pickle(folder / WEIGHTS, source)
        return dictionary_crosscoder(
            weights, trainer, kind, WEIGHTS, source, trained=trained, device=device, dtype=dtype
        )
    if kind not in _NAMES:
        raise UserError(
            f"coder {source}: its {CONFIG} says that its trainer.dict_class is {kind}; it must be one of"
            f" {', '.join((*_NAMES, *CLASSES))}"
        )
    what = f"coder {source}: its {WEIGHTS}, of the class {kind},"
    weights = read_pickle(folder / WEIGHTS, source)
    check_names(weights, *_NAMES[kind], what)
    linear = _linear(kind, weights, trainer, what)
    transcodes = buffer.get("io") == "in_and_out"
    return LinearCoder(
        source,
        kind,
        linear,
        sha256=tensors_sha256(weights, f"{kind} k={linear.k} transcodes={transcodes}"),
        hookpoint=_hookpoint(trainer, buffer),
        model_name=trainer["lm_name"] if isinstance(trainer.get("lm_name"), str) else None,
        transcodes=transcodes,
        trained=trained,
        device=device,
        dtype=dtype,
    )


def is_hub_crosscoder(folder: Path) -> bool:
    """Return whether a folder has the files of a crosscoder that `push_to_hub` wrote."""
    return (folder / HUB_WEIGHTS).is_file() and (folder / CONFIG).is_file()


def load_hub_crosscoder(source: str, device: str | torch.device = "cpu", dtype: Precision = "float32") -> CrossCoder:
    """Load the crosscoder of a folder as `push_to_hub` writes it: see `load_dictionary_learning`.

    Raises:
        UserError: The folder holds something else, such as a language model, or the crosscoder cannot be used.
    """
    folder = Path(source)
    config = read_config(folder / CONFIG, source)
    if missing := [name for name in ("activation_dim", "dict_size", "num_layers") if name not in config]:
        raise UserError(
            f"coder {source}: the folder holds no coder of a known kind, but {CONFIG}, {HUB_WEIGHTS}; in a crosscoder's"
            f" the {CONFIG} says {missing[0]}; `autointerp coders` lists the kinds by their files"
        )
    weights = read_safetensors(folder / HUB_WEIGHTS, source)
    return dictionary_crosscoder(weights, config, kind_of(weights), HUB_WEIGHTS, source, device=device, dtype=dtype)


def _linear(kind: str, weights: dict[str, Tensor], trainer: dict[str, Any], what: str) -> Linear:
    """Return the weights of a class in the names that all coders share."""
    if "W_enc" in weights:
        d_in, n_latents = matrix(weights, "W_enc", what)
        shapes = {"W_enc": (d_in, n_latents), "b_enc": (n_latents,), "W_dec": (n_latents, d_in)}
    else:
        n_latents, d_in = matrix(weights, "encoder.weight", what)
        shapes = {
            "encoder.weight": (n_latents, d_in),
            "encoder.bias": (n_latents,),
            "decoder.weight": (d_in, n_latents),
        }
    shapes |= dict.fromkeys(("bias", "decoder.bias", "decoder_bias", "b_dec"), (d_in,))
    shapes |= dict.fromkeys(("encoder.bias", "r_mag", "gate_bias", "mag_bias"), (n_latents,))
    shapes["threshold"] = (n_latents,) if kind == "JumpReluAutoEncoder" else ()
    check_shapes(weights, shapes, what)
    encoder = weights["W_enc"].T if "W_enc" in weights else weights["encoder.weight"]
    decoder = weights["W_dec"] if "W_dec" in weights else weights["decoder.weight"].T
    bias = weights.get("b_enc", weights.get("encoder.bias"))
    if kind == "AutoEncoder":
        return _of_unit_decoder(encoder, bias, decoder, weights["bias"])
    if kind == "AutoEncoderNew":
        return Linear(encoder=encoder, bias=bias, decoder=decoder)
    if kind == "GatedAutoEncoder":
        gate = Gate(bias=weights["gate_bias"], log_gain=weights["r_mag"], magnitude=weights["mag_bias"])
        return Linear(encoder=encoder, decoder=decoder, centre=weights["decoder_bias"], gate=gate)
    if kind == "JumpReluAutoEncoder":
        return Linear(encoder=encoder, bias=bias, decoder=decoder, threshold=weights["threshold"])
    centre = weights["b_dec"]
    if kind == "AutoEncoderTopK":
        return Linear(encoder=encoder, bias=bias, decoder=decoder, centre=centre, k=_k(weights, trainer, what))
    threshold = float(weights["threshold"])
    if threshold != threshold:
        raise UserError(f"{what} cannot be used: its threshold is NaN")
    if threshold < 0:
        raise UserError(
            f"{what} has no threshold ({threshold:g}: training ended before one was estimated), and without it what"
            " fires on a token depends on the other tokens of the batch"
        )
    return Linear(encoder=encoder, bias=bias, decoder=decoder, centre=centre, threshold=threshold)


def _of_unit_decoder(encoder: Tensor, bias: Tensor | None, decoder: Tensor, centre: Tensor) -> Linear:
    """Weights of an `AutoEncoder`, scaled so that every decoder vector has length one, as the library loads them."""
    norm = decoder.float().norm(dim=1)
    if bias is None or torch.allclose(norm, torch.ones_like(norm)):
        return Linear(encoder=encoder, bias=bias, decoder=decoder, centre=centre)
    return Linear(
        encoder=encoder.float() * norm[:, None],
        bias=bias.float() * norm,
        decoder=decoder.float() / norm.clamp(min=torch.finfo(torch.float32).tiny)[:, None],
        centre=centre,
    )


def _k(weights: dict[str, Tensor], trainer: dict[str, Any], what: str) -> int:
    """Return how many latents fire on a token."""
    k = trainer.get("k")
    if "k" in weights:
        if weights["k"].numel() != 1 or (k is not None and k != int(weights["k"])):
            raise UserError(f"{what} and its {CONFIG} do not agree on k: {weights['k'].tolist()} and {k}")
        k = int(weights["k"])
    if not isinstance(k, int) or isinstance(k, bool):
        raise UserError(f"{what} does not say k, the number of latents that fire on a token, and nor does {CONFIG}")
    return k


def _hookpoint(trainer: dict[str, Any], buffer: dict[str, Any]) -> str | None:
    """Return the place that `submodule_name`, `layer` and `io` say; None where they say none that is known.

    `resid_post_layer_8`, 8 and `out` → `blocks.8.hook_resid_post`.
    """
    layer, io = trainer.get("layer"), buffer.get("io", "out")
    match = re.fullmatch(r"([a-z_]+?)(?:_?layer_?(\d+))?", str(trainer.get("submodule_name")))
    if match is None or match[1] not in _PLACES or not isinstance(layer, int) or io != "out":
        return None
    return None if match[2] is not None and int(match[2]) != layer else f"blocks.{layer}.{_PLACES[match[1]]}"


def _part(config: dict[str, Any], name: str, source: str) -> dict[str, Any]:
    part = config.get(name) or {}
    if not isinstance(part, dict):
        raise UserError(f"coder {source}: the {name} in its {CONFIG} is not a list of names and values")
    return part
