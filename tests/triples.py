"""Helpers for a coder's triples."""

from torch import Tensor

from inspect_autointerp.prep.coders import Triples


def dense(triples: Triples, shape: tuple[int, int]) -> Tensor:
    """Put them back into a (token, latent) matrix."""
    result = triples.value.new_zeros(shape)
    result[triples.token, triples.latent] = triples.value
    return result
