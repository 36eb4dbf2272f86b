"""Metrics of a score over latents: the mean, with its confidence interval (see `intervals`).

They see one statistic of a score that has many. Only the few of `ScoreSpec.summary` are computed, since Inspect prints
all metrics at the end of an evaluation; every statistic of every latent is in the log.

Inspect's own mean of nothing is 0. Here it is NaN, as everything undefined.
"""

from inspect_ai.scorer import Metric, SampleScore, Value, metric

from inspect_autointerp.statistics.intervals import bootstrap_interval


@metric
def estimate(statistic: str | None = None, level: float = 0.95) -> Metric:
    """Compute the mean over latents and its confidence interval, a bootstrap in closed form.

    The result has `mean`, `ci_low` and `ci_high`: NaN where undefined, as the mean of no latents and the interval of
    fewer than two.

    Args:
        statistic: The key of a score with many values; None for a score that is one number.
        level: Share of evaluations whose interval holds the mean over all latents, in (0, 1).
    """

    def compute(scores: list[SampleScore]) -> Value:
        values = _values(scores, statistic)
        low, high = bootstrap_interval(values, level)
        return {"mean": _mean(values), "ci_low": low, "ci_high": high}

    return compute


@metric
def average(statistic: str) -> Metric:
    """Compute the mean over latents of one statistic, under the statistic's own name; NaN of no latents.

    Args:
        statistic: The key of a score with many values.
    """

    def compute(scores: list[SampleScore]) -> Value:
        return {statistic: _mean(_values(scores, statistic))}

    return compute


def _values(scores: list[SampleScore], statistic: str | None) -> list[float]:
    """Return the defined values of a statistic."""
    numbers = [score.score.value for score in scores]
    if statistic is not None:
        numbers = [number.get(statistic) if isinstance(number, dict) else None for number in numbers]
    known = [float(number) for number in numbers if isinstance(number, int | float)]
    return [number for number in known if number == number]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
