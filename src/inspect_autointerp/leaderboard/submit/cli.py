"""`autointerp submit` and `autointerp verify`: the commands that pack a suite's rows in one file, and check it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.render import visible

if TYPE_CHECKING:
    from inspect_autointerp.leaderboard.submit.recompute import Recomputed
    from inspect_autointerp.leaderboard.submit.submission import Submission
    from inspect_autointerp.suites.suite import Suite

_SHOWN = 20


def submit(
    logs: Annotated[list[str], typer.Argument(help="Logs of one suite: explainers, and floors.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON file for the entry.")],
    suite: Annotated[str | None, typer.Option(help="The suite's file, if it does not come with the package.")] = None,
) -> None:
    """Pack logs of a suite into an entry that others can check: rows with intervals, values per latent, provenance.

    \b
    Example:
      autointerp submit logs/*_multi-score_*.eval -o entry.json
    """
    from pydantic import TypeAdapter

    from inspect_autointerp.leaderboard.submit.submission import Submission, pack
    from inspect_autointerp.leaderboard.submit.verify import own_differences, suite_differences

    entry = pack(logs)
    definition = _definition(entry.suite, suite)
    _refuse([*own_differences(entry), *(suite_differences(entry, definition) if definition else ())], "the logs")
    with atomic_file(output) as path:
        path.write_bytes(TypeAdapter(Submission).dump_json(entry, indent=1) + b"\n")
    lines = [f"{output}: {_what(len(entry.rows), 'row')} of suite {entry.suite['label']}", *_edited(entry)]
    sys.stdout.write("\n".join(lines) + "\n")


def verify(
    entry: Annotated[Path, typer.Argument(help="Entry that `autointerp submit` wrote.")],
    logs: Annotated[list[str] | None, typer.Argument(help="The logs that it was made from.")] = None,
    suite: Annotated[str | None, typer.Option(help="The suite's file, if it does not come with the package.")] = None,
) -> None:
    """Check an entry against itself, its suite's definition and the given logs, whose numbers are all recomputed.

    Each latent's statistics are computed from its verdicts, and means and intervals from the latents' statistics.
    Simulation and intervention need more than a log holds; their statistics are listed and taken as they are.
    The exit status is 2 if anything differs; every difference is named.

    \b
    Example:
      autointerp verify entry.json logs/*_multi-score_*.eval
    """
    from inspect_autointerp.leaderboard.submit.recompute import log_sha256, recomputed
    from inspect_autointerp.leaderboard.submit.submission import read_submission
    from inspect_autointerp.leaderboard.submit.verify import log_differences, own_differences, suite_differences

    read = read_submission(entry)
    problems = list(own_differences(read))
    definition = _definition(read.suite, suite)
    problems += suite_differences(read, definition) if definition else []
    read_logs: list[Recomputed] = []
    for path in logs or []:
        try:
            read_logs.append(recomputed(path))
        except UserError as error:
            problems.append(str(error))
    for log in read_logs:
        problems += log_differences(read, log)
    _refuse(problems, str(entry))
    given = {log_sha256(log) for log in logs or []}
    unread = [log.name for log in read.logs if log.sha256 not in given]
    say = [f"{entry}: {_what(len(read.rows), 'row')} of suite {read.suite['label']} agree with themselves"]
    say[0] += " and with the suite's definition" if definition else ""
    if not definition:
        say.append(
            "The suite does not come with this package, so the entry was not compared with it; give --suite FILE"
        )
    if len(unread) < len(read.logs):
        say.append(f"{_what(len(read.logs) - len(unread), 'log')} recomputed: every number is the entry's")
        say += list(dict.fromkeys(line for log in read_logs for line in _from_verdicts(log)))
    if unread:
        say.append(f"Not compared with what it was made from, which was not given: {', '.join(map(visible, unread))}")
    sys.stdout.write("\n".join([*say, *_edited(read)]) + "\n")


def _from_verdicts(log: "Recomputed") -> list[str]:
    """Lines that say of which scores of a log the latents' statistics were computed from verdicts, and why not."""
    done = [f"{name} ({_what(n, 'latent')})" for name, n in log.from_verdicts.n_latents.items()]
    lines = [f"Statistics of each latent computed from its verdicts: {', '.join(done)}"] if done else []
    lines += [f"Not computed from verdicts: {name}, since {why}" for name, why in log.from_verdicts.skipped.items()]
    return [visible(line) for line in lines]


def _edited(entry: "Submission") -> list[str]:
    """A line for each row whose scores were edited after the run."""
    return [
        visible(f"{row.score} of {row.explainer}: {_what(row.edited, 'score')} edited after the run")
        for row in entry.rows
        if row.edited
    ]


def _definition(stated: dict[str, Any], path: str | None) -> "Suite | None":
    from inspect_autointerp.suites.load import read_suite, shipped

    name = stated.get("name")
    if path is None and name not in shipped():
        return None
    return read_suite(path or str(name))


def _refuse(differences: list[str], what: str) -> None:
    if not differences:
        return
    for line in differences[:_SHOWN]:
        sys.stderr.write(f"{visible(line)}\n")
    if len(differences) > _SHOWN:
        sys.stderr.write(f"and {len(differences) - _SHOWN} more\n")
    raise UserError(f"{what}: {_what(len(differences), 'difference')}, see above; this is not a valid entry")


def _what(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
