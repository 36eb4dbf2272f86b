"""A random rotation, the same for the same width and seed."""

import torch
from torch import Tensor


def rotation(d: int, seed: int) -> Tensor:
    """float32 (d, d), orthogonal, uniform over all of these: Q of a Gaussian matrix's QR, with R's diagonal positive.

    It is made on the CPU, so that it is the same wherever the coder runs.
    """
    gaussian = torch.randn((d, d), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    q, r = torch.linalg.qr(gaussian)
    return (q * r.diagonal().sign()).float()
