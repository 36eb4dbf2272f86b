"""`autointerp eval-sharded`: an evaluation of very many latents, in shards."""

from typing import Annotated

import typer

from inspect_autointerp.errors import UserError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Settings that pass unknown options on to `inspect eval`."""


def eval_sharded(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Task by name, such as multi_score, or a file, as for inspect eval.")],
    latents: Annotated[
        str, typer.Option(help="Latents: all, 0:20000, a list, or sample:5000 for a draw from the usable ones.")
    ] = "all",
    shard: Annotated[int, typer.Option(help="Latents per shard; each shard writes its own log.")] = 500,
    processes: Annotated[int, typer.Option(help="Shards that run at the same time on this machine.", min=1)] = 1,
    ray: Annotated[bool, typer.Option(help="Run shards on a Ray cluster instead.")] = False,
    log_dir: Annotated[str, typer.Option(help="Folder for logs; complete shards in it are kept.")] = "logs",
    log: Annotated[
        str,
        typer.Option(
            help="Content of logs. lean: everything but live views, raw API calls and duplicates. full: Inspect's"
            " defaults. least: explanations and scores; prompts, answers and reports go once a shard is complete."
        ),
    ] = "lean",
    dry_run: Annotated[bool, typer.Option(help="Print what would run, then stop.")] = False,
) -> None:
    """Evaluate very many latents in shards: one Inspect log each, in one folder.

    All other options are passed to inspect eval for every shard. Repeat the command to run what is missing: complete
    shards are kept, and unfinished ones continue from their logs. A failed shard does not stop the others. The
    leaderboard shows all shards as one evaluation.

    \b
    Example:
      autointerp eval-sharded detection --latents all --processes 2 --model openai/gpt-4o-mini -T store=contexts/gpt2
    """
    from typing import get_args

    from inspect_autointerp.sharded import progress, run
    from inspect_autointerp.sharded.plan import make_plan
    from inspect_autointerp.sharded.shard import Log

    kinds = get_args(Log)
    if log not in kinds:
        raise UserError(f"--log {log}: give {', '.join(kinds)}")
    if ray and processes > 1:
        raise UserError("--ray: the cluster decides how many shards run at a time; leave out --processes")
    state = run.begin(make_plan(task, context.args, latents, shard), log_dir, log)  # pyright: ignore[reportArgumentType]
    progress.say_plan(state)
    if dry_run or not state.waiting:
        return
    with progress.bar(state) as show:
        if ray:
            from inspect_autointerp.sharded.cluster import run_on_cluster

            run_on_cluster(state, show)
        else:
            run.run_locally(state, processes, show)
    progress.say_result(state)
