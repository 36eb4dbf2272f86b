"""Crosscoders of dictionary_learning's branch for model diffing (`jkminder/dictionary_learning`).

Two layouts: `ae.pt` and `config.json`, as its `trainSAE` writes them; and `model.safetensors` and `config.json`, as
`push_to_hub` does. A latent's activation is what the class's own `encode` gives, without the code normalization that
its `get_activations` multiplies it by. Batch top-k uses the learned threshold. In the decoupled kind a latent has a
threshold for each place and fires where it is above one of them, so its activation is the largest of its places'.
"""

from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Precision
from inspect_autointerp.prep.coders.crosscoder import CrossCoder, Rule, Weights
from inspect_autointerp.prep.coders.digest import tensors_sha256
from inspect_autointerp.prep.coders.training import Training
from inspect_autointerp.prep.coders.weight_files import check_names, check_shapes

CLASSES = ("CrossCoder", "BatchTopKCrossCoder")
HUB_WEIGHTS = "model.safetensors"
_NEEDED = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")
_NORMALIZER = ("activation_mean", "activation_std", "activation_global_scale", "target_rms")
_BATCH = ("k", "threshold")
_NORMALIZATIONS = ("CROSSCODER", "SAE", "MIXED", "NONE", "DECOUPLED")
"""Ways to scale latents before they are compared; in a file they are numbered from 1 on."""
_COMPILED = "_orig_mod."
"""Begins the names of weights that were saved by a compiled trainer."""


def dictionary_crosscoder(
    weights: dict[str, Tensor],
    config: dict[str, Any],
    kind: str,
    file: str,
    source: str,
    *,
    trained: Training | None = None,
    device: str | torch.device = "cpu",
    dtype: Precision = "float32",
) -> CrossCoder:
    """Return the crosscoder of some weights.

    Args:
        weights: Tensors by name.
        config: The trainer's configuration, or the arguments that `push_to_hub` writes.
        kind: Its class, one of `CLASSES`.
        file: Name of the file of weights, for errors.
        source: How it was asked for.
        trained: Facts about its training.
        device: Where it runs.
        dtype: Precision of the encoder's product.

    Raises:
        UserError: The weights are not those of the class, or latents fire differently in another batch.
    """
    what = f"coder {source}: its {file}, of the class {kind},"
    weights = {name.removeprefix(_COMPILED): tensor for name, tensor in weights.items()}
    batch = kind == "BatchTopKCrossCoder"
    needed = (*_NEEDED, "threshold") if batch else _NEEDED
    check_names(weights, needed, (*_NORMALIZER, "code_normalization_id", *(_BATCH if batch else ())), what)
    encoder, decoder = weights["encoder.weight"], weights["decoder.weight"]
    if encoder.ndim != 3 or not encoder.numel():
        raise UserError(f"{what}: encoder.weight must be (place, d, latent), but is of shape {tuple(encoder.shape)}")
    n_places, d, n_latents = encoder.shape
    shapes = {"encoder.weight": (n_places, d, n_latents), "encoder.bias": (n_latents,)}
    shapes |= {"decoder.weight": (n_places, n_latents, d), "decoder.bias": (n_places, d)}
    check_shapes(weights, shapes | dict.fromkeys(_NORMALIZER[:2], (n_places, d)), what)
    way = _normalization(weights, config, what)
    norms = decoder.float().norm(dim=2)
    rules = _rules(weights["threshold"], _gain(way, norms, decoder, config), n_places, what) if batch else (Rule(),)
    centre, factor = _normalizer(weights, n_places, what)
    return CrossCoder(
        source,
        kind,
        Weights(
            encoder=encoder,
            bias=weights["encoder.bias"],
            decoder=decoder,
            centre=centre,
            factor=factor,
            stretch=None if factor is None else 1 / (factor + 1e-8),
            rules=rules,
        ),
        sha256=tensors_sha256(weights, f"{kind} {way}"),
        trained=trained,
        device=device,
        dtype=dtype,
    )


def kind_of(weights: dict[str, Tensor]) -> str:
    """Return the class of weights whose configuration does not name it."""
    return CLASSES["threshold" in {name.removeprefix(_COMPILED) for name in weights}]


def _normalization(weights: dict[str, Tensor], config: dict[str, Any], what: str) -> str:
    """Return how latents are scaled before they are compared; `CROSSCODER` where nothing says so, as in the library."""
    if (number := weights.get("code_normalization_id")) is not None:
        if number.numel() != 1 or int(number) not in range(1, len(_NORMALIZATIONS) + 1):
            raise UserError(f"{what} has the unknown code_normalization_id {number.tolist()}")
        return _NORMALIZATIONS[int(number) - 1]
    way = str(config.get("code_normalization") or "CROSSCODER").upper()
    if way not in _NORMALIZATIONS:
        raise UserError(f"{what}: its code_normalization must be one of {', '.join(_NORMALIZATIONS)}, got {way}")
    return way


def _gain(way: str, norms: Tensor, decoder: Tensor, config: dict[str, Any]) -> Tensor | None:
    """Return what latents are multiplied by before they are compared: (latent,), or decoupled (place, latent)."""
    if way == "NONE":
        return None
    if way == "DECOUPLED":
        return norms
    if way == "CROSSCODER":
        return norms.sum(dim=0)
    whole = decoder.float().norm(dim=(0, 2))
    if way == "SAE":
        return whole
    sae, cross = (
        config.get(f"code_normalization_alpha_{name}", default) for name, default in (("sae", 1.0), ("cc", 0.1))
    )
    return whole * sae + norms.sum(dim=0) * cross


def _rules(threshold: Tensor, gain: Tensor | None, n_places: int, what: str) -> list[Rule]:
    """Return the rules of batch top-k: one, or of a decoupled crosscoder one for each place."""
    decoupled = gain is not None and gain.ndim == 2
    values = threshold.flatten().tolist()
    if len(values) != (n_places if decoupled else 1):
        raise UserError(f"{what}: threshold must be {n_places if decoupled else 1} numbers, but is {len(values)}")
    for value in values:
        if value != value:
            raise UserError(f"{what} cannot be used: its threshold is NaN")
        if value < 0:
            raise UserError(
                f"{what} has no threshold ({value:g}: training ended before one was estimated), and without it what"
                " fires on a token depends on the other tokens of the batch"
            )
    gains = gain if decoupled and gain is not None else [gain]
    return [Rule(gain=each, threshold=value) for each, value in zip(gains, values, strict=True)]


def _normalizer(weights: dict[str, Tensor], n_places: int, what: str) -> tuple[Tensor | None, Tensor | None]:
    """Return what is subtracted from activations, (place, d), and what they are multiplied by, (place,).

    Both are None where the means are NaN, which in the library means that there is no normalizer.
    """
    mean, deviation = (weights.get(name) for name in _NORMALIZER[:2])
    if mean is None or deviation is None or bool(mean.isnan().any()) or bool(deviation.isnan().any()):
        return None, None
    scale = weights.get("activation_global_scale")
    if scale is None or scale.numel() not in (1, n_places):
        raise UserError(f"{what} centres activations, and does not say by what they are scaled afterwards")
    return mean, scale.float().flatten().expand(n_places)
