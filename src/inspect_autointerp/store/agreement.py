"""The agreement of a store that was prepared again with a frozen one: processors differ in activations' last bits."""

from dataclasses import dataclass
from math import nan

import numpy as np
from rich.table import Table
from rich.text import Text

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store


@dataclass(frozen=True)
class Agreement:
    """Two stores at one hookpoint, over the latents that the first one holds."""

    hookpoint: str
    latents: int
    windows: int
    """Windows kept in either store, each for one latent."""
    same_windows: float
    """Share of them that both keep for the same reasons; NaN where there are none."""
    activations: int
    """Activations on the windows that both keep."""
    same_activations: float
    """Share of them that are equal in both; one that is 0 in one store differs. NaN where there are none."""
    largest_difference: float
    """Between two activations on one token; NaN where there are none."""


def agreement(store: Store, other: Store) -> list[Agreement]:
    """Compare two stores at every hookpoint of the first, over the latents that it holds.

    Args:
        store: A frozen store, or any.
        other: One that was made as it was.

    Raises:
        UserError: The other one has not these hookpoints or latents, or is of other text.
    """
    if store.settings.window != other.settings.window or store.manifest.n_tokens != other.manifest.n_tokens:
        raise UserError(
            f"{other.folder}: {other.manifest.n_tokens:,} tokens in windows of {other.settings.window}, and"
            f" {store.folder} is of {store.manifest.n_tokens:,} in windows of {store.settings.window}:"
            " they were not made with the same options"
        )
    return [_at_hookpoint(store, other, name) for name in store.hookpoints]


def agreement_table(store: Store, results: list[Agreement]) -> Table:
    """Return a table with a row per hookpoint."""
    table = Table(title=Text(f"agreement with {store.folder.name}, digest {store.manifest.digest}"), pad_edge=False)
    names = ("hookpoint", "latents", "windows", "the same", "activations", "the same", "largest difference")
    for i, name in enumerate(names):
        table.add_column(name, justify="right" if i else "left", overflow="fold")
    for one in results:
        table.add_row(
            Text(one.hookpoint),
            f"{one.latents:,}",
            f"{one.windows:,}",
            f"{one.same_windows:.3%}",
            f"{one.activations:,}",
            f"{one.same_activations:.3%}",
            f"{one.largest_difference:.3g}",
        )
    return table


def _at_hookpoint(store: Store, other: Store, name: str) -> Agreement:
    a, b = store.at(name), other.at(name)
    if a.width != b.width:
        raise UserError(f"{other.folder}: {b.width:,} latents at {name}, and {store.folder} has {a.width:,}")
    b.check_held(a.held.tolist())
    n = {"windows": 0, "same windows": 0, "activations": 0, "same activations": 0}
    largest = nan
    for latent in a.held.tolist():
        (one_starts, one_flags), (two_starts, two_flags) = (at.postings.windows(latent) for at in (a, b))
        both, i, j = np.intersect1d(one_starts, two_starts, return_indices=True)
        _same_text(store, other, both)
        n["windows"] += len(one_starts) + len(two_starts) - len(both)
        n["same windows"] += int((one_flags[i] == two_flags[j]).sum())
        one, two = (_on(*at.postings.activations(latent), both, store.settings.window) for at in (a, b))
        fires = (one > 0) | (two > 0)
        n["activations"] += int(fires.sum())
        n["same activations"] += int((one[fires] == two[fires]).sum())
        largest = float(np.fmax(largest, np.abs(one - two)[fires].max(initial=0.0))) if fires.any() else largest
    return Agreement(
        hookpoint=name,
        latents=len(a.held),
        windows=n["windows"],
        same_windows=_share(n["same windows"], n["windows"]),
        activations=n["activations"],
        same_activations=_share(n["same activations"], n["activations"]),
        largest_difference=largest,
    )


def _same_text(store: Store, other: Store, starts: np.ndarray) -> None:
    if len(starts) and not np.array_equal(store.ids(starts), other.ids(starts)):
        raise UserError(f"{other.folder}: its text differs from that of {store.folder}: another corpus or tokenizer")


def _on(pos: np.ndarray, act: np.ndarray, starts: np.ndarray, width: int) -> np.ndarray:
    """Activations on windows, float32 (window, token)."""
    dense = np.zeros((len(starts), width), dtype=np.float32)
    which = np.searchsorted(starts, pos, side="right") - 1
    inside = which >= 0
    inside[inside] = pos[inside] < starts[which[inside]] + width
    dense[which[inside], pos[inside] - starts[which[inside]]] = act[inside]
    return dense


def _share(part: int, whole: int) -> float:
    return part / whole if whole else nan
