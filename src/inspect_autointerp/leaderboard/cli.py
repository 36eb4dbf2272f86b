"""`autointerp leaderboard`: the command that compares explainers by their logs."""

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
    from inspect_autointerp.leaderboard.report import Request, run

    run(
        Request(
            logs=logs,
            differences=differences,
            correlations=correlations,
            guidelines=guidelines,
            by=by,
            triage=triage,
            csv=csv,
            parquet=parquet,
            json=json,
            latents=latents,
            md=md,
            html=html,
            viewer=viewer,
            store=store or (),
            documents=documents,
            luck=luck,
            graders=graders,
            calibration=calibration,
            ratings=ratings or (),
            key=key,
            attention=attention,
            keep_edited=keep_edited,
            full=full,
        )
    )
