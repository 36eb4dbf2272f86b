"""`autointerp leaderboard`: the command that compares explainers by their logs."""

import sys
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand


class BareMarkdown(TyperCommand):
    """A command whose `--md` needs no file; without one, it writes to standard output."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `-` behind an `--md` that is the last word, or has an option behind it."""
        spelled: list[str] = []
        for word, following in zip_longest(args, args[1:]):
            bare = word == "--md" and (following is None or (following.startswith("-") and following != "-"))
            spelled += [word, "-"] if bare else [word]
        return super().parse_args(ctx, spelled)


def leaderboard(
    logs: Annotated[str, typer.Argument(help="Folder of Inspect logs.")] = "logs",
    differences: Annotated[bool, typer.Option(help="Show paired differences between explainers.")] = False,
    correlations: Annotated[bool, typer.Option(help="Show how scores correlate over latents.")] = False,
    guidelines: Annotated[bool, typer.Option(help="Check the paper's guidelines on these logs.")] = False,
    by: Annotated[
        str | None,
        typer.Option(
            help="Show means by `decile`, `hookpoint`, `density`, `triage` (see --triage), `coder` (such as SAE latents"
            " against neurons: a row for each coder that an explainer was evaluated on) or `cosine` (against contexts"
            " of neighbours, by how near these are; reads every sample)."
        ),
    ] = None,
    triage: Annotated[
        Path | None,
        typer.Option(
            help="File of `autointerp triage -o` or `diff -o`; with --by triage, shows means by class of latents."
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Write a CSV file with a row per explainer and score; `-` for standard output. Text that a spreadsheet"
            " would run as a formula gets a ' in front, and control characters are spelled out."
        ),
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as Parquet.")] = None,
    json: Annotated[Path | None, typer.Option(help="The same as JSON.")] = None,
    latents: Annotated[
        Path | None,
        typer.Option(help="Write a row per explainer, score and latent: a .csv, .parquet or .json file."),
    ] = None,
    md: Annotated[
        Path | None,
        typer.Option(help="Write the tables as Markdown to a file; `-`, or nothing, for standard output."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a web page with everything: a folder that needs no server.")
    ] = None,
    viewer: Annotated[
        bool, typer.Option("--view/--no-view", help="Add the logs to the web page, in the Inspect viewer.")
    ] = True,
    store: Annotated[
        list[str] | None, typer.Option(help="Store from which the page's cards read the texts of contexts.")
    ] = None,
    documents: Annotated[
        bool,
        typer.Option(
            help="Add intervals that also cover the draw of documents, not only of latents; reads every sample."
        ),
    ] = False,
    luck: Annotated[
        Path | None,
        typer.Option(
            help="File of `autointerp study stability --json`, to mark gaps that may be luck with ≈. On the packaged"
            " store with the lexical grader, gaps are marked without this option."
        ),
    ] = None,
    graders: Annotated[
        bool,
        typer.Option(
            help="Show how far graders of the same contexts agree, and each one's error rates, in one log or several;"
            " reads every sample."
        ),
    ] = False,
    calibration: Annotated[
        bool,
        typer.Option(help="Show whether the probabilities that graders gave are calibrated; reads every sample."),
    ] = False,
    ratings: Annotated[
        list[str] | None,
        typer.Option(
            help="File or folder with people's answers to a sheet of `autointerp rate`; can be repeated. Shows people"
            " as a grader, and how well each score agrees with their ratings."
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="With --ratings: the sheet's key; by default the only one beside the answers.")
    ] = None,
    attention: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="With --ratings: leave out raters who passed a smaller share of the attention checks."
        ),
    ] = 0.5,
    keep_edited: Annotated[
        bool, typer.Option(help="With --ratings: also use answers that were edited after they were saved.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            help="Show differences, correlations, guidelines, graders, calibration and the means of every --by."
        ),
    ] = False,
) -> None:
    """Compare explainers: mean scores over latents with intervals, beside the floors.

    A table holds only logs over the same store, latents, grader and options; the others are listed with the
    reason. `docs/leaderboard.md` describes the files.

    \b
    Example:
      autointerp leaderboard logs --md LEADERBOARD.md --full
      autointerp leaderboard logs --by coder
      autointerp leaderboard logs --graders --ratings answers --key sheet.key.json
    """
    from typing import get_args

    from inspect_autointerp.builtin.locate import locate
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.leaderboard.analyse.breakdown import TRIAGE, By, breakdown, checked
    from inspect_autointerp.leaderboard.analyse.calibration import calibrations
    from inspect_autointerp.leaderboard.analyse.correlations import correlations as correlations_of
    from inspect_autointerp.leaderboard.analyse.cosine import by_cosine
    from inspect_autointerp.leaderboard.analyse.differences import differences as differences_of
    from inspect_autointerp.leaderboard.analyse.document_intervals import document_intervals
    from inspect_autointerp.leaderboard.analyse.graders import compare_graders
    from inspect_autointerp.leaderboard.analyse.luck import note, smallest_differences
    from inspect_autointerp.leaderboard.analyse.people import people_rows, score_agreement, with_people
    from inspect_autointerp.leaderboard.analyse.statistics import summary
    from inspect_autointerp.leaderboard.load.judgements import read_judgements
    from inspect_autointerp.leaderboard.load.luck import packaged_luck, read_luck
    from inspect_autointerp.leaderboard.load.people import add_people, explanation_texts, read_people
    from inspect_autointerp.leaderboard.load.results_from_logs import read_results
    from inspect_autointerp.leaderboard.show import calibration as calibration_shown
    from inspect_autointerp.leaderboard.show import coders, cost_tables, export, tables, view
    from inspect_autointerp.leaderboard.show import cosine as cosine_shown
    from inspect_autointerp.leaderboard.show import graders as graders_shown
    from inspect_autointerp.leaderboard.show.guidelines import guidelines_view
    from inspect_autointerp.leaderboard.show.page.write import check_target, write_page
    from inspect_autointerp.leaderboard.show.people import NOTE as PEOPLE_NOTE
    from inspect_autointerp.leaderboard.show.people import people_views
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.triage.classes import read_triage

    per_coder = full or by == "coder"
    groups = get_args(By) if full else [checked(by)] if by and by not in ("coder", "cosine") else []
    if html is not None:
        check_target(html, logs if viewer else None)
    elif store:
        raise UserError("--store is for the page's cards; give --html FOLDER too")
    given_luck = read_luck(luck) if luck else None
    if (triage is None) == (by == TRIAGE) and not (full and triage):
        raise UserError("--by triage and --triage FILE go together: give both, FILE from `autointerp triage -o`")
    classes = read_triage(triage) if triage else None
    groups = [*groups, TRIAGE] if full and triage else groups
    at_hand = [str(Store.open(locate(given)).folder) for given in store or []]
    people = read_people(ratings, key, keep_edited=keep_edited, least_attention=attention) if ratings else None
    if people is None and key is not None:
        raise UserError("--key is for people's answers; give --ratings FILE too")
    results = read_results(logs, alone=by == "coder")
    pairs = differences_of(results)
    numbers = summary(results, pairs)
    named = tables.with_short_labels(results)
    if documents:
        numbers = numbers.join(document_intervals(results))
    smallest = smallest_differences(results, numbers, given_luck, packaged_luck())
    if smallest.notna().any():
        numbers = numbers.join(smallest)
    views_of_people, views_of_graders, compared, agreement = [], [], [], None
    every = read_results(logs, alone=True) if people or graders or calibration or full else results
    if people:
        for line in people.problems:
            sys.stderr.write(f"{line}\n")
        texts = explanation_texts(people, every)
        agreement = with_people(results, people, texts)
        numbers = numbers.join(agreement)
        named_every = tables.with_short_labels(every)
        rows = people_rows(named_every, people, texts)
        views_of_people = people_views(named_every, people, rows, score_agreement(every, people, texts))
    if people or graders or full:
        judgements = read_judgements(every)
        if people:
            add_people(people, judgements)
        compared = compare_graders(judgements)
        views_of_graders = graders_shown.graders(compared)
        if graders and not compared:
            raise UserError(
                f"{logs}: no context was judged by two graders; evaluate with -T graders=…, or the same explanations"
                " (-T explanations=LOG) once more with another grader"
            )
    calibrated = calibrations(every) if calibration or full else []
    views_of_calibration = calibration_shown.calibration_views(tables.with_short_labels(every), calibrated)
    if calibration and not calibrated:
        raise UserError(
            f"{logs}: no verdict has a probability; grade with -T judging=probability, with log-probabilities, or with"
            " -T confidence=true"
        )
    shown = tables.tables(named, numbers) + views_of_people + views_of_graders + views_of_calibration
    if differences or full:
        shown += tables.differences(named, pairs, numbers)
    if correlations or full:
        shown += tables.correlations(named, correlations_of(named))
    for group in groups:
        shown += tables.breakdowns(named, breakdown(named, group, classes), group, numbers)
    if by == "cosine":
        shown += cosine_shown.cosine_views(named, by_cosine(named))
    notes = list(tables.NOTES) + ([tables.TRAINED_NOTE] if results.entries["trained"].any() else [])
    notes += [note(given_luck)] if smallest.notna().any() else []
    notes += [PEOPLE_NOTE] if views_of_people else []
    notes += [graders_shown.NOTE] if views_of_graders else []
    notes += [calibration_shown.NOTE] if views_of_calibration else []
    notes += [cosine_shown.NOTE] if by == "cosine" else []
    if per_coder:
        views = coders.by_coder(named, numbers)
        if not views and by == "coder":
            raise UserError(f"{logs}: no explainer was evaluated on two coders or hookpoints with the same score")
        shown = (views + shown) if by == "coder" else (shown + views)
        notes += [coders.NOTE] if views else []
    if guidelines or full:
        shown += guidelines_view(named)
    costs = cost_tables.cost_views(named)
    shown += costs
    notes += [cost_tables.NOTE] if costs else []
    shown += tables.apart(named)
    targets = {"csv": csv, "parquet": parquet, "json": json}
    if not any(str(target) == "-" for target in (*targets.values(), latents, md)):
        view.print_terminal(shown, notes)
    if any(targets.values()):
        rows = export.score_rows(results, numbers)
        more: dict[str, Any] = {"not_compared": results.apart.to_dict("records")}
        more |= {"graders": graders_shown.as_records(compared)} if compared else {}
        more |= {"calibration": calibration_shown.as_records(every, calibrated)} if calibrated else {}
        for format, target in targets.items():
            if target is not None:
                export.write_rows(iter([rows]), target, format, **(more if format == "json" else {}))
    if latents is not None:
        export.write_rows(export.latent_rows(results), latents)
    if html is not None:
        extra = [
            (views_of_people, PEOPLE_NOTE),
            (views_of_graders, graders_shown.NOTE),
            (views_of_calibration, calibration_shown.NOTE),
        ]
        write_page(named, html, logs=logs if viewer else None, stores=at_hand, extra=extra, people=agreement)
        sys.stdout.write(f"{html / 'index.html'}: the page\n")
    if md is not None:
        view.write_markdown(md, shown, notes)
