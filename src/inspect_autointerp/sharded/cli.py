"""`autointerp eval-sharded`: an evaluation of very many latents, in shards."""

from typing import Annotated

import typer

from inspect_autointerp.errors import UserError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Settings that pass unknown options on to `inspect eval`."""


def eval_sharded(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="A task by name, like multi_score, or a file, as for inspect eval.")],
    latents: Annotated[str, typer.Option(help="Which: all, 0:20000, a list, or sample:5000 usable ones.")] = "all",
    shard: Annotated[int, typer.Option(help="Latents in a shard, which has a log of its own.")] = 500,
    processes: Annotated[int, typer.Option(help="Shards at a time on this machine.", min=1)] = 1,
    ray: Annotated[bool, typer.Option(help="Run shards on a Ray cluster instead.")] = False,
    log_dir: Annotated[str, typer.Option(help="Where logs go, and where complete shards are looked for.")] = "logs",
    log: Annotated[
        str,
        typer.Option(
            help="What logs hold: lean, all but live views, raw API calls and what is there twice; full, Inspect's"
            " defaults; least, explanations and scores without prompts, answers and reports once a shard is complete."
        ),
    ] = "lean",
    dry_run: Annotated[bool, typer.Option(help="Say what would be run.")] = False,
) -> None:
    """Evaluate very many latents in shards: one Inspect log each, in one folder.

    All further options are those of inspect eval, and go to every shard. The same command again runs what is missing:
    complete shards are kept, and those begun go on from their logs. A shard that fails stops no other. The leaderboard
    shows all shards as one evaluation.

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
        raise UserError("--ray: the cluster says how many shards run at a time; leave --processes out")
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
