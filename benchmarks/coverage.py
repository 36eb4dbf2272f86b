"""Coverage of the 95 % intervals where the truth is known: means over latents, and paired differences.

`python -m benchmarks.coverage` draws latents from a population whose mean is known, gives each the score that so many
contexts give, and counts how often the interval of `intervals` holds the population's mean; beside it, in
brackets, the percentile bootstrap, on fewer repetitions. A paired difference is the mean of the differences on the same
latents.
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from inspect_autointerp.statistics.intervals import bootstrap_intervals

LATENTS = (10, 20, 30, 100, 300)
CONTEXTS, DECILE = 100, 10
"""Contexts that a rate is the share of: of a kind, and of a decile."""
RESAMPLES = 1000
Shape = tuple[int, int]


class Population(NamedTuple):
    """Distribution that a latent's value is drawn from."""

    mean: float
    """The truth: of a latent's true rate, and so of its share over contexts."""
    draw: Callable[[np.random.Generator, Shape], np.ndarray]
    """Values of a shape, independent of each other."""


def share(rng: np.random.Generator, rate: np.ndarray, contexts: int = CONTEXTS) -> np.ndarray:
    """The share of contexts judged right where the latent's true rate is this."""
    return rng.binomial(contexts, rate) / contexts


def rates(a: float, b: float, contexts: int = CONTEXTS, perfect: float = 0.0) -> Population:
    """Shares whose true rates are 1 for a part of the latents, Beta(a, b) for the others."""

    def draw(rng: np.random.Generator, shape: Shape) -> np.ndarray:
        rate = np.where(rng.random(shape) < perfect, 1.0, rng.beta(a, b, shape))
        return share(rng, rate, contexts)

    return Population(perfect + (1 - perfect) * a / (a + b), draw)


def _balanced(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return (share(rng, rng.beta(8, 2, shape)) + share(rng, rng.beta(20, 2, shape))) / 2


def _related(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Draw differences of two explanations: in three latents of five they share one rate."""
    first = rng.beta(8, 2, shape)
    second = np.where(rng.random(shape) < 0.6, first, rng.beta(5, 0.5, shape))
    return share(rng, second) - share(rng, first)


def _alike(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    rate = rng.beta(8, 2, shape)
    return share(rng, rate) - share(rng, rate)


def _sometimes_worse(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    rate = rng.beta(5, 0.5, shape)
    lost = np.where(rng.random(shape) < 0.2, rng.beta(2, 3, shape), 0.0)
    return share(rng, rate) - share(rng, rate * (1 - lost))


PILED = "mean, nine of ten at 1, else Beta(3, 3)"
"""Here a sample may hold hardly a latent that is not at 1, and no interval can know of what it does not hold."""
POPULATIONS = {
    "mean, balanced accuracy of Beta(8, 2) and Beta(20, 2)": Population((8 / 10 + 20 / 22) / 2, _balanced),
    "mean, TPR Beta(5, ½)": rates(5, 0.5),
    "mean, TPR of a decile, Beta(5, ½)": rates(5, 0.5, DECILE),
    "mean, TNR Beta(20, ½)": rates(20, 0.5),
    "mean, F1 of rare latents, Beta(½, 4)": rates(0.5, 4),
    "mean, either or: Beta(0.4, 0.4)": rates(0.4, 0.4),
    "mean, half at 1, else Beta(5, 2)": rates(5, 2, perfect=0.5),
    "mean, seven of ten at 1, else Beta(3, 3)": rates(3, 3, perfect=0.7),
    PILED: rates(3, 3, perfect=0.9),
    "difference, two explainers, Beta(8, 2) and Beta(5, ½)": Population(0.4 * (5 / 5.5 - 8 / 10), _related),
    "difference, the same true scores": Population(0.0, _alike),
    "difference, worse on one latent of five": Population(5 / 5.5 * 0.2 * 2 / 5, _sometimes_worse),
}


def covered(population: Population, n: int, repetitions: int, rng: np.random.Generator) -> float:
    """In which share of repetitions the interval of n latents' values holds the population's mean."""
    low, high = bootstrap_intervals(population.draw(rng, (n, repetitions)))
    return holds(low, high, population.mean)


def covered_by_percentiles(population: Population, n: int, repetitions: int, rng: np.random.Generator) -> float:
    """The same by the percentiles of resampled means."""
    values = population.draw(rng, (repetitions, n))
    means = (row[rng.integers(0, n, (RESAMPLES, n))].mean(axis=1) for row in values)
    low, high = np.array([np.quantile(resampled, (0.025, 0.975)) for resampled in means]).T
    return holds(low, high, population.mean)


def holds(low: np.ndarray, high: np.ndarray, mean: float) -> float:
    """Return how many of the intervals hold the mean, to the last bit but a few."""
    return float(((low <= mean + 1e-12) & (mean <= high + 1e-12)).mean())


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=20_000)
    parser.add_argument("--percentiles", type=int, default=1_000, help="repetitions of the percentile bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    errors = (100 * (0.95 * 0.05 / n) ** 0.5 for n in (arguments.repetitions, arguments.percentiles))
    title = "% of 95 % intervals that hold the truth, ± {:.2f}; in brackets the percentile bootstrap, ± {:.1f}"
    table = Table(title=title.format(*errors), title_justify="left")
    table.add_column("latents")
    for n in LATENTS:
        table.add_column(str(n), justify="right")
    for name, population in POPULATIONS.items():
        cells = []
        for n in LATENTS:
            rng = np.random.default_rng([arguments.seed, n])
            ours = covered(population, n, arguments.repetitions, rng)
            theirs = covered_by_percentiles(population, n, arguments.percentiles, rng)
            cells.append(f"{100 * ours:.1f} ({100 * theirs:.0f})")
        table.add_row(name, *cells)
    Console(width=140 if not Console().is_terminal else None).print(table)


if __name__ == "__main__":
    main()
