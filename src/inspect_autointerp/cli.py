"""The command line `autointerp`."""

import sys

import typer
from rich.console import Console

from inspect_autointerp.builtin.smollm2.cli import model
from inspect_autointerp.card.cli import show
from inspect_autointerp.coder_similarity.cli import compare
from inspect_autointerp.cost.cli import cost
from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.experiments.cli import study
from inspect_autointerp.experiments.stability.cli import StudyCommand
from inspect_autointerp.formats.export_cli import export
from inspect_autointerp.leaderboard.cli import BareMarkdown, leaderboard
from inspect_autointerp.leaderboard.submit.cli import submit, verify
from inspect_autointerp.leaderboard.verdicts_cli import verdicts
from inspect_autointerp.prep.cli.coders import coders
from inspect_autointerp.prep.cli.hooks import hooks
from inspect_autointerp.prep.cli.merge import merge
from inspect_autointerp.prep.cli.negatives import negatives
from inspect_autointerp.prep.cli.prep import prep
from inspect_autointerp.ratings.cli import rate
from inspect_autointerp.ratings.ratings_cli import ratings
from inspect_autointerp.sharded import cli as sharded_cli
from inspect_autointerp.store.freeze_cli import freeze
from inspect_autointerp.store_stats.cli import stats
from inspect_autointerp.suites.cli import suites
from inspect_autointerp.text.streams import command_line_streams
from inspect_autointerp.tool_server.cli import mcp
from inspect_autointerp.triage.cli import triage
from inspect_autointerp.triage.diff_cli import diff
from inspect_autointerp.vectors.cli import export_vectors

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Prepare contexts for explanations of language-model latents, and compare explainers. Evaluations run"
    " under Inspect: `inspect eval inspect_autointerp/detection`.",
)
app.command()(prep)
app.command()(merge)
app.command()(negatives)
app.command()(freeze)
app.command()(hooks)
app.command()(coders)
app.command()(model)
app.command()(stats)
app.command()(triage)
app.command()(diff)
app.command()(suites)
app.command()(cost)
app.command()(show)
app.command()(compare)
app.command("eval-sharded", context_settings=sharded_cli.CONTEXT)(sharded_cli.eval_sharded)
app.command(cls=BareMarkdown)(leaderboard)
app.command()(verdicts)
app.command()(submit)
app.command()(verify)
app.command()(export)
app.command("export-vectors")(export_vectors)
app.command(cls=StudyCommand)(study)
app.command()(rate)
app.command()(ratings)
app.command()(mcp)


def main() -> None:
    """Run the command line; a user's mistake is one line and exit status 2, an interruption status 130."""
    with command_line_streams():
        _run()


def _run() -> None:
    try:
        app()
    except UserError as error:
        Console(emoji=False, stderr=True).print(
            f"autointerp: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(130 if isinstance(error, Interrupted) else 2)
    except SystemExit as end:
        if end.code == 130:  # typer makes an interruption one of these
            Console(emoji=False, stderr=True).print("autointerp: interrupted; nothing was changed")
        raise


if __name__ == "__main__":
    main()
