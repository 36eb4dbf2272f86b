"""The cost of a stability study: one cell of each kind is looked at, and stands for all like it."""

from collections.abc import Mapping
from dataclasses import replace

from inspect_ai.model import ModelCost

from inspect_autointerp.experiments.costs import cost_view, costs
from inspect_autointerp.experiments.plan import Planned
from inspect_autointerp.experiments.stability.design import Design
from inspect_autointerp.leaderboard.show.view import View

_LATENTS = 3


def cost_of(design: Design, plan: Planned, prices: Mapping[str, ModelCost]) -> tuple[View, list[str]]:
    """Estimate the cost of the first half, draw and explanation, by explainer, contexts and grader.

    Args:
        design: The design.
        plan: Its evaluations.
        prices: By model.

    Raises:
        UserError: The evaluations cannot be run as they were asked for.
    """
    first = {
        cell.name for cell in design.cells if cell.half == design.halves[0] and cell.draw == 1 and cell.reseed == 1
    }
    one = replace(plan, runs=[run for run in plan.runs if run.name in first])
    table, notes = cost_view(one, costs(one, _LATENTS, prices))
    alike = len(design.halves) * design.draws * design.reseeds
    explanations = len(design.halves) * design.reseeds
    note = (
        f"{alike:,} evaluations are like each of these: {len(design.halves)} halves × {design.draws} draws ×"
        f" {design.reseeds} explanations. The study asks graders {alike:,} times as much, and explainers"
        f" {explanations:,} times: explanations are in Inspect's cache for the other draws and graders."
    )
    return table, [note, *notes]
