"""Reliability of scores, and the smallest difference of means that is not luck, from variance components."""

from collections.abc import Mapping
from math import nan, sqrt

from inspect_autointerp.statistics.variance_components import RESIDUAL, SOURCES

LEVEL = 0.95
BY_CONTEXTS = ("latent × draw", RESIDUAL)
"""Sources that fall as 1 / contexts: they come from which test contexts were drawn."""


def reliability(parts: Mapping[str, float], levels: Mapping[str, int] | None = None) -> float:
    """Compute the reliability of latents' scores: an intraclass correlation, for absolute agreement.

    It is the share of the variance of scores that the latents themselves account for: σ²(latent) over the sum of all
    components. This is Φ of generalizability theory (Brennan, *Generalizability Theory*, 2001, ch. 4) and, with
    one factor, ICC(A,1) of McGraw and Wong ("Forming inferences about some intraclass correlation coefficients",
    Psychological Methods 1, 1996).

    Args:
        parts: Components by source, none below 0; sources left out count as 0.
        levels: Levels of each factor that a score is the mean over; one of each by default.

    Returns:
        A number in [0, 1]; NaN where nothing varies.
    """
    levels = levels or {}
    total = 0.0
    for source, part in parts.items():
        averaged = 1
        for factor in SOURCES[source] - {"latent"}:
            averaged *= levels.get(factor, 1)
        total += part / averaged
    return parts.get("latent", 0.0) / total if total > 0 else nan


def difference_variance(parts: Mapping[str, float], latents: int, contexts: float = 1.0, shared: bool = True) -> float:
    """Compute the variance of the difference of two explainers' means when everything is drawn again.

    Args:
        parts: Components of the paired differences by source, none below 0.
        latents: Number of latents that the means are over.
        contexts: Test contexts per latent, in units of the number that the components were measured at.
        shared: Whether to count the sources that all latents share. Without them it is what an interval over latents
            holds.
    """
    total = 0.0
    for source, part in parts.items():
        if "latent" in SOURCES[source]:
            total += part / (contexts if source in BY_CONTEXTS else 1.0) / latents
        elif shared:
            total += part
    return total


def smallest_difference(
    parts: Mapping[str, float],
    latents: int,
    contexts: float = 1.0,
    shared: bool = True,
    level: float = LEVEL,
    spread: float = 0.0,
) -> float:
    """Compute the smallest difference of two explainers' means that is not luck.

    D = z √V, where V is the variance of the difference with one draw of everything (`difference_variance`):

        V = Σ σ²(sources that all latents share) + Σ σ²(sources with the latent) / n,

    where the latent × draw component and the residual are divided by contexts / measured contexts. V is the absolute
    error variance of a decision study with one level of each facet (Brennan, *Generalizability Theory*, 2001, §4.1),
    of paired differences; D is Fisher's least significant difference. Two equally good explainers differ by more in
    5 % of repetitions.

    Args:
        parts: See `difference_variance`.
        latents: See `difference_variance`.
        contexts: See `difference_variance`.
        shared: See `difference_variance`.
        level: 1 less the share of repetitions.
        spread: Variance over latents of the paired differences of other explainers than those of `parts`. It holds all
            sources with the latent, and takes their place where it is larger.
    """
    from scipy.special import ndtri

    own = difference_variance(parts, latents, contexts, shared=False)
    common = difference_variance(parts, latents, contexts) - own if shared else 0.0
    return float(ndtri((1 + level) / 2)) * sqrt(common + max(own, spread / latents))
