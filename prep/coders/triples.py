"""Sparse activations as triples, and the ways to them that coders share.

What does not fire is found by "at or below": a comparison with NaN is false, so NaN is among what fires, and is refused
there at next to no cost. Asked the other way round, a coder that gives NaN would look like one that is silent.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError


class Triples(NamedTuple):
    """Sparse latent activations: one row per (token, latent) that fires."""

    token: Tensor
    """int64 (entry,): row of the input, in increasing order."""
    latent: Tensor
    """int64 (entry,)."""
    value: Tensor
    """(entry,): the activation, > 0 and finite."""


def above(hidden: Tensor, threshold: Tensor | float, source: str) -> Triples:
    """All of (token, latent) that is above a threshold ≥ 0, one for all, (latent,) or (token, 1), without a dense copy.

    Raises:
        UserError: Something in it is NaN or +∞; so do the others here.
    """
    where = _true((hidden <= threshold).logical_not_())
    token = where // hidden.shape[1]
    latent = where - token * hidden.shape[1]
    return finite(Triples(token, latent, hidden.flatten().index_select(0, where)), source)


def strongest(hidden: Tensor, k: int, source: str) -> Triples:
    """Return each token's k largest signed values that are positive, without a dense (token, latent) result."""
    return chosen(*hidden.topk(k, dim=-1, sorted=False), source)  # for which NaN is the largest of all


def chosen(value: Tensor, latent: Tensor, source: str) -> Triples:
    """Return what is above zero of a few values per token: both (token, choice)."""
    token, choice = (value <= 0).logical_not_().nonzero(as_tuple=True)
    return finite(Triples(token, latent[token, choice], value[token, choice]), source)


def finite(triples: Triples, source: str) -> Triples:
    """The same triples.

    Raises:
        UserError: A value is NaN or infinite. What the subject says has been looked at by then: it is the coder's.
    """
    if not bool(triples.value.isfinite().all()):
        raise UserError(
            f"coder {source} gives NaN or infinite activations on finite input; check its weights,"
            " and that its dtype can hold activations of this size"
        )
    return triples


def checked_threshold(threshold: Tensor, source: str) -> Tensor:
    """A JumpReLU's thresholds, none below zero: a relu is below them.

    Raises:
        UserError: One is NaN: its latent would be silent for good.
    """
    if bool(threshold.isnan().any()):
        raise UserError(f"coder {source}: its thresholds contain NaN; check its weights")
    return threshold.clamp(min=0)


def _true(mask: Tensor) -> Tensor:
    """Return the flat int64 positions where a mask is true. It tests words of eight bytes first: most are all zero."""
    mask = mask.flatten()
    if mask.numel() % 8:
        return mask.nonzero().squeeze(1)
    word = mask.view(torch.int64).nonzero().squeeze(1)
    row, byte = mask.view(-1, 8).index_select(0, word).nonzero(as_tuple=True)
    return word.index_select(0, row) * 8 + byte
