"""Evaluating latents in random order, until their mean is known well enough: `-T stop_mean=…`.

Inspect asks an `EarlyStopping` manager before each sample whether to run it, and tells it the scores of each that is
done. Samples run at once and end in any order, and those that end first are no random draw: a latent that is graded
quickly may be an easy one. So the interval is of the longest beginning of the order of which every latent is done.
What was under way when the rule was satisfied is finished, and counts in the log's mean and in its last interval.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from math import isfinite, isnan, nan

import numpy as np
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalSpec, read_eval_log_sample_summaries
from inspect_ai.scorer import SampleScore
from inspect_ai.util import EarlyStop
from pydantic import JsonValue

from inspect_autointerp.builtin.locate import located
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.dataset import LatentDataset
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.statistics.confidence_sequences import mean_interval
from inspect_autointerp.statistics.stop_rule import StopRule, stop_rule
from inspect_autointerp.store.remote import is_url
from inspect_autointerp.text.plural import plural


def stop_at_mean(given: str | Sequence[str] | None, score: str, data: LatentDataset) -> "StopAtMean | None":
    """Return what stops an evaluation, and put its latents in random order, which the seed fixes.

    Args:
        given: The rule, see `stop_rule`; None for none.
        score: The score whose headline counts.
        data: The latents.

    Raises:
        UserError: The rule is not understood; the score's headline has no bounds; or the other log cannot be used.
    """
    if given is None:
        return None
    spec = SCORES[score]
    least, most = spec.bounds
    if not isfinite(most - least):
        raise UserError(
            f"stop_mean={given}: the {spec.headline} of {score} has no bounds, which an interval would need"
        )
    rule = stop_rule(given, "stop_mean", least, most, logs=True)
    assert rule is not None
    samples = list(data.samples)
    others = None
    if rule.differs_from:
        others = _other_values(rule.differs_from, score, spec.headline, [str(sample.id) for sample in samples])
    order = rng_of(data.seed, data.hookpoint, "stop_mean").permutation(len(samples)).tolist()
    shuffled = MemoryDataset([samples[i] for i in order], name=data.samples.name)
    data.samples.samples = shuffled.samples
    return StopAtMean(rule, score, spec.headline, (least, most), others)


class StopAtMean:
    """Inspect's `EarlyStopping` by a confidence sequence of the mean over latents.

    Args:
        rule: When to stop.
        score: The score's name in the log.
        statistic: Its headline.
        bounds: Least and largest value of that.
        others: Values to subtract, by latent, see `StopRule.differs_from`.
    """

    def __init__(
        self,
        rule: StopRule,
        score: str,
        statistic: str,
        bounds: tuple[float, float],
        others: Mapping[str, float] | None = None,
    ) -> None:
        self.rule = rule
        self._score, self._statistic, self._others = score, statistic, others
        least, most = bounds
        self._bounds = bounds if others is None else (least - most, most - least)
        self._order: list[str] = []
        self._epochs = 1
        self._values: dict[str, dict[int, float]] = {}
        self._why: str | None = None
        self._at = 0

    async def start_task(self, task: EvalSpec, samples: list[Sample], epochs: int) -> str:
        """Note the order of the latents."""
        self._order, self._epochs, self._values = [str(sample.id) for sample in samples], epochs, {}
        self._why, self._at = None, 0
        return f"inspect_autointerp stop_mean={self.rule}"

    async def schedule_sample(self, id: str | int, epoch: int) -> EarlyStop | None:
        """Return why a latent is not evaluated; None if it is."""
        if self._why is None or str(id) in self._values:  # an epoch of a latent that was begun
            return None
        return EarlyStop(id=id, epoch=epoch, reason=f"stop_mean: {self._why} after {plural(self._at, 'latent')}")

    async def complete_sample(self, id: str | int, epoch: int, scores: dict[str, SampleScore]) -> None:
        """Count a latent that is done."""
        value = scores[self._score].score.value if self._score in scores else None
        number = value.get(self._statistic) if isinstance(value, dict) else None
        number = float(number) if isinstance(number, int | float) else nan
        if self._others is not None:
            number -= self._others.get(str(id), nan)
        self._values.setdefault(str(id), {})[epoch] = number  # of a sample that is run again, the last counts
        if self._why is None:
            low, high, n = self.interval()
            self._why = self._reached(low, high)
            self._at = n

    async def complete_task(self) -> dict[str, JsonValue]:
        """Return what the log says: the mean, its interval, and why it stopped."""
        low, high, n = self.interval()
        about = "mean difference" if self._others is not None else "mean"
        return {"rule": str(self.rule), "of": f"{about} of {self._score}/{self._statistic}", "by": self._why,
                "decided_after": self._at if self._why else None, "latents": n, "asked_for": len(self._order),
                "low": round(low, 4), "high": round(high, 4), "level": self.rule.level}  # fmt: skip

    def interval(self) -> tuple[float, float, int]:
        """Return the interval of the mean over all latents asked for, and from how many latents it is."""
        done = list(takewhile(lambda id: len(self._values.get(id, {})) >= self._epochs, self._order))
        means = np.array([np.mean(list(self._values[id].values())) for id in done])
        known = means[~np.isnan(means)]
        least, most = self._bounds
        shares = np.clip((known - least) / (most - least), 0, 1)
        low, high = mean_interval(shares, len(self._order) - int(np.isnan(means).sum()), self.rule.level)
        return least + low * (most - least), least + high * (most - least), len(done)

    def _reached(self, low: float, high: float) -> str | None:
        if self._others is None:
            return self.rule.reached(low, high)
        return f"differs_from:{self.rule.differs_from}" if low > 0 or high < 0 else None


def _other_values(path: str, score: str, statistic: str, latents: Sequence[str]) -> dict[str, float]:
    """Return the values of another log, by latent.

    Raises:
        UserError: It cannot be read, or has no value of any of these latents.
    """
    try:
        summaries = read_eval_log_sample_summaries(path if is_url(path) else str(located(path)))
    except Exception as error:  # a damaged log can fail in any layer
        raise UserError(f"stop_mean=differs_from:{path}: not a readable log ({type(error).__name__})") from error
    values: dict[str, list[float]] = {}
    for summary in summaries:
        value = summary.scores[score].value if summary.scores and score in summary.scores else None
        number = value.get(statistic) if isinstance(value, dict) else None
        if isinstance(number, int | float) and not isnan(number):
            values.setdefault(str(summary.id), []).append(float(number))
    known = {id: float(np.mean(values[id])) for id in latents if id in values}
    if not known:
        raise UserError(
            f"stop_mean=differs_from:{path}: that log has no {statistic} of {score} of any of the latents asked for"
        )
    return known
