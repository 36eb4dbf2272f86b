"""Sample sizes for a rank correlation with people.

Bonett and Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations", Psychometrika
65 (2000) 23–28: Fisher's z of Spearman's coefficient r has a variance of about (1 + r²/2) / (n − 3), so the 95 %
interval is tanh(artanh r ± 1.96 √((1 + r²/2) / (n − 3))). The smallest n whose interval is no wider than wanted is
found by trying. Several explanations of one latent count for less than as many of different latents.
"""

from math import atanh, sqrt, tanh

from inspect_autointerp.errors import UserError

_Z = 1.959963984540054


def half_width(correlation: float, n: int) -> float:
    """Return half of the width of the 95 % interval of Spearman's coefficient of n explanations; 1 for n below 4."""
    if n < 4:
        return 1.0
    step = _Z * sqrt((1 + correlation**2 / 2) / (n - 3))
    return (tanh(atanh(correlation) + step) - tanh(atanh(correlation) - step)) / 2


def explanations_needed(correlation: float, half: float = 0.1) -> int:
    """Return the least number of explanations for an interval of ±half.

    Args:
        correlation: Spearman's coefficient that is expected, in (−1, 1).
        half: Half of the interval's width, in (0, 1).

    Raises:
        UserError: A value is out of range.
    """
    if not -1 < correlation < 1:
        raise UserError(f"the expected correlation must be between -1 and 1, got {correlation:g}")
    if not 0 < half < 1:
        raise UserError(f"--within must be between 0 and 1, got {half:g}")
    low, high = 3, 4
    while half_width(correlation, high) > half:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if half_width(correlation, middle) > half else (low, middle)
    return high


def mean_reliability(one: float, raters: int) -> float:
    """Return the reliability of the mean of so many raters, from that of one, in [0, 1] (Spearman and Brown)."""
    return raters * one / (1 + (raters - 1) * one)


def raters_needed(one: float, wanted: float) -> int:
    """Return the least number of raters whose mean has a reliability.

    Args:
        one: Reliability of one rater, in (0, 1].
        wanted: In (0, 1).

    Raises:
        UserError: A value is out of range.
    """
    if not 0 < one <= 1:
        raise UserError(f"--reliability must be in (0, 1], got {one:g}")
    n = 1
    while mean_reliability(one, n) < wanted:
        n += 1
    return n
