"""The arithmetic that most coders share: a linear encoder, and a rule that says which latents fire."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Affine, Precision
from inspect_autointerp.prep.coders.training import Training
from inspect_autointerp.prep.coders.triples import Triples, above, checked_threshold, strongest


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A gated autoencoder's second reading of the encoder's product p, which has no bias here.

    A latent fires where p + `bias` is above 0, and its activation is relu(exp(`log_gain`) · p + `magnitude`).
    """

    bias: Tensor
    """(latent,)."""
    log_gain: Tensor
    """(latent,)."""
    magnitude: Tensor
    """(latent,)."""


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Weights of a linear encoder, on the CPU and in any floating-point type."""

    encoder: Tensor
    """(latent, d_in)."""
    decoder: Tensor
    """(latent, d_out)."""
    bias: Tensor | None = None
    """(latent,); None for zeros."""
    centre: Tensor | None = None
    """(d_in,): subtracted from activations before they are encoded."""
    factor: float | Tensor = 1.0
    """Factor by which activations are multiplied before they are encoded: one for all, or (d_in,)."""
    unit_norm: bool = False
    """Activations of each token are scaled to the length √d_in before they are encoded."""
    threshold: Tensor | float = 0.0
    """A latent fires above it: one for all, or (latent,)."""
    k: int | None = None
    """Latents that fire on a token, at most; None for all above the threshold."""
    gain: Tensor | None = None
    """(latent,): latents are compared with the threshold, and with each other, times this."""
    gate: Gate | None = None


class LinearCoder:
    """A coder of a linear encoder, whichever library wrote it.

    Args:
        source: How it was asked for.
        architecture: The library's word for it.
        linear: Its weights.
        sha256: Digest of them and of what decides how they are used.
        hookpoint: Place that it reads; None if it does not say.
        model_name: The model that it was trained on; None if it does not say.
        transcodes: It reads the input of a module and writes to its output.
        writes: The places that it writes to, if its files name them, each with what latents write there, (latent, d).
        trained: Facts about its training.
        warning: A sentence for the person who runs prep, which the manifest keeps as well.
        device: Where it runs.
        dtype: Precision of the encoder's product.

    Raises:
        UserError: A threshold is NaN, or k is not between 1 and the number of latents.
    """

    def __init__(
        self,
        source: str,
        architecture: str,
        linear: Linear,
        *,
        sha256: str,
        hookpoint: str | None = None,
        model_name: str | None = None,
        transcodes: bool = False,
        writes: Mapping[str, Tensor] | None = None,
        trained: Training | None = None,
        warning: str | None = None,
        device: str | torch.device = "cpu",
        dtype: Precision = "float32",
    ) -> None:
        self.source, self.architecture, self.sha256 = source, architecture, sha256
        self.hookpoint, self.model_name, self.transcodes = hookpoint, model_name, transcodes
        self.writes, self.trained, self.warning = writes, trained or Training(), warning
        self.n_latents, self.d_in = linear.encoder.shape
        self._k = linear.k
        if self._k is not None and not 0 < self._k <= self.n_latents:
            raise UserError(f"coder {source}: k must be between 1 and its {self.n_latents} latents, got {self._k}")
        self._hidden = Affine(_on(device, linear.encoder).T, _on(device, linear.bias), dtype, fused=True)
        self.encoder: Tensor | None = self._hidden.weight.T
        self.decoder: Tensor | None = _on(device, linear.decoder)
        self._centre, self._gain = _on(device, linear.centre), _on(device, linear.gain)
        factor = linear.factor
        self._factor = _on(device, factor) if isinstance(factor, Tensor) else None if factor == 1.0 else factor
        self._unit_norm = linear.unit_norm
        threshold = linear.threshold
        self._threshold: Tensor | float = (
            checked_threshold(_on(device, threshold), source) if isinstance(threshold, Tensor) else threshold
        )
        gate = linear.gate
        self._gate = gate and [_on(device, part) for part in (gate.bias, gate.log_gain.exp(), gate.magnitude)]

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        hidden = self.hidden(x)
        if self._gate is not None:
            bias, gain, magnitude = self._gate
            shut = hidden + bias <= 0
            hidden = (hidden * gain).add_(magnitude).masked_fill_(shut, 0)
        if self._gain is not None:
            hidden = hidden * self._gain
        if self._k is None:
            triples = above(hidden, self._threshold, self.source)
        else:
            triples = strongest(hidden, self._k, self.source)
        return triples if self._gain is None else triples._replace(value=triples.value / self._gain[triples.latent])

    def hidden(self, x: Tensor) -> Tensor:
        """Return what the linear encoder gives of activations, float32 (token, latent)."""
        if self._centre is not None:
            x = x.float() - self._centre
        if self._unit_norm:
            x = x.float() / self.scale(x)[:, None]
        if self._factor is not None:
            x = x.float() * self._factor
        return self._hidden(x)

    @torch.no_grad()
    def scale(self, x: Tensor) -> Tensor:
        """By how much what it decodes is stretched, (token,), to undo the scaling of what it read, (token, d_in)."""
        if not self._unit_norm:
            return torch.ones(len(x), device=x.device)
        tiny = torch.finfo(torch.float32).tiny  # a token of zeros stays one
        return (x.float().norm(dim=-1) / self.d_in**0.5).clamp(min=tiny)


@overload
def _on(device: str | torch.device, tensor: Tensor) -> Tensor: ...
@overload
def _on(device: str | torch.device, tensor: Tensor | None) -> Tensor | None: ...
def _on(device: str | torch.device, tensor: Tensor | None) -> Tensor | None:
    """A tensor in float32 on a device; it is not copied where it is that already."""
    return None if tensor is None else tensor.to(device, torch.float32)
