"""Progress of a sharded evaluation, on standard error so that standard output stays clean."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from inspect_autointerp.errors import UserError
from inspect_autointerp.sharded.run import Show, Sweep
from inspect_autointerp.text.plural import plural

_LISTED = 20
"""Failed shards that are named at the end."""


def say_plan(sweep: Sweep) -> None:
    """Return what is to be run, and what is there already."""
    plan, logs = sweep.plan, sweep.logs
    left_out = ", ".join(f"{n:,} {reason}" for reason, n in plan.skipped.items())
    say(
        f"sweep {plan.id}: {plural(plan.n_latents, 'latent')} in {plural(len(plan.shards), 'shard')}"
        f" of up to {len(plan.shards[0]):,}"
        f" to {sweep.log_dir}" + (f"; left out: {left_out}" if left_out else "")
    )
    if logs.complete or logs.unfinished:
        begun = len([shard for shard in logs.unfinished if shard not in logs.complete])
        say(f"{len(logs.complete):,} shards are complete, {begun:,} begun, {len(sweep.waiting):,} to run")
    for path in logs.unreadable:
        say(f"{path}: cannot be read, so it may be cut short; if it belongs to a shard, the shard runs again")


def say_result(sweep: Sweep) -> None:
    """Return how it ended.

    Raises:
        UserError: Shards have failed; the message names them.
    """
    done, n = len(sweep.logs.complete), len(sweep.plan.shards)
    if not sweep.failed:
        say(f"{done:,} of {plural(n, 'shard')} complete: autointerp leaderboard {sweep.log_dir}")
        return
    lines = [f"  shard {shard}: {problem}" for shard, problem in sorted(sweep.failed.items())[:_LISTED]]
    if len(sweep.failed) > _LISTED:
        lines.append(f"  and {len(sweep.failed) - _LISTED:,} more")
    raise UserError(
        "\n".join([f"{len(sweep.failed):,} of {n:,} shards failed; repeat the command to run them again:", *lines])
    )


def say(what: str) -> None:
    """Print a line of its own."""
    Console(emoji=False, stderr=True).print(what, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def bar(sweep: Sweep) -> Generator[Show]:
    """Show how far all shards together have come; where there is no terminal, a line for each that ends.

    Yields:
        What `run_locally` calls.
    """
    columns = (
        TextColumn("sweep"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} latents, {task.fields[shards]}"),
        TimeRemainingColumn(),
    )
    console = Console(emoji=False, stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, refresh_per_second=2) as progress:
        task = progress.add_task("sweep", total=sweep.plan.n_latents, completed=sweep.latents_kept, shards="")
        told = (len(sweep.logs.complete), len(sweep.failed))

        def show(now: Sweep, running: int, processes: int) -> None:
            nonlocal told
            complete, failed = len(now.logs.complete), len(now.failed)
            shards = f"{complete:,} of {len(now.plan.shards):,} shards" + (f", {failed:,} failed" if failed else "")
            progress.update(task, completed=now.latents_kept + running, shards=f"{shards}, {processes} running")
            if (complete, failed) != told and not console.is_terminal:
                say(shards)
            told = (complete, failed)

        yield show
