"""`autointerp rate`: the command that makes a page for blind rating, or plans one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def rate(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="[STORE] LOG...",
            help="Logs of this project, or folders of them. Put their store in front if it has moved. `planted` alone"
            " makes a sheet to try.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page, NAME.html; its key is NAME.key.json beside it.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the same items to this CSV file, too.")] = None,
    explanations: Annotated[
        list[str] | None,
        typer.Option(help="A file of explanations, in any format that -T explanations= reads; can be given again."),
    ] = None,
    hookpoint: Annotated[str | None, typer.Option(help="Hookpoint of --explanations; the first by default.")] = None,
    latents: Annotated[int, typer.Option(help="Latents, at most; all explanations of each are rated.")] = 10,
    contexts: Annotated[int, typer.Option(help="Contexts to rate per explanation.")] = 5,
    texts: Annotated[int, typer.Option(help="Texts to label per explanation, half of them activating.")] = 10,
    checks: Annotated[int, typer.Option(help="Attention checks, about planted latents.")] = 4,
    tasks: Annotated[str, typer.Option(help="Screens to show, separated by commas.")] = "detection,scale,preference",
    by: Annotated[
        str | None, typer.Option(help="Score whose thirds are strata, with thirds of density; by default the first.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for drawing latents and contexts.")] = 0,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print how many explanations and raters are needed; write nothing.")
    ] = False,
    within: Annotated[float, typer.Option(help="With --plan: half of the interval's width.")] = 0.1,
    reliability: Annotated[
        float, typer.Option(help="With --plan: reliability of one rater; your first few sheets show it.")
    ] = 0.5,
) -> None:
    """Write a page on which people rate explanations blind, without a server or a network.

    The page shows no explainer's name. Its key says whose each explanation is and which texts are activating: keep it
    from raters, and do not lose it, because `autointerp ratings` needs it.

    \b
    Example:
      autointerp rate planted -o sheet.html
      autointerp rate logs/a.eval logs/b.eval --latents 20 -o sheet.html --csv sheet.csv
      autointerp rate logs --plan
    """
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.ratings.items import Choices, make_sheet, n_questions
    from inspect_autointerp.ratings.page import write_sheet
    from inspect_autointerp.ratings.plan import print_plan
    from inspect_autointerp.ratings.records import TASKS, Task
    from inspect_autointerp.ratings.sources import read_material
    from inspect_autointerp.text.plural import plural

    wanted = {part.strip() for part in tasks.split(",")}
    if not wanted or wanted - set(TASKS):
        raise UserError(f"--tasks {tasks}: give some of {', '.join(TASKS)}, with commas between")
    if output is None and not plan:
        raise UserError("-o sheet.html is missing: where to write the page; or give --plan")
    asked: tuple[Task, ...] = tuple(task for task in TASKS if task in wanted)
    choices = Choices(
        latents=latents, contexts=contexts, texts=texts, checks=checks, tasks=asked, by=by, seed=seed
    )  # fmt: skip
    console = Console(emoji=False, stderr=True, soft_wrap=True)
    material = read_material(places, explanations or (), hookpoint)
    if plan or output is None:
        print_plan(material, choices, within, reliability)
        return
    sheet = make_sheet(material, choices)
    key = write_sheet(sheet, material.store.digest, choices, output, csv)
    for note in sheet.notes:
        console.print(note, markup=False, highlight=False)
    questions = ", ".join(f"{n} {task}" for task, n in n_questions(sheet.items).items() if n)
    n_latents = len({one.latent for one in sheet.explained})
    console.print(
        f"{output}: {plural(len(sheet.explained), 'explanation')} of {plural(n_latents, 'latent')};"
        f" questions: {questions}",
        markup=False,
        highlight=False,
    )
    console.print(f"{key}: the key; keep it, and keep it from raters", markup=False, highlight=False)
