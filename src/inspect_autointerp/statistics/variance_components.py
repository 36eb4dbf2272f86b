"""Variance components of a balanced design, by the analysis of variance.

A score of one latent is a mean, plus a random effect of each source below. `SOURCES` is the model. A test draw and an
explanation are nested in a half of the corpus: draw 1 of one half has nothing in common with draw 1 of the other.

The estimates equate mean squares with their expectations (Henderson's method 1; Searle, Casella and McCulloch,
*Variance Components*, 1992, ch. 4). In a balanced design they are unbiased and, where none is negative, those of REML.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

FACTORS: tuple[str, ...] = ("latent", "half", "draw", "reseed", "grader")
"""The axes of a design's array, in order."""
SHARED = "shared residual"
RESIDUAL = "residual"
SOURCES: dict[str, frozenset[str]] = {
    "latent": frozenset({"latent"}),
    "half": frozenset({"half"}),
    "draw": frozenset({"half", "draw"}),
    "reseed": frozenset({"half", "reseed"}),
    "grader": frozenset({"grader"}),
    SHARED: frozenset(FACTORS) - {"latent"},
    "latent × half": frozenset({"latent", "half"}),
    "latent × draw": frozenset({"latent", "half", "draw"}),
    "latent × reseed": frozenset({"latent", "half", "reseed"}),
    "latent × grader": frozenset({"latent", "grader"}),
    RESIDUAL: frozenset(FACTORS),
}
"""The factors whose levels tell two values of an effect apart, by source."""
_NESTED = {"draw", "reseed"}


def components(values: np.ndarray) -> dict[str, float]:
    """Estimate the variance components.

    Args:
        values: float (latent, half, draw, reseed, grader), without NaN; at least two latents.

    Returns:
        The components by source, in the square of the score's unit. An estimate can be negative where the component is
        small. NaN for a source that the design does not vary.
    """
    squares, _ = mean_squares(values)
    return solve(squares, values.shape)


def mean_squares(values: np.ndarray) -> tuple[dict[str, float], dict[str, int]]:
    """Compute the mean square and the degrees of freedom of each source that the design varies.

    Args:
        values: See `components`. Further axes may precede these five, for several arrays at once.
    """
    shape = values.shape[-len(FACTORS) :]
    sums = {source: values.dtype.type(0) for source in SOURCES}
    freedom = dict.fromkeys(SOURCES, 0)
    for effect in effects_of(shape):
        source = source_of(effect)
        squared = projected(values, effect) ** 2
        sums[source] = sums[source] + repeats(effect, shape) * squared.sum(axis=tuple(range(-len(FACTORS), 0)))
        freedom[source] += degrees_of_freedom(effect, shape)
    varied = [source for source in SOURCES if freedom[source]]
    return {source: sums[source] / freedom[source] for source in varied}, {s: freedom[s] for s in varied}


def projected(values: np.ndarray, effect: frozenset[str], factors: Sequence[str] = FACTORS) -> np.ndarray:
    """Project values on an effect: deviations from the mean along its factors, means along the others.

    Args:
        values: float (…, latent, half, draw, reseed, grader).
        effect: Its factors.
        factors: Factors along which to project; the others' axes stay as they are.

    Returns:
        float, of the same axes; those of other factors than the effect's have one level.
    """
    for axis, name in enumerate(FACTORS, start=-len(FACTORS)):
        if name in factors:
            mean = values.mean(axis=axis, keepdims=True)
            values = values - mean if name in effect else mean
    return values


def repeats(effect: frozenset[str], shape: Sequence[int]) -> int:
    """Return how many values share a level of an effect."""
    return prod(n for name, n in zip(FACTORS, shape, strict=True) if name not in effect)


def degrees_of_freedom(effect: frozenset[str], shape: Sequence[int]) -> int:
    """Return an effect's degrees of freedom."""
    return prod(n - 1 for name, n in zip(FACTORS, shape, strict=True) if name in effect)


def solve(squares: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    """Return the components whose expected mean squares these are; NaN for a source without one.

    Args:
        squares: Mean squares by source; numbers, or arrays of one shape.
        shape: Levels of each factor.
    """
    varied = list(squares)
    matrix = np.array([[_weight(row, column, shape) for column in varied] for row in varied])
    estimates = np.linalg.inv(matrix) @ np.array([squares[source] for source in varied]).reshape(len(varied), -1)
    like = np.shape(squares[varied[0]])
    solved = {
        source: row.reshape(like) if like else float(row[0]) for source, row in zip(varied, estimates, strict=True)
    }
    return {source: solved.get(source, float("nan")) for source in SOURCES}


def effects_of(shape: Sequence[int]) -> list[frozenset[str]]:
    """The effects of the full crossed design that have degrees of freedom."""
    varied = [name for name, n in zip(FACTORS, shape, strict=True) if n > 1]
    return [frozenset(some) for size in range(1, len(varied) + 1) for some in combinations(varied, size)]


def source_of(effect: frozenset[str]) -> str:
    """The source that an effect belongs to: `half × draw` is a part of `draw`, which is nested in the half."""
    bare = effect - {"half"} if effect & _NESTED else effect
    for source, factors in SOURCES.items():
        own = factors - {"half"} if factors & _NESTED else factors
        if own == bare and source not in (SHARED, RESIDUAL):
            return source
    return RESIDUAL if "latent" in effect else SHARED


def _weight(row: str, column: str, shape: Sequence[int]) -> float:
    """Coefficient of a component in the expectation of a source's mean square."""
    levels = dict(zip(FACTORS, shape, strict=True))
    needed = SOURCES[row] - {"half"} if SOURCES[row] & _NESTED else SOURCES[row]
    if row in (SHARED, RESIDUAL):  # their effects are in the components of all factors, with or without the latent
        inside = column == RESIDUAL or (row == SHARED and column == SHARED)
    else:
        inside = needed <= SOURCES[column]
    return float(prod(n for name, n in levels.items() if name not in SOURCES[column])) if inside else 0.0
