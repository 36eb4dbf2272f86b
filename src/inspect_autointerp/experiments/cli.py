"""`autointerp study`: the command that runs one of the paper's experiments."""

from pathlib import Path
from typing import Annotated

import typer

from inspect_autointerp.errors import UserError


def study(
    name: Annotated[
        str | None,
        typer.Argument(help="Study to run, or a .yaml file of your own; without one, the studies are listed."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="The explainer, as in `inspect eval`. The study `explainer` takes several, as `LEVEL=MODEL`."
        ),
    ] = None,
    grader: Annotated[
        list[str] | None,
        typer.Option(help="The grader; without one the explainer grades itself. The study `grader` takes several."),
    ] = None,
    model_role: Annotated[
        list[str] | None, typer.Option(help="Model of a role, likelihood=…, as in `inspect eval`.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="The context store: a folder, a URL, `smollm2`, `demo` (the default) or `planted`."),
    ] = None,
    hookpoint: Annotated[str | None, typer.Option(help="Hookpoint of the store; the first by default.")] = None,
    level_store: Annotated[
        list[str] | None,
        typer.Option(help="Store of a level that needs its own: `LEVEL=DIR`, or `LEVEL=DIR@HOOKPOINT`."),
    ] = None,
    human: Annotated[
        str | None, typer.Option(help="File of explanations that people wrote, for the level `human`.")
    ] = None,
    latents: Annotated[str, typer.Option(help="Latents: `0:100`, `3,17,40`, `all`, `sample:200`.")] = "sample:100",
    task_arg: Annotated[
        list[str] | None, typer.Option("-T", help="Any other argument of the tasks, as in `inspect eval`.")
    ] = None,
    log_dir: Annotated[Path, typer.Option(help="Folder for logs; the study gets a folder of its name in it.")] = Path(
        "logs/studies"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Estimate the cost, then stop.")] = False,
    look: Annotated[int, typer.Option(min=0, help="Latents per level for the cost estimate; 0 for no estimate.")] = 3,
    model_cost_config: Annotated[
        Path | None,
        typer.Option(help="File of prices by model, as in `inspect eval`.", envvar="INSPECT_EVAL_MODEL_COST_CONFIG"),
    ] = None,
    md: Annotated[Path | None, typer.Option(help="Write the tables as Markdown.")] = None,
    display: Annotated[str | None, typer.Option(help="Progress display, as `inspect eval --display` takes it.")] = None,
    retry_attempts: Annotated[int, typer.Option(min=0, help="Retries of a failed evaluation.")] = 10,
) -> None:
    """Run one of the paper's experiments (arXiv 2410.13928) and print its table beside the paper's.

    All levels form one Inspect eval set. To continue an interrupted study, repeat the command; if all levels are
    finished, it prints the table again.

    \b
    Example:
      autointerp study examples
      autointerp study examples --store contexts/gpt2 --latents sample:500 \\
        --model openai/gpt-4o-mini --grader openai/gpt-4o --dry-run
    """
    from inspect_autointerp.cost.prices import read_prices
    from inspect_autointerp.experiments.costs import cost_view, costs
    from inspect_autointerp.experiments.definition import read_study, study_names
    from inspect_autointerp.experiments.plan import demo_asked, plan_study, read_models, task_arguments
    from inspect_autointerp.experiments.results import outcome, read_found
    from inspect_autointerp.experiments.run import run_study
    from inspect_autointerp.experiments.stores import Given, read_stores
    from inspect_autointerp.experiments.views import study_notes, study_views
    from inspect_autointerp.leaderboard.show import view

    if name is None:
        studies = {known: read_study(known) for known in study_names()}
        rows = [
            [known, definition.table, ", ".join(definition.scores), definition.about]
            for known, definition in studies.items()
        ]
        rows.append(["stability", "", "any", "nothing but luck; `autointerp study stability --help` has its options"])
        view.print_terminal([view.View("Studies", ["name", "the paper", "scores", "what varies"], rows, text=4)], [])
        return
    wanted = read_study(name)
    given = Given(store, hookpoint, read_stores(level_store or []))
    asked = demo_asked(read_models("--model", model or []), read_models("--grader", grader or []), model_role or [])
    plan = plan_study(
        Path(name).stem, wanted, given, asked, task_arguments(task_arg or []) | {"latents": latents}, human
    )
    if not plan.runs:
        view.print_terminal(study_views(plan, {}, outcome({}, {}, "")), [])
        raise UserError(f"{name}: no level can be run; the table above says what each one needs")
    if look or dry_run:
        prices = read_prices(model_cost_config) if model_cost_config else {}
        table, cost_notes = cost_view(plan, costs(plan, max(1, look), prices))
        view.print_terminal([table], cost_notes)
    if dry_run:
        return
    folder = log_dir / plan.name
    done = run_study(plan, folder, display=display, retry_attempts=retry_attempts)
    results = read_found(folder)
    shown, notes = study_views(plan, results, outcome(results, plan.levels, plan.default)), study_notes(plan)
    view.print_terminal(shown, notes)
    if md is not None:
        view.write_markdown(md, shown, notes)
    if not done:
        raise UserError(f"{folder}: some levels are not finished; repeat the command to retry them")
