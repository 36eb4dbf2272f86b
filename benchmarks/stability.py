"""Variance components where the truth is planted: are they recovered, and do their intervals hold them?

`python -m benchmarks.stability` makes scores of effects with known variances in the design of
`autointerp study stability`, estimates the components, and counts how often each 95 % interval holds the planted one.
Effects are normal, or, where a latent is in them, of a skewed distribution (gamma of shape 2). Last, it counts how
often the means of two equally good explainers differ by more than the smallest difference that is not luck, with the
components known, and with those that a study of that size estimates.
"""

import argparse
from collections.abc import Mapping
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from inspect_autointerp.statistics.reliability import smallest_difference
from inspect_autointerp.statistics.variance_components import FACTORS, RESIDUAL, SHARED, SOURCES, components
from inspect_autointerp.statistics.variance_draws import component_draws, interval, not_below_zero

Shape = Literal["normal", "skewed"]
PLANTED = {
    "latent": 1.0,
    "half": 0.02,
    "draw": 0.0,
    "reseed": 0.01,
    "grader": 0.05,
    SHARED: 0.0,
    "latent × half": 0.3,
    "latent × draw": 0.2,
    "latent × reseed": 0.4,
    "latent × grader": 0.1,
    RESIDUAL: 0.2,
}
"""Variances, in units of the latents'."""
DESIGNS = {"1 grader": (2, 3, 2, 1), "2 graders": (2, 3, 2, 2)}
LATENTS = (20, 50, 100)


def plant(
    variances: Mapping[str, float], levels: tuple[int, ...], rng: np.random.Generator, shape: Shape = "normal"
) -> np.ndarray:
    """Make scores, float64 (latent, half, draw, reseed, grader), of effects with these variances.

    Args:
        variances: By source.
        levels: Levels of each factor.
        rng: Source of randomness.
        shape: Distribution of the effects with a latent in them.
    """
    values = np.zeros(levels)
    for source, variance in variances.items():
        size = [n if factor in SOURCES[source] else 1 for factor, n in zip(FACTORS, levels, strict=True)]
        skewed = shape == "skewed" and "latent" in SOURCES[source]
        effects = (rng.gamma(2, 1, size) - 2) / 2**0.5 if skewed else rng.normal(size=size)
        values = values + variance**0.5 * effects
    return values


def expected(levels: tuple[int, ...], variances: Mapping[str, float] = PLANTED) -> dict[str, float]:
    """Return the variances by source, where the design varies them: a factor with one level adds to other sources.

    What one grader adds to latents' scores is the same in all cells, so it is part of the latents' variance.
    """
    varied = {name for name, n in zip(FACTORS, levels, strict=True) if n > 1}
    totals: dict[str, float] = {}
    for source, variance in variances.items():
        left = frozenset(SOURCES[source] & varied)
        same = next((name for name, own in SOURCES.items() if own & varied == left and left), None)
        if same:
            totals[same] = totals.get(same, 0.0) + variance
    return totals


def coverage(
    latents: int, others: tuple[int, ...], repetitions: int, draws: int, seed: int, shape: Shape
) -> dict[str, tuple[float, float, float]]:
    """Estimate again and again.

    Args:
        latents: Number of latents.
        others: Levels of half, draw, reseed and grader.
        repetitions: How often.
        draws: Draws per interval.
        seed: Random seed.
        shape: See `plant`.

    Returns:
        By source the truth, the mean of the estimates, and the share of intervals that hold the truth.
    """
    levels, rng = (latents, *others), np.random.default_rng(seed)
    truth, estimates, held = expected(levels), [], []
    for number in range(repetitions):
        values = plant(PLANTED, levels, rng, shape)
        estimates.append(components(values))
        drawn = component_draws(values, draws, number)
        bounds = {source: interval(drawn[source]) for source in truth}
        # As the study shows them: a bound below 0 is shown as 0.
        held.append(
            {source: max(0.0, low) <= truth[source] <= max(0.0, high) for source, (low, high) in bounds.items()}
        )
    return {
        source: (
            truth[source],
            float(np.mean([one[source] for one in estimates])),
            float(np.mean([one[source] for one in held])),
        )
        for source in truth
    }


def exceeded(latents: int, others: tuple[int, ...], repetitions: int, seed: int) -> tuple[float, float]:
    """Return how often two equally good explainers differ by more than the smallest difference.

    The difference of two explainers has components of its own, here those of `PLANTED`. One study of `latents` latents
    estimates them, and one comparison, with everything drawn again, has one level of each factor and as many latents.

    Returns:
        The share with the components known, and with those estimated by a study.
    """
    rng, single = np.random.default_rng(seed), (latents, 1, 1, 1, 1)
    above = np.zeros(2)
    for _ in range(repetitions):
        difference = abs(plant(PLANTED, single, rng).mean())
        estimated = not_below_zero(components(plant(PLANTED, (latents, *others), rng)))
        limits = np.array([smallest_difference(parts, latents) for parts in (PLANTED, estimated)])
        above += difference > limits
    known, by_study = (above / repetitions).tolist()
    return known, by_study


def main() -> None:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=500, help="draws per interval")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    console = Console(width=140 if not Console().is_terminal else None)
    for shape in ("normal", "skewed"):
        for name, others in DESIGNS.items():
            error = 100 * (0.95 * 0.05 / arguments.repetitions) ** 0.5
            title = f"{shape}, 2 halves × 3 draws × 2 explanations × {name}: mean estimate, % of intervals that hold"
            table = Table("source", "planted", title=f"{title} (± {error:.1f})", title_justify="left")
            measured = {}
            for n in LATENTS:
                table.add_column(f"{n} latents", justify="right")
                measured[n] = coverage(n, others, arguments.repetitions, arguments.draws, arguments.seed, shape)
            for source, (truth, _, _) in measured[LATENTS[0]].items():
                cells = [f"{measured[n][source][1]:.3f}  {100 * measured[n][source][2]:.0f} %" for n in LATENTS]
                table.add_row(source, f"{truth:.2f}", *cells)
            console.print(table)
    table = Table("latents", "components known", "estimated", title="Equal explainers that differ by more, %")
    for n in LATENTS:
        shares = exceeded(n, DESIGNS["2 graders"], 5 * arguments.repetitions, arguments.seed)
        table.add_row(str(n), *(f"{100 * share:.1f}" for share in shares))
    console.print(table)


if __name__ == "__main__":
    main()
