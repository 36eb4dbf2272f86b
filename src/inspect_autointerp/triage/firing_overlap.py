"""Model diffing with one coder: in which of two models, or in both, its latents fire."""

import numpy as np
import pandas as pd

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import counterpart_of, in_subject, is_second
from inspect_autointerp.store.store import Store
from inspect_autointerp.triage.classes import UNKNOWN

_UNITS = ("windows", "tokens")
_WHERE = ("only_first", "both", "only_second")
COUNTS = [f"{unit}_{where}" for unit in _UNITS for where in _WHERE]
"""Columns of counts: `windows_only_first`, `windows_both`, `windows_only_second`, and the same of tokens."""
COLUMNS = ["latent", "class", *COUNTS, "exclusive", "shared", "store"]
"""Columns of the file, in order."""


def firing_overlap(store: Store, hookpoint: str) -> pd.DataFrame:
    """Return on how many windows and tokens the latents of a coder fire in each of two subjects alone, and in both.

    Args:
        store: A store of two subjects that one coder read.
        hookpoint: The coder's hookpoint in either subject.

    Returns:
        A row per latent and hookpoint that the store holds, the first subject's hookpoint first: `latent` (its id) and
        the counts `COUNTS`, over the whole corpus. The rows of a latent in both subjects have the same counts.

    Raises:
        UserError: The coder read one subject.
    """
    names = [in_subject(hookpoint), counterpart_of(in_subject(hookpoint))]
    frames: list[pd.DataFrame] = []
    for name in names:
        if name not in store.manifest.hookpoints:
            continue  # as in a frozen store of the other one
        at = store.at(name)
        counts, held = at.pair_counts, at.held
        if counts is None:
            raise UserError(
                f"{store.folder}: the coder of {name} read one place of one subject; make a store with `autointerp prep"
                " SUBJECT --second-subject OTHER`, or give a crosscoder's"
            )
        values = np.concatenate([counts.windows[held], counts.tokens[held]], axis=1)
        frame = pd.DataFrame(values, columns=pd.Index(COUNTS))
        frame.insert(0, "latent", [f"{name}/{index}" for index in held.tolist()])
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def overlap_classes(frame: pd.DataFrame, exclusive: float, shared: float) -> pd.Series:
    """Return the class of each latent by the windows on which it fires in either subject: see `triage.classes.SHARES`.

    Args:
        frame: A table of `firing_overlap`.
        exclusive: Share of these windows, in [0, 0.5], up to which the other subject may fire for a latent to be of
            one subject only.
        shared: Share of these windows, in [0, 1], up to which one subject may fire alone for both to have the latent.

    Returns:
        `UNKNOWN` for a latent that fires in no window of either.
    """
    counts = frame[[f"windows_{where}" for where in _WHERE]].to_numpy(dtype=np.float64)
    total = counts.sum(axis=1, keepdims=True)
    first, both, second = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0).T
    conditions = [first >= 1 - exclusive, second >= 1 - exclusive, both >= 1 - shared, total[:, 0] > 0]
    names = np.select(conditions, ["first", "second", "shared", "between"], UNKNOWN)
    return pd.Series(names, index=frame.index, dtype=object)


def of_one_subject(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per latent number of a table of `firing_overlap`: those of the first subject if it has any."""
    second = frame["latent"].map(is_second_latent)
    return frame if second.all() else frame[~second]


def is_second_latent(latent: str) -> bool:
    """Return whether a latent's id is of the second subject."""
    return is_second(latent.rpartition("/")[0])
