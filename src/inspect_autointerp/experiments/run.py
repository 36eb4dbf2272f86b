"""A study's tasks as one Inspect eval set, which goes on where an interrupted one stopped."""

import sys
from contextlib import nullcontext, redirect_stdout
from contextvars import copy_context
from pathlib import Path

from inspect_ai import eval_set  # pyright: ignore[reportUnknownVariableType]  # not typed in full

from inspect_autointerp.errors import Interrupted, UserError, plain_message
from inspect_autointerp.experiments.plan import Planned
from inspect_autointerp.inspect_support.compat import PrerequisiteError


def run_study(plan: Planned, folder: Path, *, display: str | None = None, retry_attempts: int = 10) -> bool:
    """Run what is not in the folder yet.

    Args:
        plan: The study.
        folder: Of its logs, and of no others.
        display: As `inspect eval --display` takes it; by default nothing where there is no terminal.
        retry_attempts: How often Inspect tries again what failed.

    Returns:
        Whether all levels are finished.

    Raises:
        UserError: The folder holds logs of other arguments.
        Interrupted: By the user.
    """
    quiet = display is None and not sys.stdout.isatty()
    tasks = [run.task(plan.name) for run in plan.runs]
    again = "repeat the command to continue"
    try:
        with redirect_stdout(sys.stderr) if quiet else nullcontext():
            done, logs = copy_context().run(  # it leaves its main model and roles in the context that calls it
                eval_set,  # pyright: ignore[reportUnknownArgumentType] - as at the import
                tasks,
                log_dir=str(folder),
                display="log" if quiet else display,  # pyright: ignore[reportArgumentType] - Inspect says what it knows not
                retry_attempts=retry_attempts,
                log_level="warning",
                tags=[f"study:{plan.name}"],
            )
    except PrerequisiteError as error:
        raise UserError(f"{folder}: {plain_message(error)} For other arguments give another --log-dir.") from error
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; {again}") from error
    if any(log.status == "cancelled" for log in logs):
        raise Interrupted(f"interrupted; {again}")
    return done
