"""Draws that depend on what they are for, and on nothing else: the same in every process, whatever the timing."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np


def seed_of(*parts: object) -> int:
    """A seed of 64 bits that depends on the parts alone."""
    return int.from_bytes(blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest(), "little")


def rng_of(*parts: object) -> np.random.Generator:
    """Random numbers that depend on the parts alone."""
    return np.random.default_rng(seed_of(*parts))


def stratified(strata: Sequence[int], n: int, rng: np.random.Generator) -> list[int]:
    """Indices of up to n items, the strata in shares as equal as their sizes allow, without replacement.

    Round after round takes one item of each stratum that still has one, in an order drawn anew each round.
    """
    members: dict[int, list[int]] = {stratum: [] for stratum in set(strata)}
    for i, stratum in enumerate(strata):
        members[stratum].append(i)
    for indices in members.values():
        rng.shuffle(indices)
    members = dict(sorted(members.items()))
    chosen: list[int] = []
    while len(chosen) < n and members:
        drawn = list(members)
        rng.shuffle(drawn)
        chosen += [members[stratum].pop() for stratum in drawn[: n - len(chosen)]]
        if not all(members.values()):
            members = {stratum: left for stratum, left in members.items() if left}
    return chosen
