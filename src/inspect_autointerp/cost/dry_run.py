"""Estimates of a plan from a trial on a few of its latents."""

from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO

from inspect_ai.model import ModelCost

from inspect_autointerp.cost.estimate import Estimate, estimate
from inspect_autointerp.cost.plan import Plan
from inspect_autointerp.cost.prices import price_of
from inspect_autointerp.cost.recorded_calls import EXPLANATION, calls_of, drawn
from inspect_autointerp.cost.tokens import counting


@dataclass(frozen=True)
class Look:
    """An estimate, and where its figures come from."""

    estimate: Estimate
    ways: dict[str, str]
    """By model, how its tokens were counted."""
    prices: dict[str, ModelCost | None]


def look(plan: Plan, sample: int, seed: int, given: Mapping[str, ModelCost], explained: bool = False) -> Look:
    """Have a plan's latents looked at.

    Args:
        plan: The evaluation.
        sample: How many of its latents.
        seed: Of their draw.
        given: Prices.
        explained: Whether all explanations come from Inspect's cache: they are left out then.

    Raises:
        UserError: What would be asked cannot be told.
    """
    samples = list(plan.task.dataset)
    looked_at = drawn(samples, sample, seed)
    with redirect_stdout(StringIO()):  # Inspect says there what it runs
        calls = calls_of(plan.task, looked_at, plan.asking, plan.roles)
    if explained and plan.cached:
        calls = [call for call in calls if call.purpose != EXPLANATION]
    models = list(dict.fromkeys(map(plan.model_of, calls)))
    ways = {name: counting(name) for name in models}
    prices = {name: price_of(name, given) for name in models}
    counts = {name: way.count for name, way in ways.items()}
    ids = [str(one.id) for one in looked_at]
    totals = estimate(calls, ids, len(samples), plan.model_of, counts, prices)
    return Look(totals, {name: way.how for name, way in ways.items()}, prices)
