"""Neurons: a hookpoint's own dimensions as latents, the baseline that every dictionary has to beat.

Meant for `blocks.L.mlp.hook_post`, the input of the MLP's last projection. The paper's code keeps each token's k
largest signed values; a store holds what is above zero, so the negative ones among these k are left out here.
"""

import re

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.digest import description_sha256
from inspect_autointerp.prep.coders.rotation import rotation
from inspect_autointerp.prep.coders.triples import Triples, above, strongest


class NeuronsCoder:
    """relu(x), or of each token the positive ones among the k largest; the same in a rotated basis.

    Args:
        source: How it was asked for.
        d_in: The hookpoint's width, and the number of latents.
        k: How many may fire on a token; all of them if None.
        basis: (d_in, d_in), orthogonal: what x is multiplied by first.
        seed: Which made the basis.
    """

    def __init__(self, source: str, d_in: int, k: int | None, basis: Tensor | None = None, seed: int = 0) -> None:
        self.source, self.architecture = source, "neurons" if basis is None else "rotated neurons"
        self.n_latents = self.d_in = d_in
        self.hookpoint: str | None = None
        self.model_name: str | None = None
        self.decoder: Tensor | None = None  # what a neuron writes is in the projection after it
        self.encoder: Tensor | None = None  # an orthogonal basis: no two neurons read alike
        self.transcodes = False
        self._k, self.basis = k, basis
        which = "" if basis is None else f" seed={seed}"
        self.sha256 = description_sha256(f"{self.architecture} d_in={d_in} k={k}{which}")

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        if self.basis is not None:
            x = x.to(self.basis.dtype) @ self.basis
        return above(x, 0.0, self.source) if self._k is None else strongest(x, self._k, self.source)


class Neurons:
    """`neurons`, `neurons:32` or `neurons:32:rotated`, before the width is known.

    Raises:
        UserError: It is none of these.
    """

    hookpoint = None

    def __init__(self, source: str, device: str | torch.device = "cpu", seed: int = 0) -> None:
        match = re.fullmatch(r"neurons(?::([1-9]\d*)(:rotated)?)?", source)
        if not match:
            raise UserError(f"coder {source}: after `neurons` comes nothing, `:k` or `:k:rotated`, k being a number")
        self.source, self._device, self._seed = source, device, seed
        self._k, self._rotated = int(match[1]) if match[1] else None, bool(match[2])

    def of_width(self, d_in: int) -> NeuronsCoder:
        """Make the coder."""
        if self._k is not None and self._k > d_in:
            raise UserError(f"coder {self.source}: the hookpoint has no more than {d_in} dimensions")
        basis = rotation(d_in, self._seed).to(self._device) if self._rotated else None
        return NeuronsCoder(self.source, d_in, self._k, basis, self._seed)
