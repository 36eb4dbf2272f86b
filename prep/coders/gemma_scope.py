"""Coders of Gemma Scope, from a folder of its releases that holds `params.npz`.

JumpReLU: relu(pre) where pre = x · W_enc + b_enc is above the latent's threshold, else 0. Read without the registry
of SAELens, which knows the releases by name and not the folder that someone has downloaded.
"""

import re
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Affine, Precision
from inspect_autointerp.prep.coders.digest import tensors_sha256
from inspect_autointerp.prep.coders.triples import Triples, above, checked_threshold

PARAMETERS = "params.npz"
_NAMES = ("W_dec", "W_enc", "b_dec", "b_enc", "threshold")


class GemmaScopeCoder:
    """A JumpReLU autoencoder or transcoder in Gemma Scope's format.

    Args:
        source: The folder. Its path says the hookpoint if it names a layer and nothing but the residual stream:
            `gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71`.
        device: Where it runs.
        dtype: Precision of the encoder's product.

    Raises:
        UserError: It cannot be read.
    """

    def __init__(self, source: str, device: str | torch.device = "cpu", dtype: Precision = "float32") -> None:
        self.source, self.architecture = source, "jumprelu"
        self.hookpoint = _hookpoint(Path(source))
        self.model_name: str | None = None
        weights = {name: torch.from_numpy(array) for name, array in _read(source).items()}
        self.sha256 = tensors_sha256(weights, self.architecture)
        self.d_in, self.n_latents = weights["W_enc"].shape
        weights = {name: tensor.to(device, torch.float32) for name, tensor in weights.items()}
        self._hidden = Affine(weights["W_enc"], weights["b_enc"], dtype)
        self._threshold = self.threshold = checked_threshold(weights["threshold"], source)
        self.encoder_bias = weights["b_enc"]
        self.decoder: Tensor | None = weights["W_dec"]
        self.encoder: Tensor | None = self._hidden.weight.T
        self.transcodes = "transcoder" in Path(source).absolute().as_posix()  # nothing else tells

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        return above(self._hidden(x), self._threshold, self.source)


def _read(source: str) -> dict[str, np.ndarray]:
    """Arrays by name. An array of Python objects would be a pickle, which can run code: numpy refuses it."""
    arrays: dict[str, np.ndarray] = {}
    try:
        archive = np.load(Path(source) / PARAMETERS, allow_pickle=False)
        names = {f"W_{name[2:]}" if name.startswith("w_") else name: name for name in getattr(archive, "files", ())}
        if missing := [name for name in _NAMES if name not in names]:
            raise UserError(f"coder {source}: its {PARAMETERS} lacks {', '.join(missing)}")
        arrays = {name: archive[names[name]] for name in _NAMES}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise UserError(f"coder {source}: its {PARAMETERS} cannot be read ({reason})") from error
    n_latents = arrays["W_enc"].shape[-1] if arrays["W_enc"].ndim == 2 else -1
    if (
        not all(np.issubdtype(array.dtype, np.floating) for array in arrays.values())
        or any(arrays[name].shape != (n_latents,) for name in ("b_enc", "threshold"))
        or arrays["W_dec"].shape != (n_latents, *arrays["b_dec"].shape)
    ):
        shapes = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in arrays.items())
        raise UserError(f"coder {source}: the shapes in its {PARAMETERS} do not fit together ({shapes})")
    return arrays


def _hookpoint(folder: Path) -> str | None:
    """The residual stream after the layer that the path names; None where it names none, or another place in it."""
    path = folder.absolute().as_posix()
    layer = re.search(r"/layer_(\d+)(?:/|$)", path)
    elsewhere = re.search(r"(?<![a-z])(mlp|att|attn|attention|transcoders?)(?![a-z])", path)
    return f"layers.{layer[1]}" if layer and not elsewhere else None
