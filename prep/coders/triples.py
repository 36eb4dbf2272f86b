"""Sparse activations as triples, and the two ways to them that most coders share."""

from typing import NamedTuple

from torch import Tensor


class Triples(NamedTuple):
    """Sparse latent activations: one row per (token, latent) that fires."""

    token: Tensor
    """int64 (entry,): row of the input, in increasing order."""
    latent: Tensor
    """int64 (entry,)."""
    value: Tensor
    """(entry,): the activation, > 0."""


def positive(dense: Tensor) -> Triples:
    """All that is above zero in (token, latent)."""
    token, latent = (dense > 0).nonzero(as_tuple=True)
    return Triples(token, latent, dense[token, latent])


def strongest(hidden: Tensor, k: int) -> Triples:
    """What is above zero among each token's k largest signed values in (token, latent), without a dense result."""
    value, latent = hidden.topk(k, dim=-1, sorted=False)
    token, column = (value > 0).nonzero(as_tuple=True)
    return Triples(token, latent[token, column], value[token, column])
