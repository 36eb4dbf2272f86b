"""`autointerp cost`: the command that estimates what an evaluation will cost."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from inspect_autointerp.errors import UserError
from inspect_autointerp.text.plural import plural

if TYPE_CHECKING:
    from inspect_autointerp.cost.estimate import Estimate
    from inspect_autointerp.cost.plan import Plan


def cost(
    scores: Annotated[
        list[str] | None,
        typer.Argument(
            help="Scores: detection, fuzzing, …; or `judged` (the default) or `all`, as in the task multi_score."
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="The context store: a folder, a URL, `smollm2` (the default), `demo` or `planted`."),
    ] = None,
    latents: Annotated[
        str | None, typer.Option(help="Latents: `0:100`, `3,17,40`, `all`, `sample:200`; 100 by default.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="The explainer, as in `inspect eval`.", envvar="INSPECT_EVAL_MODEL")
    ] = "inspect_autointerp/lexical",
    grader: Annotated[str | None, typer.Option(help="The grader. By default the explainer grades itself.")] = None,
    model_role: Annotated[
        list[str] | None, typer.Option(help="grader=…, writer=… or likelihood=…, as in `inspect eval`.")
    ] = None,
    task_arg: Annotated[
        list[str] | None, typer.Option("-T", help="Any other argument of the task, as in `inspect eval`.")
    ] = None,
    model_cost_config: Annotated[
        Path | None,
        typer.Option(help="File of prices by model, as in `inspect eval`.", envvar="INSPECT_EVAL_MODEL_COST_CONFIG"),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Latents to measure, from which the total is extrapolated.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for drawing them.")] = 0,
    precision: Annotated[
        float | None,
        typer.Option(help="Print how many latents and contexts give each mean to ± this (95 %), and the cost."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="Folder with logs of a pilot: gives accuracies for -T stop=, and variances for --precision."
        ),
    ] = None,
    accuracy: Annotated[
        float | None, typer.Option(help="Accuracy of the grader to assume for -T stop=, in (0, 1); 0.75 by default.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """Estimate an evaluation's calls, tokens and price before it runs. No model is called.

    The task runs on a few latents, with stand-ins for all models that count what they are sent.

    \b
    Example:
      autointerp cost detection fuzzing --store contexts/gpt2 --latents sample:500 \\
        --model openai/gpt-4o-mini --grader openai/gpt-4o --model-cost-config prices.yaml
      autointerp cost detection -T stop=width:0.2 --from logs/pilot
      autointerp cost -T suite=smollm2 --precision 0.01
      autointerp cost simulation --model anthropic/claude-sonnet-4-0 -T every=true
    """
    from inspect_autointerp.cost.dry_run import look
    from inspect_autointerp.cost.footnotes import notes
    from inspect_autointerp.cost.plan import planned
    from inspect_autointerp.cost.prices import read_prices
    from inspect_autointerp.cost.stopping import Stops, shortened
    from inspect_autointerp.cost.table import as_json, as_table

    for name, value in (("--precision", precision), ("--accuracy", accuracy)):
        if value is not None and not 0 < value < 1:
            raise UserError(f"{name} must be in (0, 1), got {value:g}")
    given = read_prices(model_cost_config) if model_cost_config else {}
    options = {"store": store, "latents": latents, "grader": grader}
    with redirect_stdout(StringIO()):  # Inspect says there what it runs
        plan = planned(scores or [], model, model_role or [], task_arg or [], options)
    seen = look(plan, sample, seed, given)
    if precision is not None:
        _print_precision(plan, seen.estimate, precision, from_, json)
        return
    stops = Stops(stop=plan.stop, stop_mean=plan.stop_mean, accuracy=accuracy, logs=from_, seed=seed)
    estimate, stopping = shortened(seen.estimate, stops, plan.scores, plan.options)
    footnotes = stopping + notes(estimate, seen.ways, seen.prices, plan.here, plan.cached)
    facts = plan.task.metadata or {}
    if json:
        about = {"scores": plan.scores, "store": facts["store"], "hookpoint": facts["hookpoint"], "seed": seed}
        sys.stdout.write(as_json(estimate, {**about, "notes": footnotes}) + "\n")
        return
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=140)
    title = f"{', '.join(plan.scores)} of {plural(estimate.latents, 'latent')} of {facts['hookpoint']}"
    console.print(as_table(estimate, title))
    console.print()
    for line in footnotes:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_precision(plan: "Plan", estimate: "Estimate", half_width: float, logs: str | None, json: bool) -> None:
    """Print how many latents and contexts give the mean of each score this half-width."""
    from json import dumps

    from inspect_autointerp.cost.precision import as_records, designs, precision_notes, precision_table
    from inspect_autointerp.cost.variances import components

    known = {score: components(score, logs) for score in plan.scores}
    planned = plan.options.get("test_activating")
    planned = planned if isinstance(planned, int) else 100
    rows = [row for score in known for row in designs(score, known[score], half_width, estimate, planned)]
    footnotes = precision_notes(known)
    if json:
        about = {"half_width": half_width, "level": 0.95, "designs": as_records(rows), "notes": footnotes}
        sys.stdout.write(dumps(about, indent=2) + "\n")
        return
    console = Console(emoji=False)
    console.print(precision_table(rows, half_width, known))
    console.print()
    for line in footnotes:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
