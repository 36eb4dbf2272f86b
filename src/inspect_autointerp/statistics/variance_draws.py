"""Uncertainty of variance components: draws of them, from which intervals of anything made of them follow.

Sources that involve the latent have as many levels as there are latents. Their draws are those of a bootstrap over
latents, which assumes no distribution. Sources that all latents share have a handful of levels, so a bootstrap of
them would say nothing. Their draws are of a generalized confidence interval (Weerahandi, "Generalized confidence
intervals", JASA 88, 1993): each mean square is divided by a χ² of its degrees of freedom. That assumes normal effects,
and for two halves of a corpus it is very wide, as it has to be. `python -m benchmarks.stability` measures coverage.
"""

from collections.abc import Mapping

import numpy as np

from inspect_autointerp.statistics.variance_components import (
    FACTORS,
    SOURCES,
    degrees_of_freedom,
    effects_of,
    mean_squares,
    projected,
    repeats,
    solve,
    source_of,
)

DRAWS = 1000


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
    """The components of resampled latents; those without a latent mean nothing.

    With counts c of how often each latent is drawn, and z the latents' values projected on the other factors of an
    effect, its sum of squares is Σ c z² − (Σ c z)² / Σ c: no resample is made.
    """
    shape = values.shape[-5:]
    latents = shape[0]
    counts = rng.multinomial(latents, np.full(latents, 1 / latents), size=n).astype(float)
    sums: dict[str, np.ndarray] = {}
    freedom: dict[str, int] = {}
    for effect in effects_of(shape):
        source = source_of(effect)
        total = np.zeros(n)
        if "latent" in effect:
            z = projected(values, effect - {"latent"}, FACTORS[1:])
            z = np.moveaxis(z, -5, 0).reshape(latents, -1)
            total = counts @ (z**2).sum(axis=1) - ((counts @ z) ** 2).sum(axis=1) / latents
        arrays = max(1, values.size // int(np.prod(shape)))
        sums[source] = sums.get(source, 0) + repeats(effect, shape) * total / arrays
        freedom[source] = freedom.get(source, 0) + degrees_of_freedom(effect, shape)
    # A latent that is drawn twice does not differ from itself: the variance falls short by this.
    scale = latents / (latents - 1)
    drawn = solve({source: scale * sums[source] / freedom[source] for source in SOURCES if source in sums}, shape)
    return {source: np.broadcast_to(draws, (n,)) for source, draws in drawn.items()}


def _by_chi_squares(values: np.ndarray, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    squares, freedom = mean_squares(values)
    drawn = {s: np.mean(v) * freedom[s] / rng.chisquare(freedom[s], n) for s, v in squares.items()}
    return {source: np.broadcast_to(draws, (n,)) for source, draws in solve(drawn, values.shape[-5:]).items()}
