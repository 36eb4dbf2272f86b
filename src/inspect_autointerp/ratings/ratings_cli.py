"""`autointerp ratings`: the command that says how far scores agree with people."""

from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def ratings(
    sheets: Annotated[
        list[Path], typer.Argument(metavar="ANSWERS...", help="What the page saved, or its CSV with answers filled in.")
    ],
    key: Annotated[Path, typer.Option(help="The sheet's key, NAME.key.json.")],
    logs: Annotated[
        list[str] | None,
        typer.Option(help="A log or a folder of logs with more scores of the same explanations; can be given again."),
    ] = None,
    attention: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out a rater who passed a smaller share of the attention checks.")
    ] = 0.5,
    keep_edited: Annotated[bool, typer.Option(help="Use answers that were edited after they were saved, too.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the bootstrap.")] = 0,
    csv: Annotated[Path | None, typer.Option(help="Write a row per explanation: ratings beside scores.")] = None,
    graders: Annotated[
        Path | None, typer.Option(help="Write people as graders to this CSV file: a row per explanation and rater.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write all numbers to this JSON file.")] = None,
) -> None:
    """Join people's ratings of a sheet with the scores of its explanations.

    A file that cannot be used is left out, and one line says why; the others are read. Nobody has rated for this
    project yet: the numbers beside yours are the paper's.

    \b
    Example:
      autointerp ratings answers/*.json --key sheet.key.json
      autointerp ratings answers/*.json --key sheet.key.json --logs logs --csv explanations.csv
    """
    from inspect_autointerp.ratings.answers import collect_answers
    from inspect_autointerp.ratings.key import read_key
    from inspect_autointerp.ratings.log_scores import add_scores
    from inspect_autointerp.ratings.report import as_json, report_of, tables
    from inspect_autointerp.ratings.tables import grader_table
    from inspect_autointerp.ratings.write import write_json, write_table
    from inspect_autointerp.text.plural import plural

    errors, console = Console(emoji=False, stderr=True, soft_wrap=True), Console(emoji=False)
    sheet_key = read_key(key)
    if logs:
        for line in add_scores(sheet_key, logs):
            errors.print(line, markup=False, highlight=False)
    collected = collect_answers(sheets, sheet_key, keep_edited=keep_edited, least_attention=attention)
    for line in collected.problems:
        errors.print(line, markup=False, highlight=False, style="yellow")
    report = report_of(sheet_key, collected.raters, seed)
    mean = report.reliability
    reliable = "the reliability of the mean rating is unknown: it takes two raters of the same explanations who agree"
    if not isnan(mean.value):
        reliable = f"reliability of the mean rating {mean.value:.2f} ({mean.low:.2f} to {mean.high:.2f})"
    console.print(
        f"{plural(report.n_raters, 'rater')}, {report.n_rated} of"
        f" {plural(len(sheet_key.explained), 'explanation')} rated; {reliable}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for rater in collected.raters:
        minutes = sum(rater.ms.values()) / 60_000
        time = f", {minutes:.0f} minutes" if rater.ms else ""
        console.print(
            f"  {rater.rater}: {len(rater.values)} answers, {rater.checks_passed} of {rater.checks} attention checks"
            f" passed{time}",
            markup=False,
            highlight=False,
        )
    for table in tables(report):
        console.print(table)
    console.print(
        "Corrected: divided by the square root of the reliability of the raters' mean. Paper: arXiv 2410.13928, §4.1,"
        " 81 explanations, without intervals.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if csv is not None:
        write_table(report.explanations, csv)
    if graders is not None:
        write_table(grader_table(sheet_key, collected.raters), graders)
    if json is not None:
        write_json(as_json(report), json)
