"""The steps of `autointerp leaderboard`: read the logs, compute what was asked for, show it, write the files.

`run` takes a `Request`, which has the command's options. Each step takes what the steps before it returned.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.breakdown import TRIAGE, By, breakdown, checked
from inspect_autointerp.leaderboard.analyse.calibration import Calibration, calibrations
from inspect_autointerp.leaderboard.analyse.correlations import correlations
from inspect_autointerp.leaderboard.analyse.cosine import by_cosine, cosine_columns
from inspect_autointerp.leaderboard.analyse.differences import differences
from inspect_autointerp.leaderboard.analyse.document_intervals import document_intervals
from inspect_autointerp.leaderboard.analyse.graders import Comparison, compare_graders
from inspect_autointerp.leaderboard.analyse.luck import note, smallest_differences
from inspect_autointerp.leaderboard.analyse.people import people_rows, score_agreement, with_people
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.judgements import read_judgements
from inspect_autointerp.leaderboard.load.luck import packaged_luck, read_luck
from inspect_autointerp.leaderboard.load.people import People, add_people, explanation_texts, read_people
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show import calibration as calibration_shown
from inspect_autointerp.leaderboard.show import coders, cost_tables, export, tables, view
from inspect_autointerp.leaderboard.show import cosine as cosine_shown
from inspect_autointerp.leaderboard.show import graders as graders_shown
from inspect_autointerp.leaderboard.show.guidelines import guidelines_view
from inspect_autointerp.leaderboard.show.page.write import check_target, write_page
from inspect_autointerp.leaderboard.show.people import NOTE as PEOPLE_NOTE
from inspect_autointerp.leaderboard.show.people import people_views
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.store.store import Store
from inspect_autointerp.triage.classes import read_triage

_NO_COSINE = (
    "--by cosine: no verdict in these logs says how near a neighbour is; evaluate detection, fuzzing or embedding with"
    " -T negatives=neighbours on a store that has neighbours, with this version or a later one"
)


@dataclass(frozen=True)
class Request:
    """Options of the command; `cli.leaderboard` says what each means."""

    logs: str
    differences: bool
    correlations: bool
    guidelines: bool
    by: str | None
    triage: Path | None
    csv: Path | None
    parquet: Path | None
    json: Path | None
    latents: Path | None
    md: Path | None
    html: Path | None
    viewer: bool
    store: Sequence[str]
    documents: bool
    luck: Path | None
    graders: bool
    calibration: bool
    ratings: Sequence[str]
    key: str | None
    attention: float
    keep_edited: bool
    full: bool


@dataclass(frozen=True)
class Inputs:
    """Everything that was read."""

    results: Results
    """Entries that compare."""
    every: Results
    """All entries, where graders, people or calibration are asked for; else those that compare."""
    people: People | None
    classes: pd.DataFrame | None
    """Table of `autointerp triage`."""
    luck: Any
    """File of `autointerp study stability`."""
    stores: list[str]
    """Folders of the stores that the page's cards read."""


@dataclass(frozen=True)
class Selection:
    """Breakdowns that are shown."""

    groups: list[str]
    per_coder: bool
    cosine: bool


@dataclass(frozen=True)
class Numbers:
    """Everything that was computed."""

    pairs: pd.DataFrame
    summary: pd.DataFrame
    lucky: bool
    """True if gaps that may be luck are marked."""
    people: list[View] = field(default_factory=list[View])
    agreement: pd.DataFrame | None = None
    graders: list[Comparison] = field(default_factory=list[Comparison])
    calibrations: list[Calibration] = field(default_factory=list[Calibration])
    cosine: pd.DataFrame | None = None


@dataclass(frozen=True)
class Report:
    """Tables and notes in the order in which they are shown."""

    views: list[View]
    notes: list[str]
    for_page: list[tuple[list[View], str]]


