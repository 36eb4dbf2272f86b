"""Neurons: a hookpoint's own dimensions as latents, the baseline that every dictionary has to beat.

Meant for `blocks.L.mlp.hook_post`, the input of the MLP's last projection. Three readings of it:

- `neurons:32`: of each token the 32 largest. The paper's code does this and nothing else: it keeps each token's k
  largest signed values (default 32; the paper's tables have 32 and 256). A store holds what is above zero, so the
  negative ones among these k are left out here.
- `neurons:3rms`: what is above three times the root mean square of the token's values. As many fire as stand out.
- `neurons`: all that is positive. It is sparse where the MLP has a ReLU, and nearly so with a GELU. In a gated MLP a
  neuron is the product of a gate and a signed value, so it is positive on half of all tokens, and on no window of 32
  silent. Reading both signs apart does not help: each is there on half of all tokens.

Measured at layer 10 of SmolLM2-135M (1,536 neurons of a gated MLP, 8,192 tokens): how many fire on a token, and in what
share of the windows of 32 tokens the median neuron fires: `neurons` 767 and 1.00, `neurons:256` 256 and 0.98,
`neurons:32` 32 and 0.30, `neurons:2rms` 33 and 0.32, `neurons:3rms` 11 and 0.10, `neurons:4rms` 5 and 0.04.
"""

import re

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.digest import description_sha256
from inspect_autointerp.prep.coders.rotation import rotation
from inspect_autointerp.prep.coders.triples import Triples, above, strongest


class NeuronsCoder:
    """relu(x), or of each token the positive ones among the k largest, or those that stand out; in any basis.

    Args:
        source: How it was asked for.
        d_in: The hookpoint's width, and the number of latents.
        k: How many may fire on a token; all of them if None.
        basis: (d_in, d_in), orthogonal: what x is multiplied by first.
        seed: Which made the basis.
        rms: A neuron fires above so many times the root mean square of its token's values; 0 for above zero.
    """

    def __init__(
        self, source: str, d_in: int, k: int | None, basis: Tensor | None = None, seed: int = 0, rms: float = 0.0
    ) -> None:
        self.source, self.architecture = source, "neurons" if basis is None else "rotated neurons"
        self.n_latents = self.d_in = d_in
        self.hookpoint: str | None = None
        self.model_name: str | None = None
        self.decoder: Tensor | None = None  # what a neuron writes is in the projection after it
        self.encoder: Tensor | None = None  # an orthogonal basis: no two neurons read alike
        self.transcodes = False
        self._k, self._rms, self.basis = k, rms, basis
        which = (f" rms={rms:g}" if rms else "") + ("" if basis is None else f" seed={seed}")
        self.sha256 = description_sha256(f"{self.architecture} d_in={d_in} k={k}{which}")

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        if self.basis is not None:
            x = x.to(self.basis.dtype) @ self.basis
        if self._k is not None:
            return strongest(x, self._k, self.source)
        threshold = self._rms * x.float().square().mean(dim=1, keepdim=True).sqrt() if self._rms else 0.0
        return above(x, threshold, self.source)


class Neurons:
    """`neurons`, `neurons:32` or `neurons:3rms`, each with `:rotated` or not but for the first; of no width yet.

    Raises:
        UserError: It is none of these.
    """

    hookpoint: str | None = None

    def __init__(self, source: str, device: str | torch.device = "cpu", seed: int = 0) -> None:
        number = r"(?:(?P<k>[1-9]\d*)|(?P<rms>[1-9]\d?(?:\.\d+)?)rms)"
        match = re.fullmatch(rf"neurons(?::{number}(?P<rotated>:rotated)?)?", source)
        if not match:
            raise UserError(
                f"coder {source}: after `neurons` comes nothing, `:32` (each token's 32 largest) or `:3rms` (what is"
                " above 3 times the root mean square of its token), and after either of these `:rotated` or nothing"
            )
        self.source, self._device, self._seed = source, device, seed
        self._k = int(match["k"]) if match["k"] else None
        self._rms, self._rotated = float(match["rms"] or 0), bool(match["rotated"])

    def of_width(self, d_in: int) -> NeuronsCoder:
        """Make the coder."""
        if self._k is not None and self._k > d_in:
            raise UserError(f"coder {self.source}: the hookpoint has only {d_in} dimensions")
        basis = rotation(d_in, self._seed).to(self._device) if self._rotated else None
        return NeuronsCoder(self.source, d_in, self._k, basis, self._seed, self._rms)
