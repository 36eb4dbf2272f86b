"""Intervals that hold the truth at every look, so that one may stop at any of them: confidence sequences.

Numbers in [0, 1] are drawn without replacement, in random order, from a finite set of known size, and the set's mean is
asked for. The method is betting (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting",
JRSS B 86, 2024): if the mean were m, nobody could expect to grow capital by betting on the next number, so a candidate
m is out once a bettor against it has multiplied capital by 1 / α. By Ville's inequality the true mean is ever out with
a probability of at most α, whatever the rule of stopping. Taken from there:

- the conditional mean of the next number if the mean is m, (N m − S) / (N − t), without replacement (§5, eq. 29);
- capital ∏ (1 ± λ (x − m)), half on each side, and the larger of the halves counts (§4.4, "hedged");
- λ = √(2 ln(2 / α) / (σ² n)), at most c / m or c / (1 − m), with σ² estimated from earlier numbers (§4.3, eq. 26, and
  its remark on a sample size n that one aims at; here c = 0.9).

Any λ that looks at earlier numbers alone keeps the guarantee; n says only where the interval is to be narrowest.
`python -m benchmarks.sequential` measures the coverage.
"""

from collections.abc import Callable, Iterator

import numpy as np

MOST = 0.9
"""The share of capital that one bet can lose, c."""
_EDGE = 1e-9


def balance_interval(
    positives: np.ndarray, negatives: np.ndarray, n_positives: int, n_negatives: int, level: float = 0.95
) -> tuple[float, float]:
    """Return where the balanced accuracy over two finite sets lies, from as many of each as were looked at.

    Args:
        positives: 0 or 1 (context,): which of the activating contexts looked at were labelled correctly, in order.
        negatives: The same of non-activating ones.
        n_positives: How many there are in all.
        n_negatives: The same of non-activating ones.
        level: With which probability all intervals of one sequence hold the truth.

    Returns:
        The lowest and the highest balanced accuracy of the whole sets that are not ruled out; (0, 1) before a pair.
    """
    pairs = min(n_positives, n_negatives)
    takes = [_places(n, pairs) for n in (n_positives, n_negatives)]
    seen = [int(np.searchsorted(take, len(side), "right")) - 1 for take, side in zip(takes, (positives, negatives),
            strict=True)]  # fmt: skip
    steps = min(seen)
    if steps < 1:
        return 0.0, 1.0
    sides = [np.asarray(side, dtype=np.float64) for side in (positives, negatives)]
    cut = [np.concatenate([[0.0], np.cumsum(side)])[take[: steps + 1]] for side, take in zip(sides, takes, strict=True)]
    shares = [np.diff(sums) / np.diff(take[: steps + 1]) for sums, take in zip(cut, takes, strict=True)]
    values = ((shares[0] + shares[1]) / 2)[None]
    if n_positives == n_negatives:
        candidates = np.arange(2 * pairs + 1) / (2 * pairs)
        return _last(_without_replacement(values, pairs, candidates, pairs / 4, level, _EDGE), candidates)
    rates = np.meshgrid(np.arange(n_positives + 1) / n_positives, np.arange(n_negatives + 1) / n_negatives)
    rates = [rate.ravel() for rate in rates]

    def expected(step: int) -> np.ndarray:
        parts = [
            _next_mean(n * rate - sums[step], n - int(take[step]), _EDGE)
            for n, rate, sums, take in zip((n_positives, n_negatives), rates, cut, takes, strict=True)
        ]
        return ((parts[0] + parts[1]) / 2)[None]

    return _last(_capital(values, expected, pairs / 4, level), (rates[0] + rates[1]) / 2)


def mean_interval(values: np.ndarray, total: int, level: float = 0.95, grid: int = 1000) -> tuple[float, float]:
    """Return where the mean of a finite set of numbers in [0, 1] lies, from those looked at.

    Args:
        values: float (value,): those looked at, in the random order in which they were drawn.
        total: How many there are in all.
        level: With which probability all intervals of one sequence hold the truth.
        grid: Candidates that the unit interval is divided by; bounds are rounded outwards by one of them.

    Returns:
        The lowest and the highest mean that is not ruled out; (0, 1) of no values.
    """
    if not len(values):
        return 0.0, 1.0
    low, high = mean_bounds(np.asarray(values, dtype=np.float64)[None], total, level, grid)
    return float(low[0, -1]), float(high[0, -1])


