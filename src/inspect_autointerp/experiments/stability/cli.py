"""`autointerp study stability`: the command."""

from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperCommand

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Sampling

NAME = "stability"


class StudyCommand(TyperCommand):
    """`autointerp study`, whose study `stability` is a design of its own and has options of its own."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Hand over to the study `stability` where that is the first word."""
        if args[:1] == [NAME]:
            app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            app.command()(stability)
            command = typer.main.get_command(app)
            return command.make_context(f"{info_name} {NAME}", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


def stability(
    store: Annotated[
        str | None, typer.Argument(help="The context store: a folder, a URL, or a built-in one; `smollm2` by default.")
    ] = None,
    hookpoint: Annotated[str | None, typer.Option(help="Hookpoint of the store; the first by default.")] = None,
    latents: Annotated[str, typer.Option(help="Latents: `0:100`, `3,17,40`, `all`, `sample:200`.")] = "sample:100",
    scores: Annotated[str, typer.Option(help="Scores, separated by commas.")] = "detection,fuzzing",
    model: Annotated[list[str] | None, typer.Option(help="An explainer model. Repeat it to compare several.")] = None,
    grader: Annotated[
        list[str] | None,
        typer.Option(help="A grader. Repeat it to see how much graders differ. By default an explainer grades itself."),
    ] = None,
    model_role: Annotated[
        list[str] | None, typer.Option(help="Model for another role, such as likelihood=…, as in `inspect eval`.")
    ] = None,
    sampling: Annotated[
        list[str] | None,
        typer.Option(
            help="How the contexts that the explainer sees are chosen: quantiles, random, top or mix. Repeat it to"
            " compare several, as if they were several explainers (default: quantiles and top)."
        ),
    ] = None,
    contexts: Annotated[
        list[int] | None,
        typer.Option(
            min=10, help="Test contexts per latent, half of them activating. Repeat it to compare (default: 50)."
        ),
    ] = None,
    halves: Annotated[
        bool, typer.Option("--halves/--whole", help="Evaluate on two halves of the documents, or on all of them.")
    ] = True,
    draws: Annotated[int, typer.Option(min=1, help="Number of times that test contexts are drawn.")] = 3,
    reseeds: Annotated[int, typer.Option(min=1, help="Explanations per latent, each from other contexts.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the first draw.")] = 0,
    task_arg: Annotated[
        list[str] | None, typer.Option("-T", help="Any other argument of the tasks, as in `inspect eval`.")
    ] = None,
    log_dir: Annotated[Path, typer.Option(help="Folder for logs; the study writes to `stability` in it.")] = Path(
        "logs/studies"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Estimate the cost, then stop.")] = False,
    model_cost_config: Annotated[
        Path | None,
        typer.Option(help="File of prices by model, as in `inspect eval`.", envvar="INSPECT_EVAL_MODEL_COST_CONFIG"),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the results, for `autointerp leaderboard --luck`.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every latent's score in every combination.")] = None,
    md: Annotated[Path | None, typer.Option(help="Write the tables as Markdown.")] = None,
    display: Annotated[str | None, typer.Option(help="Progress display, as in `inspect eval --display`.")] = None,
    retry_attempts: Annotated[int, typer.Option(min=0, help="Retries of a failed evaluation.")] = 10,
) -> None:
    """Measure how much of a score is luck.

    The study evaluates the same latents in every combination of documents, test contexts, explanations and graders.
    It prints where a score's variance comes from, whether rankings survive another draw, and how large a difference
    between two explainers must be before it is not luck. To continue an interrupted study, repeat the command.
    `docs/stability.md` explains the numbers.

    \b
    Example:
      autointerp study stability --latents sample:40 --json stability.json
      autointerp study stability contexts/gemma --model openai/gpt-4o-mini \\
        --grader openai/gpt-4o --grader openai/gpt-4o-mini --dry-run
    """
    from inspect_autointerp.cost.prices import read_prices
    from inspect_autointerp.experiments.plan import demo_asked, read_models, read_scores, task_arguments
    from inspect_autointerp.experiments.results import read_found
    from inspect_autointerp.experiments.run import run_study
    from inspect_autointerp.experiments.stability.cost import cost_of
    from inspect_autointerp.experiments.stability.design import Design, checked_design, usable_in_all
    from inspect_autointerp.experiments.stability.files import write_files
    from inspect_autointerp.experiments.stability.results import cell_values
    from inspect_autointerp.experiments.stability.results import stability as computed
    from inspect_autointerp.experiments.stability.views import NOTES, stability_views
    from inspect_autointerp.leaderboard.show import view

    wanted = dict.fromkeys(sampling or ["quantiles", "top"])
    if unknown := [name for name in wanted if name not in get_args(Sampling)]:
        raise UserError(f"--sampling {unknown[0]}: give {', '.join(get_args(Sampling))}")
    asked = demo_asked(read_models("--model", model or []), read_models("--grader", grader or []), model_role or [])
    more = task_arguments(task_arg or [])
    sizes = tuple(dict.fromkeys(contexts or [50]))
    parts = (1, 2) if halves else (0,)
    least = int(more.get("min_contexts", min(sizes) // 2))
    whole, at, usable, left_out = usable_in_all(store, hookpoint, latents, parts, least, seed)
    design = Design(
        store=str(whole.folder),
        digest=whole.digest,
        hookpoint=at,
        latents=tuple(usable),
        left_out=left_out,
        scores=read_scores(scores),
        explainers=tuple(asked.models.values()),
        samplings=tuple(wanted),
        contexts=sizes,
        halves=parts,
        draws=draws,
        reseeds=reseeds,
        graders=tuple(asked.graders.values()) or ("",),
        seed=seed,
    )
    plan = design.plan({"min_contexts": least} | more, tuple(asked.roles))
    if dry_run:
        table, notes = cost_of(design, plan, read_prices(model_cost_config) if model_cost_config else {})
        view.print_terminal([table], notes)
        return
    for run in {cell.explains: run for cell, run in zip(design.cells, plan.runs, strict=True)}.values():
        run.planned()  # an argument that cannot be used is reported before anything is written
    folder = log_dir / NAME
    checked_design(folder, design, more)
    done = run_study(plan, folder, display=display, retry_attempts=retry_attempts)
    results = read_found(folder)
    missing = [cell.name for cell in design.cells if cell.name not in results]
    if missing or not done:
        raise UserError(
            f"{folder}: {len(missing):,} of {len(design.cells):,} evaluations are not finished; repeat the command to"
            " retry them"
        )
    told = computed(design, results)
    shown = stability_views(told)
    view.print_terminal(shown, list(NOTES))
    write_files(told, cell_values(design, results), json=json, csv=csv)
    if md is not None:
        view.write_markdown(md, shown, list(NOTES))
