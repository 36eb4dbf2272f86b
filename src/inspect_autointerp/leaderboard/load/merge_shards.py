"""The shards of a sweep as one evaluation."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.load.log_entry import Entry, digest_of
from inspect_autointerp.leaderboard.load.log_values import log_values
from inspect_autointerp.leaderboard.load.sample_rows import score_values
from inspect_autointerp.leaderboard.load.setting import Setting
from inspect_autointerp.statistics.estimates import Estimate, estimates_of


def merged(entries: Sequence[Entry]) -> list[Entry]:
    """Put the entries of a sweep's shards together, each score apart; other entries stay as they are.

    Means and intervals are those over all latents of the shards that are complete. Where some are not, the explainer's
    name says how many are; and the latents are others than the whole sweep's, so the two stand in no table together.

    Args:
        entries: Oldest first.

    Returns:
        The same order, a sweep being as old as its newest shard.
    """
    whole = [entry for entry in entries if entry.shard is None]
    of_sweep: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.shard is not None:
            of_sweep[entry.shard.sweep].append(entry)
    for shards in of_sweep.values():
        complete = [entry for entry in shards if not entry.problem]
        alike: dict[tuple[str, str, Setting], dict[int, Entry]] = defaultdict(dict)
        for entry in complete:
            alike[entry.explainer, entry.scorer, replace(entry.setting, latents="")][_shard(entry)] = (
                entry  # of two logs of a shard the newer
            )
        whole += [_one(sorted(parts.values(), key=_shard)) for parts in alike.values()]
        if not complete:
            last = shards[-1]
            whole.append(replace(last, problem=f"a sharded evaluation without a complete shard ({last.problem})"))
        else:  # an unfinished shard is taken up again in another log; what is wrong with a finished one is said
            whole += [entry for entry in shards if entry.problem and entry.scores]
    return sorted(whole, key=lambda entry: entry.created)


def values_of(logs: Sequence[str], wanted: Callable[[str], bool]) -> pd.DataFrame:
    """See `log_values`: of several logs, one after the other."""
    return pd.concat([log_values(log, wanted) for log in logs], ignore_index=True)


def _shard(entry: Entry) -> int:
    assert entry.shard is not None
    return entry.shard.number


def _one(parts: list[Entry]) -> Entry:
    """One entry of a sweep's complete shards, in order."""
    first, shard = parts[0], parts[0].shard
    assert shard is not None
    logs = tuple(part.path for part in parts)
    problem, scores = None, {}
    try:
        scores = _estimates(logs, first.scorer)
    except Exception as error:  # a log cut short can fail in any layer: it is listed, not fatal
        problem = f"unreadable samples ({type(error).__name__})"
    latents = tuple(sorted(id for part in parts for id in part.latents))
    if len(set(latents)) < len(latents):
        problem = "shards of the sweep that hold the same latents"
    sizes = np.array([part.n_latents for part in parts], dtype=float)
    missing = f", {len(parts)} of {shard.of} shards" if len(parts) < shard.of else ""

    def mean(of_shards: list[float]) -> float:
        return float(np.average(of_shards, weights=sizes)) if sizes.sum() else float("nan")

    return replace(
        first,
        explainer=first.explainer + missing,
        setting=replace(first.setting, latents=digest_of(latents)),
        scores=scores,
        n_latents=int(sizes.sum()),
        tokens_per_latent=mean([part.tokens_per_latent for part in parts]),
        cost_per_latent=mean([part.cost_per_latent for part in parts]),
        created=max(part.created for part in parts),
        problem=problem,
        edited=sum(part.edited for part in parts),
        absent=sum(part.absent for part in parts),
        latents=latents,
        logs=logs,
    )


def _estimates(logs: Sequence[str], scorer: str) -> dict[str, Estimate]:
    return estimates_of(score_values(values_of(logs, lambda name: name.startswith(f"{scorer}/")), scorer))
