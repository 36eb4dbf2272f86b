"""Arithmetic on predictions of the next token: divergence, means over prompts, and noise to draw with."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def kl_divergence(clean: Tensor, steered: Tensor) -> Tensor:
    """Return KL(clean ‖ steered) in nats, (row,)."""
    terms = clean.exp() * (clean - steered)
    return torch.where(clean > -torch.inf, terms, 0.0).sum(dim=1)


def means_by_owner(values: Tensor, owner: Tensor, n: int) -> Tensor:
    """Return each owner's mean, float64 (n,); NaN of those who have none."""
    sums = torch.zeros(n, dtype=torch.float64, device=values.device).index_add_(0, owner, values.double())
    return sums / owner.bincount(minlength=n)


def gumbel_noise(rngs: Sequence[np.random.Generator], n: int) -> Tensor:
    """Return −log of exponential numbers, float32 (row, n), each row's from its own generator."""
    drawn = np.stack([rng.standard_exponential(n, dtype=np.float32) for rng in rngs])
    return -torch.from_numpy(drawn).log_()
