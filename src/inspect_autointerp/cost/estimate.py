"""Calls, tokens and money of an evaluation, from what is asked about a few of its latents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import nan, sqrt

import numpy as np
from inspect_ai.model import ModelCost
from scipy import stats

from inspect_autointerp.cost.recorded_calls import EXPLANATION, Call

AROUND, OPENING = 4, 3
"""Tokens that a chat's form adds: around each message, and before the answer (OpenAI's rule; others add as few)."""
RAW = "likelihood"
"""The role that is sent bare texts."""


@dataclass(frozen=True)
class Row:
    """Calls of one role for one purpose; sums over the latents of the trial."""

    purpose: str
    role: str
    model: str
    calls: int
    input: int
    constant: int
    """Tokens of the input that begin every call alike."""
    output: int
    price: ModelCost | None

    @property
    def money(self) -> float:
        """Dollars; NaN without a price."""
        if self.price is None:
            return nan
        return (self.input * self.price.input + self.output * self.price.output) / 1e6

    @property
    def saved(self) -> float:
        """Dollars that it is cheaper if what begins every call alike is read from the provider's cache each time."""
        return nan if self.price is None else self.constant * (self.price.input - self.price.input_cache_read) / 1e6


@dataclass(frozen=True)
class Estimate:
    """Estimate of an evaluation from a random draw of its latents."""

    rows: tuple[Row, ...]
    latents: int
    """Latents of the evaluation."""
    drawn: int
    """Latents of the trial."""
    spread: float
    """Half of the 95 % interval of the sum of all tokens, as a share of it: by how much another draw would differ. 0
    where all latents were looked at; NaN of one, or where nothing is asked."""

    @property
    def scale(self) -> float:
        """From the sums of rows to the evaluation."""
        return self.latents / self.drawn


def estimate(
    calls: Sequence[Call],
    drawn: Sequence[str],
    latents: int,
    models: Callable[[Call], str],
    counts: Mapping[str, Callable[[str], int]],
    prices: Mapping[str, ModelCost | None],
) -> Estimate:
    """Add up.

    Args:
        calls: What is asked about the latents that were drawn.
        drawn: These.
        latents: How many the evaluation has.
        models: Which model is asked.
        counts: By model, the tokens of a text.
        prices: By model, what they cost.
    """
    groups: dict[tuple[str, str, str], list[Call]] = {}
    for call in calls:
        groups.setdefault((call.purpose, call.role, models(call)), []).append(call)
    rows: list[Row] = []
    by_latent = dict.fromkeys(drawn, 0)
    for (purpose, role, model), asked in groups.items():
        count, sums = counts[model], [0, 0]
        around, opening = (0, 0) if role == RAW or asked[0].raw else (AROUND, OPENING)
        for call in asked:
            read = opening + sum(around + count(text) for _, text in call.messages)
            written = max(1, count(call.answer))
            sums = [sums[0] + read, sums[1] + written]
            by_latent[call.latent] += read + written
        alike = _alike([call.messages for call in asked])
        constant = len(asked) * sum(around + count(text) for _, text in alike)
        rows.append(Row(purpose, role, model, len(asked), sums[0], constant, sums[1], prices[model]))
    rows.sort(key=lambda row: row.purpose != EXPLANATION)  # stable: scores in their own order
    return Estimate(tuple(rows), latents, len(drawn), _spread(list(by_latent.values()), latents))


def _alike(prompts: Sequence[Sequence[tuple[str, str]]]) -> list[tuple[str, str]]:
    """The messages with which all prompts begin; none of a single prompt, where nothing tells."""
    if len(prompts) < 2:
        return []
    return [place[0] for place in takewhile(lambda place: len(set(place)) == 1, zip(*prompts, strict=False))]


def _spread(sums: Sequence[int], latents: int) -> float:
    """See `Estimate.spread`: Student's interval of the mean, for draws without replacement."""
    n, values = len(sums), np.array(sums, dtype=float)
    if n == latents:
        return 0.0
    if n < 2 or not values.any():
        return nan
    error = values.std(ddof=1) / sqrt(n) * sqrt(1 - n / latents)
    return float(stats.t.ppf(0.975, n - 1) * error / values.mean())
