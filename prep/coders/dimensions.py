"""Raw dimensions of a hookpoint in both directions, meant for the residual stream."""

import torch
from torch import Tensor

from inspect_autointerp.prep.coders.digest import description_sha256
from inspect_autointerp.prep.coders.triples import Triples, finite


class DimensionsCoder:
    """Latent i < d is relu(xᵢ), and latent d + i is relu(−xᵢ): a dimension has two meanings if it has any.

    On every token about half of the 2 · d latents fire, so a store of these is larger than one of a sparse coder.
    """

    def __init__(self, source: str, d_in: int, device: str | torch.device = "cpu") -> None:
        self.source, self.architecture = source, "dimensions"
        self.d_in, self.n_latents = d_in, 2 * d_in
        self.hookpoint: str | None = None
        self.model_name: str | None = None
        self.sha256 = description_sha256(f"dimensions d_in={d_in}")
        one = torch.eye(d_in, device=device)
        self.decoder: Tensor | None = torch.cat([one, -one])
        self.encoder: Tensor | None = self.decoder
        self.transcodes = False

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        token, dimension = x.nonzero(as_tuple=True)
        value = x[token, dimension]
        return finite(Triples(token, dimension + self.d_in * (value < 0), value.abs()), self.source)


class Dimensions:
    """`dimensions`, before the width is known."""

    hookpoint: str | None = None

    def __init__(self, source: str, device: str | torch.device = "cpu") -> None:
        self.source, self._device = source, device

    def of_width(self, d_in: int) -> DimensionsCoder:
        """Make the coder."""
        return DimensionsCoder(self.source, d_in, self._device)
