"""Coders of EleutherAI's sparsify, from its folders: `cfg.json` and `sae.safetensors`. The library is not needed.

`encode` is relu(linear(x − b_dec)) (of a transcoder relu(linear(x))), of which the k largest are kept, or under
`groupmax` the largest of each of k groups of neighbouring latents. Declined: SAELens's own loader for this format,
which reads `num_latents: 0`, what sparsify writes by default, as a coder of no latents, and transposes the decoder.
"""

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Affine, Precision
from inspect_autointerp.prep.coders.digest import tensors_sha256
from inspect_autointerp.prep.coders.triples import Triples, chosen, strongest

WEIGHTS = "sae.safetensors"


class SparsifyCoder:
    """A sparse autoencoder or transcoder that sparsify trained.

    Args:
        source: The folder. Its name is the hookpoint's, as sparsify has it: a module path under the base model.
        device: Where it runs.
        dtype: Precision of the encoder's product.

    Raises:
        UserError: It cannot be read, or its activations depend on more than one token's.
    """

    def __init__(self, source: str, device: str | torch.device = "cpu", dtype: Precision = "float32") -> None:
        self.source = source
        cfg, weights = _read(source)
        self.architecture: str = cfg.get("activation", "topk")
        if self.architecture not in ("topk", "groupmax"):
            raise UserError(f"coder {source}: its activation, {self.architecture}, is neither topk nor groupmax")
        for option, what in (("signed", "fires below zero as well"), ("gram_lookup", "reads the tokens before, too")):
            if cfg.get(option):
                raise UserError(f"coder {source}: it {what} ({option}: true), which is not supported")
        encoder = weights["encoder.weight"]
        self.n_latents, self.d_in = encoder.shape
        self._k, self.transcodes = int(cfg["k"]), bool(cfg.get("transcode"))
        if not 0 < self._k <= self.n_latents or (self.architecture == "groupmax" and self.n_latents % self._k):
            raise UserError(f"coder {source}: k = {self._k} does not fit its {self.n_latents} latents")
        self.sha256 = tensors_sha256(weights, f"{self.architecture} k={self._k} transcode={self.transcodes}")
        weights = {name: tensor.to(device, torch.float32) for name, tensor in weights.items()}
        self._hidden = Affine(weights["encoder.weight"].T, weights["encoder.bias"], dtype, fused=True)
        self._b_dec = weights["b_dec"]
        self.decoder: Tensor | None = weights["W_dec"]
        self.encoder: Tensor | None = self._hidden.weight.T
        bias = weights["encoder.bias"]
        self.encoder_bias = bias if self.transcodes else bias - weights["encoder.weight"] @ self._b_dec
        self.hookpoint = _hookpoint(Path(source), ":input" if self.transcodes else "")
        self.model_name: str | None = None

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        hidden = self._hidden(x if self.transcodes else x.float() - self._b_dec)
        if self.architecture == "topk":
            return strongest(hidden, self._k, self.source)
        value, within = hidden.unflatten(-1, (self._k, -1)).max(dim=-1)  # (token, group); NaN is the largest
        begin = torch.arange(0, self.n_latents, self.n_latents // self._k, device=within.device)
        return chosen(value, begin + within, self.source)


def _read(source: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(source)
    try:
        cfg = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise UserError(f"coder {source}: not a readable sparsify coder ({reason})") from error
    if not isinstance(cfg, dict) or not isinstance(cfg.get("k"), int):
        raise UserError(f"coder {source}: its cfg.json does not say k, the number of latents that fire")
    if missing := [name for name in ("W_dec", "b_dec", "encoder.bias", "encoder.weight") if name not in weights]:
        raise UserError(f"coder {source}: its {WEIGHTS} lacks {', '.join(missing)}")
    shape = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    n_latents, d_in = shape["encoder.weight"] if len(shape["encoder.weight"]) == 2 else (-1, -1)
    d_out = shape["W_dec"][-1:] if cfg.get("transcode") else (d_in,)  # a transcoder may write another width
    if (
        shape["encoder.bias"] != (n_latents,)
        or shape["W_dec"] != (n_latents, *d_out)
        or shape["b_dec"] != d_out
        or cfg.get("d_in", d_in) != d_in
        or (cfg.get("num_latents") or n_latents) != n_latents
    ):
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in sorted(weights.items()))
        raise UserError(
            f"coder {source}: weights and cfg.json do not fit together ({shapes};"
            f" d_in {cfg.get('d_in')}, num_latents {cfg.get('num_latents')})"
        )
    return cfg, weights


def _hookpoint(folder: Path, side: str) -> str | None:
    """The module path that the folder is named after; None if its name is something else.

    `layers.3.mlp` → `layers.3.mlp`; `layers.3.mlp/seed1` likewise; `my-sae` → None.
    """
    folder = folder.absolute()
    name = folder.parent.name if re.fullmatch(r"seed\d+", folder.name) else folder.name
    return name + side if re.fullmatch(r"(\w+\.)+\d+(\.\w+)*", name) else None
