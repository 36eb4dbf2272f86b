"""Uncertainty of variance components: draws of them, from which intervals of anything made of them follow.

Sources that involve the latent have as many levels as there are latents. Their draws are those of a bootstrap over
latents, which assumes no distribution. Sources that all latents share have a handful of levels, so a bootstrap of
them would say nothing. Their draws are of a generalized confidence interval (Weerahandi, "Generalized confidence
intervals", JASA 88, 1993): each mean square is divided by a χ² of its degrees of freedom. That assumes normal effects,
and for two halves of a corpus it is very wide, as it has to be. `python -m benchmarks.stability` measures coverage.
"""

from collections.abc import Mapping

import numpy as np

from inspect_autointerp.statistics.variance_components import SOURCES, mean_squares, solve

DRAWS = 1000
_AT_ONCE = 4_000_000
"""Numbers that a bootstrap holds at once."""


def component_draws(values: np.ndarray, n: int = DRAWS, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw variance components as the data leave them uncertain.

    Args:
        values: As `components` takes them; further axes may precede these five, whose components are averaged. Their
            latents are the same, and are drawn together.
        n: Number of draws.
        seed: Random seed.

    Returns:
        By source float (draw,); NaN for a source that the design does not vary.
    """
    rng = np.random.default_rng(seed)
    resampled = _bootstrap(values, n, rng)
    by_chance = _by_chi_squares(values, n, rng)
    return {source: resampled[source] if "latent" in SOURCES[source] else by_chance[source] for source in SOURCES}


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of draws; (NaN, NaN) where they are undefined."""
    if np.isnan(draws).any():
        return float("nan"), float("nan")
    low, high = np.quantile(draws, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def not_below_zero(parts: Mapping[str, float]) -> dict[str, float]:
    """Return components with estimates below 0 at 0; sources that the design does not vary are left out."""
    return {source: max(0.0, part) for source, part in parts.items() if not np.isnan(part)}


def _bootstrap(values: np.ndarray, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    latents, shape = values.shape[-5], values.shape[-5:]
    parts: list[dict[str, np.ndarray]] = []
    step = max(1, _AT_ONCE // values.size)
    for first in range(0, n, step):
        rows = rng.integers(0, latents, (min(step, n - first), latents))
        resampled = np.moveaxis(values[..., rows, :, :, :, :], -6, 0)  # (draw, …, latent, half, draw, reseed, grader)
        squares, _ = mean_squares(resampled)
        # A latent that is drawn twice does not differ from itself: the variance falls short by this.
        scaled = {s: v * (latents / (latents - 1) if "latent" in SOURCES[s] else 1) for s, v in squares.items()}
        means = {source: v.reshape(len(rows), -1).mean(axis=1) for source, v in scaled.items()}
        parts.append(solve(means, shape))
    return {
        source: np.concatenate([np.broadcast_to(part[source], _size(part)) for part in parts]) for source in SOURCES
    }


def _size(part: Mapping[str, np.ndarray]) -> tuple[int, ...]:
    return max((np.shape(draws) for draws in part.values()), key=len)


def _by_chi_squares(values: np.ndarray, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    squares, freedom = mean_squares(values)
    drawn = {s: np.mean(v) * freedom[s] / rng.chisquare(freedom[s], n) for s, v in squares.items()}
    return {source: np.broadcast_to(draws, (n,)) for source, draws in solve(drawn, values.shape[-5:]).items()}
