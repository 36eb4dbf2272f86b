"""Halves of a corpus: its documents in two parts, by a hash of their numbers.

A half of a store behaves like a store of half the documents. A study compares what the two say of the same latents.
"""

import re

import numpy as np

from inspect_autointerp.errors import UserError

HALVES = (1, 2)
_NAMED = re.compile(r"(.*)#(\d+)/2", re.DOTALL)


def half_name(store: str, half: int | None) -> str:
    """Return the name of a half of a store, `STORE#1/2`; of None the store's own."""
    return store if half is None else f"{store}#{half}/2"


def read_half(store: str | None) -> tuple[str | None, int | None]:
    """Read a store's name that may have `#1/2` or `#2/2` behind it.

    Args:
        store: As the user gave it.

    Returns:
        The store's own name, and the half; None for the whole.

    Raises:
        UserError: There is no such half.
    """
    match = _NAMED.fullmatch(store or "")
    if match is None:
        return store, None
    return match[1] or None, checked_half(int(match[2]))


def checked_half(half: int) -> int:
    """Return the half.

    Raises:
        UserError: It is neither 1 nor 2.
    """
    if half not in HALVES:
        raise UserError(f"half {half}: a store has the halves 1 and 2; write STORE#1/2 or STORE#2/2")
    return half


def in_half(documents: np.ndarray, half: int) -> np.ndarray:
    """Return whether documents are in a half, as bool (document,).

    The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014). It depends on the document's number alone, so a frozen store has the halves of its source.

    Args:
        documents: int64 (document,), numbers of documents from 0.
        half: 1 or 2.
    """
    z = documents.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(63)).astype(np.int64) + 1 == half
