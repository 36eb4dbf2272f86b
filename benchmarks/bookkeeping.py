"""CPU time of one evaluation by package: how much of it is Inspect's bookkeeping, and how much this project's.

`python -m benchmarks.bookkeeping STORE` evaluates some latents in the setting of `benchmarks.peer` (detection and
fuzzing, 41 calls per latent, a model that answers after 50 ms; prompts and answers are kept), in this process: once
without a profiler, for the time, and once with one, for the shares. A function's own time counts for the package that
it lies in, and that of a built-in function for its callers'. A profiler makes calls of Python functions dearer than
they are, so shares are good to a few points.
"""

import argparse
import cProfile
import os
import pstats
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.peer import CALLS

_PACKAGE = re.compile(r"site-packages/([^/]+)(?:/([^/]+))?(?:/([^/]+))?")
_OURS = re.compile(r"/(scorers|solvers|tasks|inspect_autointerp|benchmarks)/")
_SHOWN = 16


def evaluate(store: str, latents: int, hookpoint: str | None) -> None:
    """Run the evaluation, with its log in a folder that is removed."""
    from inspect_ai import eval as inspect_eval

    from benchmarks.peer import peer

    task = peer(store, f"sample:{latents}", hookpoint=hookpoint)
    with tempfile.TemporaryDirectory() as folder:
        options = {"log_realtime": False, "log_model_api": False} if os.environ.get("INSPECT_AUTOINTERP_LEAN") else {}
        [log] = inspect_eval(task, model="sleeping/50", log_dir=folder, display="none", **options)  # pyright: ignore
        if log.status != "success":
            raise SystemExit(str(log.error))


def part_of(file: str) -> str:
    """Return the package, or part of one, that a file is in."""
    if match := _PACKAGE.search(file):
        name, *inner = (part or "" for part in match.groups())
        if name == "inspect_ai":
            return ".".join([name, *(part.removesuffix(".py") for part in inner if part)])
        return name
    return "this project" if _OURS.search(file) else f"python: {Path(file).stem}"


def shares(profile: cProfile.Profile) -> Counter[str]:
    """Return the seconds of each part."""
    seconds: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # pyright: ignore
        if file == "~":  # built in
            for (caller, _, _), (_, _, there, _) in callers.items():
                seconds["built in, by built in" if caller == "~" else part_of(caller)] += there
        else:
            seconds[part_of(file)] += own
    return seconds


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--hookpoint")
    parser.add_argument("--latents", type=int, default=60)
    parser.add_argument("--lean", action="store_true", help="as `autointerp eval-sharded --log lean` has it")
    parser.add_argument("--profile", type=Path, help="file for the whole profile, for Python's `pstats`")
    given = parser.parse_args()
    if given.lean:
        os.environ["INSPECT_AUTOINTERP_LEAN"] = "1"
    evaluate(given.store, 2, given.hookpoint)  # imports
    began = time.process_time()
    evaluate(given.store, given.latents, given.hookpoint)
    each = (time.process_time() - began) / given.latents
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    evaluate(given.store, given.latents, given.hookpoint)
    profile.disable()
    if given.profile:
        profile.dump_stats(given.profile)
    seconds = shares(profile)
    total = seconds.total()
    title = f"{1000 * each:.0f} CPU ms per latent, {1000 * each / CALLS:.2f} per call"
    table = Table("part", "share", "ms per latent", title=title, title_justify="left")
    ours = sum(value for name, value in seconds.items() if name == "this project") / total
    inspects = sum(value for name, value in seconds.items() if name.startswith("inspect_ai")) / total
    rows = [("this project, all", ours), ("Inspect, all", inspects), ("libraries, all", 1 - ours - inspects)]
    rows += [(name, value / total) for name, value in seconds.most_common(_SHOWN)]
    for name, share in rows:
        table.add_row(name, f"{100 * share:.1f} %", f"{1000 * each * share:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
