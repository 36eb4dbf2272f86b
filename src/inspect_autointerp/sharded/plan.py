"""The plan of a sharded evaluation: the same for the same arguments, so that it can be resumed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from itertools import accumulate, pairwise
from pathlib import Path

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.contexts.selection import MIN_CONTEXTS, usable_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.sharded.arguments import Arguments
from inspect_autointerp.store.store import Store

MOST = 10_000
"""Latents in a shard: they are named in a command, and a viewer is slow with larger logs."""


@dataclass(frozen=True)
class Plan:
    """A sweep."""

    id: str
    """Changes with whatever a score depends on."""
    task: str
    arguments: Arguments
    shards: tuple[tuple[int, ...], ...]
    """The latents of each."""
    skipped: dict[str, int]
    """Latents asked for that cannot be evaluated, by reason."""
    min_contexts: int = MIN_CONTEXTS
    """By which that was decided."""

    @property
    def n_latents(self) -> int:
        """Latents of all shards together."""
        return sum(map(len, self.shards))

    def metadata(self, shard: int) -> dict[str, object]:
        """Return what the log of a shard (from 1) says under `KEY`."""
        whole = {"latents": self.n_latents, "skipped": self.skipped}
        return {"id": self.id, "shard": shard, "of": len(self.shards), **whole}


def make_plan(task: str, given: Sequence[str], latents: str, size: int) -> Plan:
    """Find out which latents can be evaluated, and cut them into shards.

    Args:
        task: As for `inspect eval`; a name of this package's tasks is enough.
        given: Further options of `inspect eval`.
        latents: See `dataset.parse_latents`; `all` for all of the hookpoint.
        size: Latents in a shard, at most.

    Raises:
        UserError: The store, the latents or the options are not there or not understood.
    """
    if not 1 <= size <= MOST:
        raise UserError(f"--shard {size}: a shard holds 1 to {MOST:,} latents")
    arguments = Arguments.read(given)
    options = arguments.task
    store = Store.open(locate(options.get("store")), _whole(options, "window"))
    hookpoint = store.at(options.get("hookpoint")).name
    least, seed = _whole(options, "min_contexts"), _whole(options, "seed") or 0
    least = MIN_CONTEXTS if least is None else least
    usable, skipped = usable_latents(store, hookpoint, latents, least, seed)
    indices = [latent.index for latent in usable]
    shards = cut(indices, size)
    task = named(task)
    identity = [task, arguments.identity(), store.digest, hookpoint, least, shards]
    return Plan(sha256(json.dumps(identity).encode()).hexdigest()[:12], task, arguments, shards, skipped, least)


def cut(latents: Sequence[int], size: int) -> tuple[tuple[int, ...], ...]:
    """As few shards as there can be, in order and as equal as can be: 7 latents in shards of 3 are 3, 2 and 2."""
    n = -(-len(latents) // size)
    sizes = (len(latents) // n + (number < len(latents) % n) for number in range(n))
    return tuple(tuple(latents[first:end]) for first, end in pairwise(accumulate(sizes, initial=0)))


def named(task: str) -> str:
    """The name by which Inspect finds a task."""
    if task.startswith("-"):
        raise UserError(f"{task}: name the task first: autointerp eval-sharded detection --model …")
    spec = find_spec("inspect_autointerp.tasks")
    own = {path.stem for folder in (spec and spec.submodule_search_locations) or [] for path in Path(folder).glob("*")}
    if task.isidentifier() and task not in own:
        known = ", ".join(sorted(name for name in own if not name.startswith("_")))
        raise UserError(f"{task}: unknown task; give one of {known}, or a file such as tasks/detection.py")
    return f"inspect_autointerp/{task}" if task in own else task


def _whole(arguments: dict[str, object], name: str) -> int | None:
    value = arguments.get(name)
    if value is not None and not isinstance(value, int):
        raise UserError(f"-T {name}={value}: not a whole number")
    return value
