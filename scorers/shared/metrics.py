"""What a score's values over latents come to: the mean, and how sure it is (see `intervals`).

Inspect's own mean of nothing is 0; here it is NaN, as everything undefined. Both see scored values only: Inspect leaves
NaN out and counts it as unscored.
"""

from inspect_ai.scorer import Metric, SampleScore, metric

from inspect_autointerp.statistics.intervals import bootstrap_interval


@metric
def estimate(level: float = 0.95) -> Metric:
    """The mean over latents, as `mean`, and its 95 % interval, as `low` and `high`: a bootstrap in closed form.

    NaN where undefined: the mean of no latents, the interval of fewer than two.

    Args:
        level: How often the interval is to hold the mean over all latents.
    """

    def compute(scores: list[SampleScore]) -> dict[str, float]:
        values = [score.score.as_float() for score in scores]
        low, high = bootstrap_interval(values, level)
        return {"mean": sum(values) / len(values) if values else float("nan"), "low": low, "high": high}

    return compute
