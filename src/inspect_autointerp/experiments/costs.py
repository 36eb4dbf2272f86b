"""The cost of a study: the estimates of all its levels, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from inspect_ai.model import ModelCost

from inspect_autointerp.cost.dry_run import Look, look
from inspect_autointerp.cost.estimate import Estimate
from inspect_autointerp.cost.footnotes import OUTPUT, counted, unpriced
from inspect_autointerp.cost.table import dollars, tokens
from inspect_autointerp.experiments.plan import Planned
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.text.plural import plural


@dataclass(frozen=True)
class Costs:
    """The looks by level."""

    looks: dict[str, Look]
    here: dict[str, str]
    """By score that asks no provider, why."""


def costs(plan: Planned, sample: int, given: Mapping[str, ModelCost]) -> Costs:
    """Look at each level.

    Explanations that an earlier level has paid for are not counted again: Inspect's cache has them.

    Args:
        plan: The study.
        sample: How many latents of each.
        given: Prices.

    Raises:
        UserError: A level cannot be run as it was asked for.
    """
    looks: dict[str, Look] = {}
    here: dict[str, str] = {}
    explained: set[str] = set()
    for run in plan.runs:
        planned = run.planned()
        looks[run.name] = look(planned, sample, 0, given, explained=run.explains in explained)
        explained.add(run.explains)
        here |= planned.here
    return Costs(looks, here)


def cost_view(plan: Planned, costs: Costs) -> tuple[View, list[str]]:
    """The table, and what has to be said beside it."""
    rows = [[name, f"{one.estimate.latents:,}", *_cells([one.estimate])] for name, one in costs.looks.items()]
    every = [one.estimate for one in costs.looks.values()]
    rows.append(["all", "", *_cells(every)])
    head = [plan.study.factor, "latents", "calls", "input", "output", "$"]
    title = f"{plan.name}, {', '.join(plan.study.scores)}: what it will take"
    drawn = max((one.drawn for one in every), default=0)
    ways = {model: way for one in costs.looks.values() for model, way in one.ways.items()}
    prices = {model: price for one in costs.looks.values() for model, price in one.prices.items()}
    notes = [
        f"Estimated from {plural(drawn, 'latent')} of each level. Explanations in Inspect's cache are not counted"
        " again."
    ]
    notes += [*counted(ways), OUTPUT, *(f"{score}: {why}: no call of an API." for score, why in costs.here.items())]
    return View(title, head, rows, rule=len(rows) - 1), notes + unpriced(prices)


def _cells(estimates: list[Estimate]) -> list[str]:
    calls, read, written = (
        sum(getattr(row, name) * one.scale for one in estimates for row in one.rows)
        for name in ("calls", "input", "output")
    )
    money = fsum(row.money * one.scale for one in estimates for row in one.rows)
    return [f"{calls:,.0f}", tokens(read), tokens(written), dollars(money)]
