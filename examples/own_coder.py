"""A coder of your own: a ReLU autoencoder whose weights are in a NumPy file.

The file holds `W_enc` (d_in, latent), `b_enc` (latent,), `W_dec` (latent, d_in) and `b_dec` (d_in,). Name it in the
environment variable MY_SAE, and run prep in the folder of this file:

MY_SAE=weights.npz autointerp prep gpt2 --coder own_coder:make --hookpoint layers.8 -o contexts/own
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class NumpySAE:
    """Coder with everything that `autointerp prep` needs; see `Coder` in prep/coders/coder.py.

    Args:
        file: The NumPy file.
        device: Where it encodes.
    """

    architecture = "relu"
    hookpoint = None  # given by --hookpoint
    model_name = None

    def __init__(self, file: Path, device: str) -> None:
        weights = {name: torch.from_numpy(array).float().to(device) for name, array in np.load(file).items()}
        self.weight, self.bias, self.decoder = weights["W_enc"], weights["b_enc"], weights["W_dec"]
        self.offset = weights["b_dec"]
        self.encoder = self.weight.T
        self.d_in, self.n_latents = self.weight.shape
        self.sha256 = hashlib.sha256(file.read_bytes()).hexdigest()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return every activation above 0 as three vectors: token, latent, value; tokens in order.

        Args:
            x: Activations at the hookpoint, (token, d_in).
        """
        values = torch.relu((x.float() - self.offset) @ self.weight + self.bias)
        token, latent = values.nonzero(as_tuple=True)
        return token, latent, values[token, latent]


def make(device: str) -> NumpySAE:
    """Return the coder; `--coder own_coder:make` calls this."""
    return NumpySAE(Path(os.environ["MY_SAE"]), device)