def run(request: Request) -> None:
    """Compare explainers, print the tables and write the files.

    Raises:
        UserError: Options do not go together, logs cannot be read, or a file cannot be written.
    """
    selection = select(request)
    inputs = read(request)
    numbers = compute(request, selection, inputs)
    report = show(request, selection, inputs, numbers)
    write(request, inputs, numbers, report)


def select(request: Request) -> Selection:
    """Return which breakdowns are shown, and check options that need one another.

    Raises:
        UserError: Options do not go together, or `--by` is unknown.
    """
    by, full = request.by, request.full
    if full:
        groups: list[str] = list(get_args(By))
    else:
        groups = [checked(by)] if by and by not in ("coder", "cosine") else []
    if request.html is not None:
        check_target(request.html, request.logs if request.viewer else None)
    elif request.store:
        raise UserError("--store is for the page's cards; give --html FOLDER too")
    if (request.triage is None) == (by == TRIAGE) and not (full and request.triage):
        raise UserError("--by triage and --triage FILE go together: give both, FILE from `autointerp triage -o`")
    if full and request.triage:
        groups.append(TRIAGE)
    if not request.ratings and request.key is not None:
        raise UserError("--key is for people's answers; give --ratings FILE too")
    return Selection(groups, full or by == "coder", full or by == "cosine")


def read(request: Request) -> Inputs:
    """Read files, people's answers and logs.

    Raises:
        UserError: One of them cannot be read.
    """
    luck = read_luck(request.luck) if request.luck else None
    classes = read_triage(request.triage) if request.triage else None
    stores = [str(Store.open(locate(given)).folder) for given in request.store]
    people = None
    if request.ratings:
        people = read_people(
            request.ratings, request.key, keep_edited=request.keep_edited, least_attention=request.attention
        )
        for line in people.problems:
            sys.stderr.write(f"{line}\n")
    results = read_results(request.logs, alone=request.by == "coder")
    whole = bool(people or request.graders or request.calibration or request.full)
    every = read_results(request.logs, alone=True) if whole else results
    return Inputs(results, every, people, classes, luck, stores)


def compute(request: Request, selection: Selection, inputs: Inputs) -> Numbers:
    """Compute what was asked for.

    Raises:
        UserError: The logs have nothing to compute it from.
    """
    results, every, people, full = inputs.results, inputs.every, inputs.people, request.full
    pairs = differences(results)
    numbers = summary(results, pairs)
    if request.documents:
        numbers = numbers.join(document_intervals(results))
    smallest = smallest_differences(results, numbers, inputs.luck, packaged_luck())
    lucky = bool(smallest.notna().any())
    if lucky:
        numbers = numbers.join(smallest)
    agreement, views, compared = None, [], []
    if people:
        texts = explanation_texts(people, every)
        agreement = with_people(results, people, texts)
        numbers = numbers.join(agreement)
        named = tables.with_short_labels(every)
        views = people_views(named, people, people_rows(named, people, texts), score_agreement(every, people, texts))
    if people or request.graders or full:
        judgements = read_judgements(every)
        if people:
            add_people(people, judgements)
        compared = compare_graders(judgements)
        if request.graders and not compared:
            raise UserError(
                f"{request.logs}: no context was judged by two graders; evaluate with -T graders=…, or the same"
                " explanations (-T explanations=LOG) once more with another grader"
            )
    calibrated = calibrations(every) if request.calibration or full else []
    if request.calibration and not calibrated:
        raise UserError(
            f"{request.logs}: no verdict has a probability; grade with -T judging=probability, with log-probabilities,"
            " or with -T confidence=true"
        )
    cosine = by_cosine(results) if selection.cosine else None
    if cosine is not None and cosine.empty:
        cosine = None
        if request.by == "cosine":
            raise UserError(_NO_COSINE)
    return Numbers(pairs, numbers, lucky, views, agreement, compared, calibrated, cosine)


