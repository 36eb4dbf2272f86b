"""A top-k coder that nobody trained: the paper's floor for explanations of a dictionary."""

import re

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Affine, Precision
from inspect_autointerp.prep.coders.digest import description_sha256
from inspect_autointerp.prep.coders.triples import Triples, strongest


class RandomTopkCoder:
    """The k largest of x · Wᵀ, as far as they are positive; W's rows are uniform on the unit sphere.

    Args:
        source: How it was asked for.
        d_in: The hookpoint's width.
        n_latents: Rows of W.
        k: How many latents may fire on a token.
        seed: Of W, which is made on the CPU, so that it is the same wherever the coder runs.
        device: Where it runs.
        dtype: Precision of the product.
    """

    def __init__(
        self,
        source: str,
        d_in: int,
        n_latents: int,
        k: int,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        dtype: Precision = "float32",
    ) -> None:
        self.source, self.architecture = source, "random topk"
        self.d_in, self.n_latents, self._k = d_in, n_latents, k
        self.hookpoint: str | None = None
        self.model_name: str | None = None
        self.sha256 = description_sha256(f"{self.architecture} d_in={d_in} n_latents={n_latents} k={k} seed={seed}")
        gaussian = torch.randn((n_latents, d_in), generator=torch.Generator().manual_seed(seed))
        self.decoder: Tensor | None = torch.nn.functional.normalize(gaussian, dim=1).to(device)
        self._hidden = Affine(self.decoder.T, dtype=dtype)
        self.encoder: Tensor | None = self._hidden.weight.T
        self.transcodes = False

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        return strongest(self._hidden(x), self._k, self.source)


class RandomTopk:
    """`random:4096x32`, that is latents × k, before the width is known.

    Raises:
        UserError: It is not of this form.
    """

    hookpoint: str | None = None

    def __init__(
        self, source: str, device: str | torch.device = "cpu", seed: int = 0, dtype: Precision = "float32"
    ) -> None:
        match = re.fullmatch(r"random:([1-9]\d*)x([1-9]\d*)", source)
        if not match or int(match[2]) > int(match[1]):
            raise UserError(
                f"coder {source}: give the number of latents, and how many of them may fire on a token, after `random:`"
                ", as in `random:4096x32`"
            )
        self.source, self._device, self._seed = source, device, seed
        self._dtype: Precision = dtype
        self._n_latents, self._k = int(match[1]), int(match[2])

    def of_width(self, d_in: int) -> RandomTopkCoder:
        """Make the coder."""
        return RandomTopkCoder(
            self.source, d_in, self._n_latents, self._k, seed=self._seed, device=self._device, dtype=self._dtype
        )
