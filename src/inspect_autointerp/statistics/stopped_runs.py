"""Grading that stops, replayed on labels that are known: how much it grades, and how far off it then is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspect_autointerp.statistics.confidence_sequences import balance_bounds
from inspect_autointerp.statistics.stop_rule import StopRule

_BLOCK = 500
"""Runs at a time, for memory."""


@dataclass(frozen=True)
class StoppedRuns:
    """Result of each run; all arrays are (run,)."""

    pairs: np.ndarray
    """Pairs of an activating and a random context that were graded, int64."""
    estimate: np.ndarray
    """Balanced accuracy over them."""
    low: np.ndarray
    """Lower bound of the interval of the balanced accuracy over all pairs, when grading stopped."""
    high: np.ndarray
    """Upper bound."""
    truth: np.ndarray
    """Balanced accuracy over all pairs."""
    always: np.ndarray
    """bool: True if all intervals of the run hold the truth, up to the last pair."""


def stopped_runs(
    rules: Sequence[StopRule], positives: np.ndarray, negatives: np.ndarray, batch: int = 10
) -> list[StoppedRuns]:
    """Stop each of many runs by rules of one level.

    Args:
        rules: When to stop; each is tried.
        positives: 0 or 1 (run, pair): which activating contexts are labelled correctly, in the order of grading.
        negatives: The same of random contexts.
        batch: Pairs in a batch.

    Returns:
        The runs by each rule.
    """
    parts = [
        _stopped(rules, positives[i : i + _BLOCK], negatives[i : i + _BLOCK], batch)
        for i in range(0, len(positives), _BLOCK)
    ]
    return [StoppedRuns(*map(np.concatenate, zip(*of_rule, strict=True))) for of_rule in zip(*parts, strict=True)]


def drawn_runs(tpr: np.ndarray, tnr: np.ndarray, pairs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw for each run which contexts are labelled correctly: bool (run, pair), twice.

    Args:
        tpr: Probability for an activating context, (run,).
        tnr: Probability for a random context, (run,).
        pairs: Contexts of each kind.
        rng: Random numbers.
    """
    return rng.random((len(tpr), pairs)) < tpr[:, None], rng.random((len(tnr), pairs)) < tnr[:, None]


def _stopped(
    rules: Sequence[StopRule], positives: np.ndarray, negatives: np.ndarray, batch: int
) -> list[list[np.ndarray]]:
    pairs: int = positives.shape[1]
    every = np.arange(len(positives))
    low, high = balance_bounds(positives, negatives, rules[0].level)
    means: np.ndarray = np.cumsum((positives.astype(np.float64) + negatives) / 2, axis=1) / np.arange(1, pairs + 1)
    truth = means[:, -1]
    holds = np.asarray(((low <= truth[:, None] + 1e-9) & (truth[:, None] - 1e-9 <= high)).all(axis=1))
    looks = np.unique(np.append(np.arange(batch, pairs, batch), pairs)) - 1
    results: list[list[np.ndarray]] = []
    for rule in rules:
        done = np.zeros((len(positives), len(looks)), dtype=bool)
        done[:, -1] = True
        if rule.width is not None:
            done |= high[:, looks] - low[:, looks] <= rule.width + 1e-9
        if rule.above is not None:
            done |= low[:, looks] > rule.above
        if rule.below is not None:
            done |= high[:, looks] < rule.below
        at = looks[done.argmax(axis=1)]
        results.append([at + 1, means[every, at], low[every, at], high[every, at], truth, holds])
    return results