def mean_bounds(values: np.ndarray, total: int, level: float = 0.95, grid: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Return the intervals of many sequences after every value, see `mean_interval`: float (run, value), twice."""
    candidates = np.arange(grid + 1) / grid
    low, high = _bounds(
        _without_replacement(values, total, candidates, total / 2, level, total / (2 * grid) + _EDGE), candidates
    )
    return np.maximum(low - 1 / grid, 0), np.minimum(high + 1 / grid, 1)


def balance_bounds(positives: np.ndarray, negatives: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the intervals of many sequences after every pair, see `balance_interval`, of sets of one size.

    Args:
        positives: 0 or 1 (run, pair): the whole sets, in the order of looking.
        negatives: The same of non-activating contexts.
        level: With which probability all intervals of one sequence hold the truth.

    Returns:
        Lower and upper bounds, float (run, pair).
    """
    pairs: int = positives.shape[1]
    candidates = np.arange(2 * pairs + 1) / (2 * pairs)
    values = (positives.astype(np.float64) + negatives) / 2
    return _bounds(_without_replacement(values, pairs, candidates, pairs / 4, level, _EDGE), candidates)


def never_out(values: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return whether no interval of a sequence misses the mean of the whole set: bool (run,).

    Args:
        values: float (run, value), in [0, 1]: the whole sets, in the order of looking.
        level: With which probability all intervals of one sequence hold the truth.
    """
    truth = values.mean(axis=1, keepdims=True)
    capitals = _without_replacement(values, values.shape[1], truth, values.shape[1] / 2, level, 1e-6)
    return np.all([capital[:, 0] < 0 for capital in capitals], axis=0)


def _places(n: int, pairs: int) -> np.ndarray:
    """Return how many of n contexts belong to the first 0, 1, … pairs: as evenly as can be, int64 (pairs + 1,)."""
    return np.arange(pairs + 1) * n // max(pairs, 1)


def _without_replacement(
    values: np.ndarray, total: int, candidates: np.ndarray, aim: float, level: float, room: float
) -> Iterator[np.ndarray]:
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)

    def expected(step: int) -> np.ndarray:
        return _next_mean(total * np.atleast_2d(candidates) - sums[:, step, None], total - step, room)

    return _capital(values, expected, aim, level)


def _next_mean(rest: np.ndarray, left: int, room: float) -> np.ndarray:
    """Return the mean of the numbers that are left where this is their sum; NaN where no numbers have that sum.

    Args:
        rest: The sum, by candidate.
        left: How many numbers are left.
        room: By how much a sum may be out of reach: rounding, or the distance to the next candidate.
    """
    return np.where((rest < -room) | (rest > left + room), np.nan, rest / max(left, 1))


def _capital(
    values: np.ndarray, expected: Callable[[int], np.ndarray], aim: float, level: float
) -> Iterator[np.ndarray]:
    """Yield after every value ln(α · capital) against each candidate, float (run, candidate); below 0 it stays.

    Args:
        values: float (run, value), in [0, 1].
        expected: By the number of values before, the mean of the next one if a candidate is true, (run, candidate);
            NaN where the candidate does not fit the values before.
        aim: Values after which the intervals are to be narrowest.
        level: 1 − α.
    """
    alpha = 1 - level
    up = down = np.zeros((len(values), 1))
    total, squares = np.full(len(values), 0.5), np.full(len(values), 0.25)
    mean = expected(0)
    for step in range(values.shape[1]):
        size = np.sqrt(2 * np.log(2 / alpha) * (step + 1) / (squares * max(aim, 1.0)))[:, None]
        inside = np.clip(mean, _EDGE, 1 - _EDGE)
        off = values[:, step, None] - inside
        up = up + np.log1p(np.minimum(size, MOST / inside) * off)
        down = down + np.log1p(-np.minimum(size, MOST / (1 - inside)) * off)
        mean = expected(step + 1)
        yield np.where(np.isnan(mean) | np.isnan(up), np.inf, np.maximum(up, down) - np.log(2 / alpha))
        total += values[:, step]
        squares += (values[:, step] - total / (step + 2)) ** 2


def _bounds(capitals: Iterator[np.ndarray], candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest candidate that stays, after every value; candidates are in order."""
    lows: list[np.ndarray] = []
    highs: list[np.ndarray] = []
    for capital in capitals:
        stays = _stays(capital)
        lows.append(candidates[stays.argmax(axis=1)])
        highs.append(candidates[len(candidates) - 1 - stays[:, ::-1].argmax(axis=1)])
    return np.stack(lows, axis=1), np.stack(highs, axis=1)


def _last(capitals: Iterator[np.ndarray], candidates: np.ndarray) -> tuple[float, float]:
    """Return the same of one sequence after its last value; candidates are in any order."""
    *_, capital = capitals
    stays = candidates[_stays(capital)[0]]
    return float(stays.min()), float(stays.max())


def _stays(capital: np.ndarray) -> np.ndarray:
    """Return which candidates are not out, and at least the one with least against it: bool (run, candidate)."""
    return (capital < 0) | (capital == capital.min(axis=1, keepdims=True))