def show(request: Request, selection: Selection, inputs: Inputs, numbers: Numbers) -> Report:
    """Arrange the tables and the notes below them.

    Raises:
        UserError: `--by coder` has nothing to compare.
    """
    full, summed = request.full, numbers.summary
    named = tables.with_short_labels(inputs.results)
    graders = graders_shown.graders(numbers.graders)
    calibration = calibration_shown.calibration_views(tables.with_short_labels(inputs.every), numbers.calibrations)
    views = tables.tables(named, summed) + numbers.people + graders + calibration
    if request.differences or full:
        views += tables.differences(named, numbers.pairs, summed)
    if request.correlations or full:
        views += tables.correlations(named, correlations(named))
    for group in selection.groups:
        views += tables.breakdowns(named, breakdown(named, group, inputs.classes), group, summed)
    if numbers.cosine is not None:
        views += cosine_shown.cosine_views(named, numbers.cosine)
    notes = list(tables.NOTES)
    notes += [tables.TRAINED_NOTE] if inputs.results.entries["trained"].any() else []
    notes += [note(inputs.luck, marked=tables.has_sign(views, tables.LUCK))] if numbers.lucky else []
    notes += [PEOPLE_NOTE] if numbers.people else []
    notes += [graders_shown.NOTE] if graders else []
    notes += [calibration_shown.NOTE] if calibration else []
    notes += [cosine_shown.NOTE] if numbers.cosine is not None else []
    if selection.per_coder:
        of_coders = coders.by_coder(named, summed)
        if not of_coders and request.by == "coder":
            raise UserError(
                f"{request.logs}: no explainer was evaluated on two coders or hookpoints with the same score"
            )
        views = (of_coders + views) if request.by == "coder" else (views + of_coders)
        notes += [coders.NOTE] if of_coders else []
    if request.guidelines or full:
        views += guidelines_view(named)
    costs = cost_tables.cost_views(named)
    notes += [cost_tables.NOTE] if costs else []
    page = [(numbers.people, PEOPLE_NOTE), (graders, graders_shown.NOTE), (calibration, calibration_shown.NOTE)]
    return Report(views + costs + tables.apart(named), [*tables.columns_note(views), *notes], page)


def write(request: Request, inputs: Inputs, numbers: Numbers, report: Report) -> None:
    """Print the tables, unless standard output is a file, and write the files that were asked for.

    Raises:
        UserError: One cannot be written.
    """
    targets = {"csv": request.csv, "parquet": request.parquet, "json": request.json}
    if not any(str(target) == "-" for target in (*targets.values(), request.latents, request.md)):
        view.print_terminal(report.views, report.notes)
    if any(targets.values()):
        _write_rows(targets, inputs, numbers)
    if request.latents is not None:
        export.write_rows(export.latent_rows(inputs.results), request.latents)
    if request.html is not None:
        named = tables.with_short_labels(inputs.results)
        logs = request.logs if request.viewer else None
        write_page(
            named, request.html, logs=logs, stores=inputs.stores, extra=report.for_page, people=numbers.agreement
        )
        sys.stdout.write(f"{request.html / 'index.html'}: the page\n")
    if request.md is not None:
        view.write_markdown(request.md, report.views, report.notes)


def _write_rows(targets: dict[str, Path | None], inputs: Inputs, numbers: Numbers) -> None:
    """Write a row per entry in each format that has a target."""
    summed = numbers.summary
    if numbers.cosine is not None:
        summed = summed.join(cosine_columns(numbers.cosine))
    rows = export.score_rows(inputs.results, summed)
    more: dict[str, Any] = {"not_compared": inputs.results.apart.to_dict("records")}
    if numbers.graders:
        more["graders"] = graders_shown.as_records(numbers.graders)
    if numbers.calibrations:
        more["calibration"] = calibration_shown.as_records(inputs.every, numbers.calibrations)
    for format, target in targets.items():
        if target is not None:
            export.write_rows(iter([rows]), target, format, **(more if format == "json" else {}))
