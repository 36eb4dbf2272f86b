"""Coders of llamascopium (Llama Scope 2), from folders with `config.json` and `sae_weights.safetensors`.

SAEs and transcoders, one layer of a cross-layer transcoder, and crosscoders. The library scales activations before it
encodes them (`norm_activation`): by the average length of a data set's, which the file of weights holds; by each
token's own; or not at all, where the scale is folded into the weights. All three are followed, and a latent's
activation is what the library's `encode` gives of what its `normalize_activations` gives. The decoder is in the units
of the model.
"""

from math import sqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import JOIN
from inspect_autointerp.prep.coders.affine import Precision
from inspect_autointerp.prep.coders.crosscoder import CrossCoder, Rule, Weights
from inspect_autointerp.prep.coders.digest import tensors_sha256
from inspect_autointerp.prep.coders.layer_of_folder import chosen_layer, no_layer
from inspect_autointerp.prep.coders.linear import Linear, LinearCoder
from inspect_autointerp.prep.coders.training import Training
from inspect_autointerp.prep.coders.transformer_lens import hookpoint
from inspect_autointerp.prep.coders.weight_files import (
    check_names,
    check_shapes,
    read_config,
    read_safetensors,
)

CONFIG, WEIGHTS, _MODEL = "config.json", "sae_weights.safetensors", "lm_config.json"
_NORM = "dataset_average_activation_norm."
_THRESHOLD = "activation_function.log_jumprelu_threshold"
_REFUSED = {
    "lorsa": "its latents are attention heads, which read several tokens",
    "molt": "what its latents write is a function of the input, and no direction",
}
"""Kinds (`sae_type`) that are not loaded, and why."""
_BATCH = {
    "batchtopk": "the other tokens of the batch",
    "layertopk": "the other layers",
    "batchlayertopk": "the other tokens of the batch",
}
"""Activation functions that are not computed, and what an activation depends on."""


def is_llamascopium(folder: Path) -> bool:
    """Return whether a folder is in this format, or in the one before its weights are exported."""
    return (folder / CONFIG).is_file() and any(
        (folder / f"sae_weights.{suffix}").exists() for suffix in ("safetensors", "pt", "dcp")
    )


def load_llamascopium(
    folder: Path, layer: int | None, source: str, device: str | torch.device = "cpu", dtype: Precision = "float32"
) -> LinearCoder:
    """Load the coder of a folder, or of one layer of it.

    Args:
        folder: The folder.
        layer: The layer of a cross-layer transcoder; None for the others.
        source: How the coder was asked for: `FOLDER`, or `FOLDER:LAYER`.
        device: Where it runs.
        dtype: Precision of the encoder's product.

    Raises:
        UserError: It cannot be read, or is of a kind whose activations are not a linear function of one token's.
    """
    config = read_config(folder / CONFIG, source)
    kind, rule = config.get("sae_type"), str(config.get("act_fn", "relu")).lower()
    if reason := _REFUSED.get(str(kind)):
        raise UserError(f"coder {source}: it is of the kind {kind}, which is not supported: {reason}")
    if kind not in ("sae", "clt", "crosscoder"):
        raise UserError(
            f"coder {source}: its {CONFIG} says that its sae_type is {kind}; it must be sae, clt or crosscoder"
        )
    if rule in _BATCH:
        raise UserError(
            f"coder {source}: its activation function is {rule}, so what fires on a token depends on {_BATCH[rule]};"
            " llamascopium converts such a coder to jumprelu"
        )
    if rule not in ("relu", "jumprelu", "topk"):
        raise UserError(f"coder {source}: its activation function, {rule}, is none of relu, jumprelu and topk")
    if config.get("use_glu_encoder"):
        raise UserError(f"coder {source}: a second encoder gates its own (use_glu_encoder), which is not supported")
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"coder {source}: it has no {WEIGHTS}; save it with llamascopium's save_pretrained")
    weights = read_safetensors(folder / WEIGHTS, source)
    model = read_config(folder / _MODEL, source) if (folder / _MODEL).is_file() else {}
    model_name, bos = model.get("model_name"), model.get("prepend_bos")
    about: dict[str, Any] = {
        "model_name": model_name if isinstance(model_name, str) else None,
        "trained": Training(bos=bos if isinstance(bos, bool) else None),
        "device": device,
        "dtype": dtype,
    }
    if kind == "crosscoder":
        no_layer(layer, source)
        return _crosscoder(weights, config, rule, source, about)
    if kind == "sae":
        no_layer(layer, source)
        parts = _sae(weights, config, rule, source)
    else:
        layer = chosen_layer(folder, layer, len(_hooks(config, "hook_points_in", source)), source)
        parts = _layer_of_clt(weights, config, rule, layer, source)
    linear, reads, decoders = parts
    transcodes = list(decoders) != [reads]
    k = f" k={linear.k}" if linear.k else ""
    described = f"{kind} {rule}{k} layer={layer} {config.get('norm_activation')} {reads} {' '.join(decoders)}"
    return LinearCoder(
        source,
        rule + (" cross-layer transcoder" if kind == "clt" else " transcoder" if transcodes else ""),
        linear,
        sha256=tensors_sha256(weights, f"llamascopium {described} gain={linear.gain is not None}"),
        hookpoint=hookpoint(None, reads),
        transcodes=transcodes,
        writes=decoders if transcodes else None,
        **about,
    )


