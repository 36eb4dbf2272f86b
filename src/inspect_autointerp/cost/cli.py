"""`autointerp cost`: the command that estimates what an evaluation will cost."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


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
        str, typer.Option(help="The explainer, as `inspect eval` takes it.", envvar="INSPECT_EVAL_MODEL")
    ] = "inspect_autointerp/lexical",
    grader: Annotated[str | None, typer.Option(help="The grader; without one the explainer grades itself.")] = None,
    model_role: Annotated[
        list[str] | None, typer.Option(help="grader=…, writer=… or likelihood=…, as `inspect eval` takes it.")
    ] = None,
    task_arg: Annotated[
        list[str] | None, typer.Option("-T", help="Any other argument of the task, as `inspect eval` takes it.")
    ] = None,
    model_cost_config: Annotated[
        Path | None,
        typer.Option(
            help="File of prices by model, as `inspect eval` takes it.", envvar="INSPECT_EVAL_MODEL_COST_CONFIG"
        ),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Latents to measure; the total is extrapolated from them.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for drawing them.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """Estimate an evaluation's calls, tokens and price before it runs. No model is called.

    The task runs on a few of its latents with stand-ins for all models, which count what they are sent.

    \b
    Example:
      autointerp cost detection fuzzing --store contexts/gpt2 --latents sample:500 \\
        --model openai/gpt-4o-mini --grader openai/gpt-4o --model-cost-config prices.yaml
      autointerp cost simulation --model anthropic/claude-sonnet-4-0 -T every=true
    """
    from inspect_autointerp.cost.dry_run import look
    from inspect_autointerp.cost.footnotes import notes
    from inspect_autointerp.cost.plan import planned
    from inspect_autointerp.cost.prices import read_prices
    from inspect_autointerp.cost.table import as_json, as_table

    given = read_prices(model_cost_config) if model_cost_config else {}
    options = {"store": store, "latents": latents, "grader": grader}
    with redirect_stdout(StringIO()):  # Inspect says there what it runs
        plan = planned(scores or [], model, model_role or [], task_arg or [], options)
    seen = look(plan, sample, seed, given)
    estimate = seen.estimate
    footnotes = notes(estimate, seen.ways, seen.prices, plan.here, plan.cached)
    facts = plan.task.metadata or {}
    if json:
        about = {"scores": plan.scores, "store": facts["store"], "hookpoint": facts["hookpoint"], "seed": seed}
        sys.stdout.write(as_json(estimate, {**about, "notes": footnotes}) + "\n")
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    title = f"{', '.join(plan.scores)} of {estimate.latents:,} latents of {facts['hookpoint']}"
    console.print(as_table(estimate, title))
    console.print()
    for line in footnotes:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
