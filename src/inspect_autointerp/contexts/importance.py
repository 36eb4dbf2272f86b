"""Importance sampling: windows drawn with unequal probabilities, and the weights that make up for it.

A rare false alarm is seldom among 100 windows drawn alike. A cheap predictor says where false alarms would be, and
windows are drawn there more often. A window that was drawn with probability π counts 1 / π times, so totals over all
windows are estimated without bias, whatever the predictor says (Horvitz and Thompson 1952).

Half of the draws go to all windows alike, so no probability is 0 and no weight is above twice that of a random draw.
The other half falls with the rank r of a window's prediction as 1 / r. As many go to the first ten ranks as to the next
ninety: how many windows would be judged active is not known beforehand, and with 1 / r it need not be. Equal
predictions share a rank.

The draw is stratified: windows in order of their predictions are cut into strata of about `STRATUM` draws, and a simple
random sample is taken of each. Then the weights add up to the number of windows, exactly, and a grader that gives every
text the same label gets what it would get on all of them. Systematic or Poisson sampling, which follow π to the letter,
lack that.
"""

from dataclasses import dataclass

import numpy as np

UNIFORM = 0.5
"""Share of the draws that goes to all windows alike."""
STRATUM = 4
"""Draws from a stratum, at least; with two or more its variance can be estimated."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Windows that were drawn."""

    rows: np.ndarray
    """int64 (draw,): their numbers, in order."""
    weights: list[float]
    """Float (draw,), 1 or more: 1 / the probability of drawing each. They add up to the number of all windows."""


def importance_draw(scores: np.ndarray, n: int, rng: np.random.Generator, uniform: float = UNIFORM) -> Draw:
    """Draw n windows without replacement, those with a high score more often.

    Two draws with the same random numbers and similar scores have many windows in common: of a stratum the windows with
    the smallest random numbers are taken, which belong to the windows.

    Args:
        scores: float (window,): how likely each is to be judged active. Only the order counts; NaN comes last.
        n: How many; all windows where there are no more.
        rng: Random numbers.
        uniform: Share of the draws that goes to all windows alike, in (0, 1].

    Raises:
        ValueError: `uniform` is out of range.
    """
    if not 0 < uniform <= 1:
        raise ValueError(f"uniform must be in (0, 1], got {uniform}")
    n_windows = len(scores)
    ties, numbers = rng.random(n_windows), rng.random(n_windows)
    if n >= n_windows:
        return Draw(np.arange(n_windows), [1.0] * n_windows)
    if n < 1:
        return Draw(np.zeros(0, dtype=np.int64), [])
    order = np.lexsort((ties, -np.nan_to_num(scores, nan=-np.inf)))
    sizes, ends = _strata(inclusion(scores, n, uniform)[order], n)
    rows: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    for size, begin, end in zip(sizes.tolist(), [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        members: np.ndarray = order[begin:end]
        rows.append(members[np.argsort(numbers[members])[:size]])
        weights.append(np.full(int(size), (end - begin) / size))
    drawn, weight = np.concatenate(rows), np.concatenate(weights)
    by_number = np.argsort(drawn)
    return Draw(drawn[by_number], weight[by_number].tolist())


def inclusion(scores: np.ndarray, n: int, uniform: float = UNIFORM) -> np.ndarray:
    """Return the probabilities that strata are cut by, float (window,) in (0, 1]: n in all, highest score first.

    Args:
        scores: float (window,).
        n: Fewer than there are windows.
        uniform: Share that all windows get alike.
    """
    _, places, counts = np.unique(-np.nan_to_num(scores, nan=-np.inf), return_inverse=True, return_counts=True)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, len(scores) + 1))])
    ends = np.cumsum(counts)
    share = ((harmonic[ends] - harmonic[ends - counts]) / counts)[places] / harmonic[-1]
    aim = uniform / len(scores) + (1 - uniform) * share
    probability = np.zeros(len(scores))
    certain = np.zeros(len(scores), dtype=bool)
    while True:  # what would be above 1 is taken for certain, and the others share what is left
        left = n - certain.sum()
        probability = np.where(certain, 1.0, left * aim / aim[~certain].sum())
        if not (probability > 1 + 1e-12).any():
            return probability
        certain |= probability >= 1


def _strata(probability: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut windows, in order of falling probability, into strata.

    Returns:
        How many windows are drawn from each, int64 (stratum,), and where each ends, int64 (stratum,).
    """
    n_certain = int((probability >= 1 - 1e-12).sum())
    rest = n - n_certain
    n_strata = max(1, rest // STRATUM) if rest else 0
    sizes = np.full(n_strata, rest // max(1, n_strata))
    sizes[: rest - sizes.sum()] += 1
    if n_certain:
        sizes = np.concatenate([[n_certain], sizes])
    aims = np.cumsum(sizes)
    ends = np.searchsorted(np.cumsum(probability), aims - 1e-9) + 1
    # No stratum is smaller than its draws, and none takes windows that those after it need.
    begin, left = 0, n
    for i, size in enumerate(sizes.tolist()):
        left -= size
        ends[i] = begin = min(max(int(ends[i]), begin + size), len(probability) - left)
    ends[-1] = len(probability)
    return sizes.astype(np.int64), ends.astype(np.int64)