_Parts = tuple[Linear, str, dict[str, Tensor]]
"""The encoder, the place that it reads, and the decoder for each place that it writes to."""


def _sae(weights: dict[str, Tensor], config: dict[str, Any], rule: str, source: str) -> _Parts:
    what = f"coder {source}: its {WEIGHTS}"
    reads, writes = (_hook(config, name, source) for name in ("hook_point_in", "hook_point_out"))
    d, n_latents = _sizes(config, source)
    shapes = {"W_E": (d, n_latents), "b_E": (n_latents,), "W_D": (n_latents, d)}
    shapes |= {"b_D": (d,)} if config.get("use_decoder_bias", True) else {}
    _check(weights, shapes, {_THRESHOLD: (n_latents,)} if rule == "jumprelu" else {}, what)
    factor, unit_norm = _factor(weights, config, reads, what), config.get("norm_activation") == "token-wise"
    if unit_norm and reads != writes:
        raise UserError(
            f"coder {source}: it scales what it reads and what it writes by the length of each token's"
            " (norm_activation: token-wise), and the length of what it will write is unknown"
        )
    decoder = weights["W_D"]
    linear = Linear(
        encoder=weights["W_E"].T,
        bias=weights["b_E"],
        decoder=_scaled(decoder, _factor(weights, config, writes, what)),
        factor=factor,
        unit_norm=unit_norm,
        gain=decoder.float().norm(dim=1) if _by_norm(config) and rule != "relu" else None,
        threshold=weights[_THRESHOLD].float().exp() if rule == "jumprelu" else 0.0,
        k=_k(config, source) if rule == "topk" else None,
    )
    return linear, reads, {writes: linear.decoder}


def _layer_of_clt(weights: dict[str, Tensor], config: dict[str, Any], rule: str, layer: int, source: str) -> _Parts:
    what = f"coder {source}: its {WEIGHTS}"
    reads, writes = (_hooks(config, name, source) for name in ("hook_points_in", "hook_points_out"))
    n_layers = len(reads)
    d, n_latents = _sizes(config, source)
    if len(writes) != n_layers:
        raise UserError(f"coder {source}: its {CONFIG} has {n_layers} hook_points_in and {len(writes)} hook_points_out")
    if config.get("norm_activation") == "token-wise":
        raise UserError(f"coder {source}: a cross-layer transcoder that scales each token is not supported")
    shapes: dict[str, tuple[int, ...]] = {"W_E": (n_layers, d, n_latents), "b_E": (n_layers, n_latents)}
    shapes |= {f"W_D.{to}": (to + 1, n_latents, d) for to in range(n_layers)}
    shapes |= {f"b_D.{to}": (d,) for to in range(n_layers)}
    _check(weights, shapes, {_THRESHOLD: (n_layers, n_latents)} if rule == "jumprelu" else {}, what)
    own = [weights[f"W_D.{to}"][layer] for to in range(layer, n_layers)]
    decoders = {
        hook: _scaled(decoder, _factor(weights, config, hook, what))
        for hook, decoder in zip(writes[layer:], own, strict=True)
    }
    gain = None
    if _by_norm(config) and rule != "relu":
        gain = sum((each.float().square().sum(dim=1) for each in own), start=torch.zeros(n_latents)).sqrt()
    linear = Linear(
        encoder=weights["W_E"][layer].T,
        bias=weights["b_E"][layer],
        decoder=sum((each.float() for each in decoders.values()), start=torch.zeros(n_latents, d)),
        factor=_factor(weights, config, reads[layer], what),
        gain=gain,
        threshold=weights[_THRESHOLD][layer].float().exp() if rule == "jumprelu" else 0.0,
        k=_k(config, source) if rule == "topk" else None,
    )
    return linear, reads[layer], decoders


