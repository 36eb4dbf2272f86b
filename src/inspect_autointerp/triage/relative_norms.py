"""Model diffing: which of two models, or of two places in one, a crosscoder's latent belongs to."""

import numpy as np
import pandas as pd

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import JOIN, SECOND
from inspect_autointerp.store.store import Store
from inspect_autointerp.triage.classes import UNKNOWN

COLUMNS = [
    *("latent", "class", "relative_norm", "norm_first", "norm_second", "windows"),
    *("exclusive", "shared", "store"),
]
"""Columns of the file, in order."""


def relative_norms(store: Store, hookpoint: str) -> pd.DataFrame:
    """Return the decoder norms of a crosscoder's latents, and their relative norms.

    Args:
        store: The store.
        hookpoint: One of its hookpoints. Where it reads two subjects, these are compared, and the norm in a subject is
            the length of its decoder vectors end to end. Where it reads two places of one subject, the places are.

    Returns:
        A row per latent that the store holds: `latent` (its id), `norm_first` and `norm_second` (as trained),
        `relative_norm` (second / (first + second), in [0, 1]; NaN where both are 0) and `windows` (on how many windows
        of the corpus it fires).

    Raises:
        UserError: The coder is not a crosscoder, or one of more than two places in one subject.
    """
    at = store.at(hookpoint)
    held = at.held
    norms = at.decoder_norms(held.tolist())
    if norms is None:
        crosscoders = [name for name in store.hookpoints if JOIN in name]
        other = (
            f"give --hookpoint {crosscoders[0]}"
            if crosscoders
            else "make a store of a crosscoder, or of two subjects (`autointerp prep SUBJECT --second-subject OTHER`)"
        )
        raise UserError(
            f"{store.folder}: the coder of {at.name} is not a crosscoder, since it reads one place; {other}"
        )
    second = np.array([place.startswith(SECOND) for place in at.places])
    if not second.any():
        if len(second) != 2:
            raise UserError(
                f"{store.folder}: {at.name} reads {len(second)} places of one subject; a relative norm is of two, and"
                " `autointerp show` prints the share of each"
            )
        second = np.array([False, True])
    one, two = (np.linalg.norm(norms[:, mask].astype(np.float64), axis=1) for mask in (~second, second))
    total = one + two
    relative = np.divide(two, total, out=np.full(len(total), np.nan), where=total > 0)
    names = [f"{at.name}/{index}" for index in held.tolist()]
    columns = {"latent": names, "norm_first": one, "norm_second": two, "relative_norm": relative}
    return pd.DataFrame(columns | {"windows": np.asarray(at.n_windows)[held]})


def share_classes(relative: pd.Series, exclusive: float, shared: float) -> pd.Series:
    """Return the class of each latent by its relative norm: see `triage.classes.SHARES`.

    Args:
        relative: Relative norms, in [0, 1] or NaN.
        exclusive: Distance from 0 or 1 up to which a latent is of one model only.
        shared: Distance from 0.5 up to which both models have it.
    """
    conditions = [relative <= exclusive, relative >= 1 - exclusive, (relative - 0.5).abs() <= shared, relative.notna()]
    names = np.select([c.to_numpy() for c in conditions], ["first", "second", "shared", "between"], UNKNOWN)
    return pd.Series(names, index=relative.index, dtype=object)
