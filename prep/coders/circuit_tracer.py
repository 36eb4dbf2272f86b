"""Transcoders of circuit-tracer, from folders with `config.yaml`: one layer of a set, or of a cross-layer transcoder.

A set of transcoders has one file per layer, `layer_3.safetensors`. A skip connection (`W_skip`) does not bear on the
activations, nor on what a latent writes. A cross-layer transcoder has two, `W_enc_3.safetensors` and
`W_dec_3.safetensors`: its latents read one layer and write to that layer and to each after it, by a decoder for each.
"""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Precision
from inspect_autointerp.prep.coders.digest import tensors_sha256
from inspect_autointerp.prep.coders.layer_of_folder import chosen_layer
from inspect_autointerp.prep.coders.linear import Linear, LinearCoder
from inspect_autointerp.prep.coders.transformer_lens import hookpoint
from inspect_autointerp.prep.coders.weight_files import (
    check_names,
    check_shapes,
    matrix,
    read_config,
    read_safetensors,
)

CONFIG = "config.yaml"
_SET, _CROSS_LAYER = "transcoder_set", "cross_layer_transcoder"
_THRESHOLD = "activation_function.threshold"


def load_circuit_tracer(
    folder: Path, layer: int | None, source: str, device: str | torch.device = "cpu", dtype: Precision = "float32"
) -> LinearCoder:
    """Load the transcoder of one layer.

    Args:
        folder: The folder with `config.yaml`.
        layer: Its layer.
        source: How the coder was asked for: `FOLDER:LAYER`.
        device: Where it runs.
        dtype: Precision of the encoder's product.

    Raises:
        UserError: It cannot be read, has no such layer, or is of another kind.
    """
    config = read_config(folder / CONFIG, source)
    kind = config.get("model_kind")
    if kind not in (_SET, _CROSS_LAYER):
        raise UserError(
            f"coder {source}: its {CONFIG} says that its model_kind is {kind}; it must be {_SET} or {_CROSS_LAYER}"
        )
    hooks = {}
    for name in ("feature_input_hook", "feature_output_hook"):
        if not isinstance(config.get(name), str):
            raise UserError(
                f"coder {source}: its {CONFIG} does not say {name}, a TransformerLens name without its layer"
            )
        hooks[name] = config[name]
    reads, writes = hooks.values()
    files = _files_of_set(folder, config, source) if kind == _SET else _files_of_cross_layer(folder, source)
    layer = chosen_layer(folder, layer, len(files), source)
    if kind == _SET:
        weights = read_safetensors(files[layer], source)
        linear = _transcoder(weights, f"coder {source}: its {files[layer].name}")
        decoders = [linear.decoder]
    else:
        encoder, decoder = files[layer], folder / f"W_dec_{layer}.safetensors"
        weights = read_safetensors(encoder, source) | read_safetensors(decoder, source)
        linear, decoders = _cross_layer(
            weights, layer, len(files), f"coder {source}: its {encoder.name} and {decoder.name}"
        )
    model_name = config.get("model_name")
    return LinearCoder(
        source,
        ("jumprelu" if isinstance(linear.threshold, Tensor) else "relu")
        + (" transcoder" if kind == _SET else " cross-layer transcoder"),
        linear,
        sha256=tensors_sha256(weights, f"circuit-tracer {kind} {reads} {writes}"),
        hookpoint=hookpoint(None, f"blocks.{layer}.{reads}"),
        model_name=model_name if isinstance(model_name, str) else None,
        transcodes=True,
        writes={f"blocks.{layer + n}.{writes}": each for n, each in enumerate(decoders)},
        device=device,
        dtype=dtype,
    )


def _files_of_set(folder: Path, config: dict[str, Any], source: str) -> list[Path]:
    """Return the file of each layer."""
    if "transcoders" not in config:
        return _numbered(folder, "layer_*.safetensors", source)
    listed = config["transcoders"]
    if not isinstance(listed, list) or not all(isinstance(path, str) for path in listed):
        raise UserError(f"coder {source}: the transcoders in its {CONFIG} are not a list of files")
    if remote := next((path for path in listed if path.startswith("hf://")), None):
        raise UserError(
            f"coder {source}: its {CONFIG} only points to files on the Hugging Face Hub ({remote}); download them, and"
            " list them by their paths, or use the release of SAELens's registry that has them"
        )
    return [path if (path := Path(name)).exists() else folder / name for name in listed]


def _files_of_cross_layer(folder: Path, source: str) -> list[Path]:
    return _numbered(folder, "W_enc_*.safetensors", source)


def _numbered(folder: Path, pattern: str, source: str) -> list[Path]:
    """Return the files of a pattern in the order of the layers, which start at 0 and have no gap."""
    by_layer = {int(match[1]): path for path in folder.glob(pattern) if (match := re.fullmatch(r".*_(\d+)", path.stem))}
    if sorted(by_layer) != list(range(len(by_layer))) or not by_layer:
        layers = ", ".join(map(str, sorted(by_layer))) or "none"
        raise UserError(f"coder {source}: it must have a file {pattern} for each layer from 0 on; there are {layers}")
    return [by_layer[layer] for layer in range(len(by_layer))]


def _transcoder(weights: dict[str, Tensor], what: str) -> Linear:
    check_names(weights, ("W_enc", "W_dec", "b_enc", "b_dec"), (_THRESHOLD, "W_skip"), what)
    n_latents, d_in = matrix(weights, "W_enc", what)
    d_out = matrix(weights, "W_dec", what)[1]
    shapes = {"W_enc": (n_latents, d_in), "W_dec": (n_latents, d_out), "b_enc": (n_latents,), "b_dec": (d_out,)}
    check_shapes(weights, shapes | {_THRESHOLD: (n_latents,), "W_skip": (d_out, d_in)}, what)
    threshold = weights.get(_THRESHOLD, 0.0)
    return Linear(encoder=weights["W_enc"], bias=weights["b_enc"], decoder=weights["W_dec"], threshold=threshold)


def _cross_layer(weights: dict[str, Tensor], layer: int, n_layers: int, what: str) -> tuple[Linear, list[Tensor]]:
    """Return the encoder of a layer, and its decoders into that layer and each after it."""
    encoder, bias, threshold, decoder, b_dec = (
        f"{name}_{layer}" for name in ("W_enc", "b_enc", "threshold", "W_dec", "b_dec")
    )
    check_names(weights, (encoder, bias, decoder, b_dec), (threshold,), what)
    n_latents, d_in = matrix(weights, encoder, what)
    d_out = weights[decoder].shape[-1] if weights[decoder].ndim else 0
    shapes = {encoder: (n_latents, d_in), bias: (n_latents,), threshold: (n_latents,), b_dec: (d_out,)}
    check_shapes(weights, shapes | {decoder: (n_latents, n_layers - layer, d_out)}, what)
    linear = Linear(
        encoder=weights[encoder],
        bias=weights[bias],
        decoder=weights[decoder].sum(dim=1, dtype=torch.float32),
        threshold=weights.get(threshold, 0.0),
    )
    return linear, list(weights[decoder].unbind(dim=1))
