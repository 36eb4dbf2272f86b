"""What a score's values over latents come to: the mean, and how sure it is.

Inspect's own mean of nothing is 0; here it is NaN, as everything undefined. Both see scored values only: Inspect leaves
NaN out and counts it as unscored.
"""

from inspect_ai.scorer import Metric, SampleScore, metric

RESAMPLES = 2000


@metric
def estimate(level: float = 0.95, seed: int = 0) -> Metric:
    """The mean over latents, as `mean`, and its bootstrap interval, as `low` and `high`.

    NaN where undefined: the mean of no latents, the interval of fewer than two.

    Args:
        level: Share of the resampled means that the interval holds.
        seed: Of the resampling.
    """

    def compute(scores: list[SampleScore]) -> dict[str, float]:
        values = [score.score.as_float() for score in scores]
        low, high = bootstrap_interval(values, level, seed)
        return {"mean": sum(values) / len(values) if values else float("nan"), "low": low, "high": high}

    return compute


def bootstrap_interval(values: list[float], level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of values; (NaN, NaN) for fewer than two."""
    import numpy as np
    from scipy.stats import bootstrap

    if len(values) < 2:
        return float("nan"), float("nan")
    if min(values) == max(values):
        return values[0], values[0]  # every resample has the same mean
    found = bootstrap(
        (np.array(values),), np.mean, confidence_level=level, n_resamples=RESAMPLES, method="percentile",
        rng=np.random.default_rng(seed), batch=100,
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)
