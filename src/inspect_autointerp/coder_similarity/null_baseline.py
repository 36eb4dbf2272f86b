"""Baseline of a comparison: its result where there is nothing to find."""

import numpy as np
from scipy.sparse import csr_matrix


def repaired(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Which of n matched pairs lends its first latent and which its second, int64 (pair,): never the same one.

    All pairs go once round a circle in random order; one pair alone has no other to be paired with, and gives none.
    """
    order = rng.permutation(n if n > 1 else 0)
    return order, np.roll(order, -1)


def other_windows(activations: csr_matrix, width: int, rng: np.random.Generator) -> csr_matrix:
    """The same activations with the windows in a random order: each latent as it was, and unrelated to other coders'.

    What fires at one place in a window goes on doing so.

    Args:
        activations: (latent, token).
        width: Tokens in a window.
        rng: Of the order.
    """
    window = rng.permutation(activations.shape[1] // width)
    column = window[activations.indices // width] * width + activations.indices % width
    return csr_matrix((activations.data, column, activations.indptr), shape=activations.shape)


def drawn(
    known: tuple[np.ndarray, np.ndarray], at_most: int, rng: np.random.Generator
) -> tuple[np.ndarray | slice, np.ndarray | slice]:
    """Which latents of either side a floor is of: all, but no more than so many of the side that has fewer to match.

    Few have the same to choose from and fewer rivals: summed over them, what they are matched with is as like them as
    when all are matched, or a little more, up to what is most like each.

    Args:
        known: Which latents of either side can be matched, bool (latent,).
        at_most: Of the side of fewer.
        rng: Draws them; not asked where all are taken.
    """
    everything = slice(None)
    few = int(known[1].sum() < known[0].sum())
    can = np.flatnonzero(known[few])
    if len(can) <= at_most:
        return everything, everything
    some = np.sort(rng.choice(can, at_most, replace=False))
    return (everything, some) if few else (some, everything)


def rotated(directions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same directions, turned at random: among each other as they were, and unrelated to other coders'.

    Args:
        directions: float (latent, d).
        rng: Of the turn, uniform over all.
    """
    gaussian = rng.standard_normal((directions.shape[1], directions.shape[1]))
    q, r = np.linalg.qr(gaussian)
    return directions @ (q * np.sign(np.diag(r))).astype(directions.dtype)