def _crosscoder(
    weights: dict[str, Tensor], config: dict[str, Any], rule: str, source: str, about: dict[str, Any]
) -> CrossCoder:
    """Return a crosscoder, whose activation is the largest of its places', as the library's own analysis takes it.

    The library has an activation for each place: the same number, 0 at places where the latent does not fire. ReLU
    makes no difference between places. JumpReLU and top-k compare a latent times the length of its decoder there.
    """
    what = f"coder {source}: its {WEIGHTS}"
    hooks = _hooks(config, "hook_points", source)
    d, n_latents = _sizes(config, source)
    n_places = len(hooks)
    if config.get("norm_activation") == "token-wise":
        raise UserError(f"coder {source}: a crosscoder that scales each token (norm_activation) is not supported")
    shapes: dict[str, tuple[int, ...]] = {"W_E": (n_places, d, n_latents), "b_E": (n_places, n_latents)}
    shapes |= {"W_D": (n_places, n_latents, d), "b_D": (n_places, d)}
    _check(weights, shapes, {_THRESHOLD: (n_latents,)} if rule == "jumprelu" else {}, what)
    factors = torch.tensor([_factor(weights, config, hook, what) for hook in hooks])
    norms = weights["W_D"].float().norm(dim=2)
    rules = [Rule()]
    if rule == "jumprelu":  # above the threshold at one place is above it where the decoder is longest
        rules = [Rule(gain=norms.amax(dim=0), threshold=weights[_THRESHOLD].float().exp())]
    elif rule == "topk":
        rules = [Rule(gain=gain, k=_k(config, source)) for gain in norms]
    scaled = bool((factors != 1).any())
    names = [hookpoint(None, hook) for hook in hooks]
    described = f"crosscoder {rule} {config.get('norm_activation')} {' '.join(hooks)} k={rules[0].k}"
    return CrossCoder(
        source,
        f"{rule} crosscoder",
        Weights(
            encoder=weights["W_E"],
            bias=weights["b_E"].float().sum(dim=0),
            decoder=weights["W_D"],
            factor=factors if scaled else None,
            stretch=1 / factors if scaled else None,
            rules=rules,
        ),
        sha256=tensors_sha256(weights, f"llamascopium {described}"),
        hookpoint=None if None in names else JOIN.join(hooks),
        **about,
    )


def _check(weights: dict[str, Tensor], shapes: dict[str, Any], more: dict[str, Any], what: str) -> None:
    named = shapes | more
    check_names(weights, named, [name for name in weights if name.startswith(_NORM)], what)
    check_shapes(weights, named, what)


def _factor(weights: dict[str, Tensor], config: dict[str, Any], hook: str, what: str) -> float:
    """Return the factor by which the library scales activations at a place: √d over their average length."""
    way = config.get("norm_activation", "dataset-wise")
    if way in ("inference", "token-wise"):
        return 1.0
    if way != "dataset-wise":
        raise UserError(
            f"{what} cannot be used: activations are scaled by the average length in a batch (norm_activation: {way}),"
            " so what fires on a token depends on the other tokens"
        )
    norm = weights.get(_NORM + hook)
    if norm is None or norm.numel() != 1 or not 0 < float(norm) < float("inf"):
        raise UserError(
            f"{what} does not say the average length of the activations at {hook} ({_NORM}{hook}), by which they are"
            " scaled; save it with fold_activation_scale=True"
        )
    return sqrt(config["d_model"]) / float(norm)


def _scaled(decoder: Tensor, factor: float) -> Tensor:
    return decoder if factor == 1.0 else decoder.float() / factor


def _by_norm(config: dict[str, Any]) -> bool:
    """Return whether latents are compared with thresholds, and with each other, times the length of their decoder."""
    return bool(config.get("sparsity_include_decoder_norm", True))


def _k(config: dict[str, Any], source: str) -> int:
    k = config.get("top_k", 50)
    if not isinstance(k, int) or isinstance(k, bool):
        raise UserError(f"coder {source}: the top_k in its {CONFIG} must be a whole number, got {k}")
    return k


def _sizes(config: dict[str, Any], source: str) -> tuple[int, int]:
    """Return the width of the activations, and the number of latents."""
    d, factor = config.get("d_model"), config.get("expansion_factor")
    if not isinstance(d, int) or not isinstance(factor, int | float) or not 0 < d * factor < 1e9:
        raise UserError(f"coder {source}: its {CONFIG} must say d_model and expansion_factor, got {d} and {factor}")
    return d, int(d * factor)


def _hook(config: dict[str, Any], name: str, source: str) -> str:
    hook = config.get(name)
    if not isinstance(hook, str):
        raise UserError(f"coder {source}: its {CONFIG} does not say {name}, the place in the model")
    return hook


def _hooks(config: dict[str, Any], name: str, source: str) -> list[str]:
    hooks = config.get(name)
    if not isinstance(hooks, list) or not hooks or not all(isinstance(hook, str) for hook in hooks):
        raise UserError(f"coder {source}: its {CONFIG} does not say {name}, the place in the model for each layer")
    return hooks
