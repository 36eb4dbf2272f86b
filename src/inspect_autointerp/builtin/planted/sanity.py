"""The missing-label and extra-label tests of arXiv 2506.05774, on samples of contexts such as tasks draw.

A unit's true labels are where it fires. A false explanation misses half of them, or adds as many. A statistic passes
with a unit if the false labels score below the true ones, and passes the test if it does with more than nine units of
ten. The paper scores a unit on its whole corpus; here it is scored on what a task would show of it, which may hold none
of the added labels.

Extra labels are put in two ways. `extra`: on any windows. `extra_neighbour`: on those of one neighbour, as frequent as
the unit; so says an explanation that is too broad.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from inspect_autointerp.latent import DECILES, Context

Labels = Literal["true", "missing", "extra", "extra_neighbour"]
LABELS: tuple[Labels, ...] = get_args(Labels)
Measure = Callable[[Sequence[Context], Sequence[np.ndarray], float], Mapping[str, float]]
"""Statistics by name: of a unit's contexts, the labels of each one's tokens, bool (token,), and the firing share."""

SHARES = (1e-4, 0.05)
"""Least and largest share of the corpus's windows in which a unit fires; between them all logarithms are alike."""
NEIGHBOURS = 10
WINDOW = 32
"""Tokens of a context."""


class Unit(NamedTuple):
    """A latent, and the contexts that it is tested on."""

    contexts: list[Context]
    """Activating, random, and of neighbours; texts are empty."""
    firing_share: float


def draw_units(n_units: int, n: int, seed: int, shares: tuple[float, float] = SHARES) -> list[Unit]:
    """Units with contexts as `LatentContexts.test` draws them.

    Args:
        n_units: How many.
        n: Activating contexts, as many from every decile as can be, and as many random ones and of neighbours.
        seed: Of shares and activations.
        shares: Between which the firing shares lie.
    """
    rng = np.random.default_rng(seed)
    least, most = np.log(shares)
    return [Unit(_contexts(n, rng), float(np.exp(rng.uniform(float(least), float(most))))) for _ in range(n_units)]


def _contexts(n: int, rng: np.random.Generator) -> list[Context]:
    fires = rng.random((n, WINDOW)) < 1 / WINDOW
    fires[np.arange(n), rng.integers(0, WINDOW, n)] = True  # a token at least, two in the mean
    activations = np.where(fires, rng.lognormal(size=(n, WINDOW)), 0).astype(np.float32)
    activations = activations[np.argsort(activations.max(axis=1))]
    silence = np.zeros(WINDOW, dtype=np.float32)
    return [
        *(Context("activating", 0, "", (), row, DECILES * i // n + 1) for i, row in enumerate(activations)),
        *(Context("random", 0, "", (), silence) for _ in range(n)),
        *(Context("neighbours", 0, "", (), silence, neighbour=i % NEIGHBOURS) for i in range(n)),
    ]


def labelled(unit: Unit, labels: Labels, rng: np.random.Generator, error_rate: float = 0.0) -> list[np.ndarray]:
    """Return an explanation's label of each context's tokens, bool (token,); an added label is shaped like a true one.

    Args:
        unit: The unit.
        labels: Which: of every silent window, p / (1 − p) get one of the added labels, p being the firing share, so
            that they are as many as the true ones.
        rng: Of the labels that are missing or added, and of errors.
        error_rate: With which probability a grader takes a context with a label for one without, or the reverse.
    """
    true = [context.activations > 0 for context in unit.contexts]
    fires = np.array([context.kind == "activating" for context in unit.contexts])
    chance = rng.random(len(fires))
    positive = fires.copy()
    if labels == "missing":
        positive &= chance < 0.5
    elif labels != "true":
        positive |= chance < unit.firing_share / (1 - unit.firing_share)
    if labels == "extra_neighbour":
        positive |= [context.neighbour == 0 for context in unit.contexts]
    positive ^= rng.random(len(fires)) < error_rate
    lenders = rng.choice(np.flatnonzero(fires), len(fires))
    nothing = np.zeros(WINDOW, dtype=bool)
    return [(true[i] if fires[i] else true[lenders[i]]) if says else nothing for i, says in enumerate(positive)]


def score(
    units: Sequence[Unit], measures: Sequence[Measure], seed: int, error_rate: float = 0.0
) -> dict[Labels, dict[str, np.ndarray]]:
    """Every statistic of every unit, float (unit,), by the labels.

    Args:
        units: On which.
        measures: What makes the statistics.
        seed: Of the labels.
        error_rate: Of the grader.
    """
    rng = np.random.default_rng(seed)
    by_labels: dict[Labels, dict[str, list[float]]] = {labels: {} for labels in LABELS}
    for unit in units:
        for labels in LABELS:
            token_labels = labelled(unit, labels, rng, error_rate)
            for measure in measures:
                for name, value in measure(unit.contexts, token_labels, unit.firing_share).items():
                    by_labels[labels].setdefault(name, []).append(value)
    return {labels: {name: np.array(values) for name, values in row.items()} for labels, row in by_labels.items()}


def pass_rate(false: np.ndarray, true: np.ndarray) -> float:
    """With how many units a statistic passes, in [0, 1]; where one is undefined it does not."""
    return float(np.mean(false < true))


def within_reach(n_random: int, shares: tuple[float, float] = SHARES) -> float:
    """With how many units, in [0, 1], a random context gets one of the labels that are added to any windows.

    No statistic can pass `extra` with more, whatever it makes of the contexts: 1 − (1 − p / (1 − p))ⁿ, in the mean.
    """
    p = np.geomspace(*shares, 2001)
    return float(np.mean(1 - (1 - p / (1 - p)) ** n_random))
