"""Agreement of rankings between two draws of one design: of latents, and of explainers."""

from collections.abc import Iterator
from itertools import combinations, product
from math import nan

import numpy as np

REDRAWS = {
    "test draw": "draw",
    "explanation": "reseed",
    "documents": "half",
    "grader": "grader",
}
"""Factors by what is drawn again, in words. Other documents bring other contexts and another explanation."""
_AXES = ("half", "draw", "reseed", "grader")


def redrawn_pairs(shape: tuple[int, ...], factor: str) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield the pairs of cells that differ in one factor alone.

    Args:
        shape: Levels of half, draw, reseed and grader.
        factor: One of them.
    """
    axis = _AXES.index(factor)
    for cell in product(*(range(n) for i, n in enumerate(shape) if i != axis)):
        for first, second in combinations(range(shape[axis]), 2):
            yield (*cell[:axis], first, *cell[axis:]), (*cell[:axis], second, *cell[axis:])


def kendall(first: np.ndarray, second: np.ndarray) -> float:
    """Compute Kendall's τ-b of two scores of the same latents; NaN where one of them is constant."""
    from scipy.stats import kendalltau

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return nan
    return float(kendalltau(first, second).statistic)


def top_overlap(first: np.ndarray, second: np.ndarray, k: int) -> float:
    """Compute the share of the k best latents by one score that are among the k best by the other.

    Latents that tie at the last place count by the share of them that fits.
    """
    return float(np.minimum(_membership(first, k), _membership(second, k)).sum() / k)


def _membership(values: np.ndarray, k: int) -> np.ndarray:
    last = np.sort(values)[-k]
    above, at = values > last, values == last
    return np.where(above, 1.0, np.where(at, (k - above.sum()) / at.sum(), 0.0))


def latent_ranks(values: np.ndarray, k: int) -> dict[str, dict[str, float]]:
    """Compute how alike two draws rank the latents, as means over pairs of cells.

    Args:
        values: float (latent, half, draw, reseed, grader).
        k: Latents at the top.

    Returns:
        By what is drawn again (see `REDRAWS`) `kendall` and `top`; what has one level is left out.
    """
    agreement: dict[str, dict[str, float]] = {}
    for name, factor in REDRAWS.items():
        pairs = list(redrawn_pairs(values.shape[1:], factor))
        if pairs:
            taus = [kendall(values[:, *a], values[:, *b]) for a, b in pairs]
            tops = [top_overlap(values[:, *a], values[:, *b], k) for a, b in pairs]
            agreement[name] = {"kendall": _mean(taus), "top": _mean(tops)}
    return agreement


def explainer_order(means: np.ndarray) -> dict[str, float]:
    """Compute how often two draws put two explainers in the same order.

    Args:
        means: float (explainer, half, draw, reseed, grader), means over latents.

    Returns:
        By what is drawn again the share of pairs of explainers and of cells, in [0, 1]; a tie counts as half. Kendall's
        τ-a of explainers is 2 × share − 1.
    """
    shares: dict[str, float] = {}
    for name, factor in REDRAWS.items():
        pairs = list(redrawn_pairs(means.shape[1:], factor))
        if not pairs or len(means) < 2:
            continue
        signs = [
            np.sign(means[i, *a] - means[j, *a]) * np.sign(means[i, *b] - means[j, *b])
            for a, b in pairs
            for i, j in combinations(range(len(means)), 2)
        ]
        shares[name] = float(np.mean([(1 + sign) / 2 for sign in signs]))
    return shares


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else nan
