"""Which latents a suite evaluates: a draw stratified by density, the same wherever the store is the same."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inspect_autointerp.contexts.sampling import seed_of
from inspect_autointerp.contexts.selection import nothing_usable, unusable
from inspect_autointerp.store.store import Store
from inspect_autointerp.suites.suite import Evaluation


@dataclass(frozen=True)
class Drawn:
    """The latents of a suite."""

    latents: list[int]
    """In order."""
    skipped: dict[str, int]
    """By reason how many were passed over: of those that never fire all there are, of others those that were drawn
    before enough usable ones were found."""


def drawn_latents(store: Store, evaluation: Evaluation) -> Drawn:
    """Draw a suite's latents from its store.

    Raises:
        UserError: None can be used.
    """
    at = store.at(evaluation.hookpoint)
    hookpoint, n_windows = at.name, at.n_windows
    skipped: Counter[str] = Counter()
    held = np.zeros(len(n_windows), dtype=bool)
    held[at.held] = True
    if dead := int((n_windows[held] == 0).sum()):
        skipped["never fire"] = dead

    def usable(index: int) -> bool:
        reason = unusable(store, at.latent(index), evaluation.min_contexts)
        skipped.update([reason] if reason else [])
        return reason is None

    bands = density_bands(np.where(held, n_windows, 0), store.manifest.n_windows)
    indices = stratified_draw(bands, evaluation.latents, seed_of(evaluation.seed, hookpoint), usable)
    if not indices:
        raise nothing_usable(store, hookpoint, skipped)
    return Drawn(sorted(indices), dict(skipped))


def density_bands(n_windows: np.ndarray, all_windows: int) -> dict[int, list[int]]:
    """The latents that fire at all, by the power of ten of the share of windows on which they fire.

    Args:
        n_windows: int (latent,).
        all_windows: Windows in all.

    Returns:
        By power, the rarest first: −3 of shares from 0.001 to 0.01; the last is −1, which holds 1 itself.
    """
    alive = np.flatnonzero(n_windows)
    # As the leaderboard's bands: the addend is for shares that are powers of ten but for their last bit.
    power = np.minimum(np.floor(np.log10(n_windows[alive] / all_windows) + 1e-9), -1).astype(int)
    return {int(band): alive[power == band].tolist() for band in np.unique(power)}


def stratified_draw(
    bands: Mapping[int, Sequence[int]], n: int, seed: int, usable: Callable[[int], bool] = lambda index: True
) -> list[int]:
    """Draw from each band as many as is its share of all, and where a band runs dry, from the others likewise.

    Args:
        bands: Latents by band; no latent in two.
        n: How many to draw.
        seed: Of the order in each band. A band's order depends on no other's.
        usable: Whether a latent can be taken; asked at most once of each, and of no more than needed.

    Returns:
        n latents, or all usable ones where there are fewer; by band.
    """
    orders = {
        band: iter(np.random.default_rng([seed, abs(band)]).permutation(sorted(members)).tolist())
        for band, members in bands.items()
    }
    sizes = {band: len(members) for band, members in bands.items()}
    chosen: dict[int, list[int]] = {band: [] for band in bands}
    while (missing := n - sum(map(len, chosen.values()))) > 0 and sizes:
        for band, share in allotted(sizes, missing).items():
            wanted = len(chosen[band]) + share
            while len(chosen[band]) < wanted:
                index = next(orders[band], None)
                if index is None:
                    sizes.pop(band)
                    break
                if usable(index):
                    chosen[band].append(index)
    return [index for members in chosen.values() for index in members]


def allotted(sizes: Mapping[int, int], n: int) -> dict[int, int]:
    """Share n out in proportion to sizes: each gets its share rounded down or up, the largest remainders up first.

    Of 10 to sizes 50, 30, 21 the exact shares are 4.95, 2.97, 2.08: it is 5, 3, 2.
    """
    total = sum(sizes.values())
    shares = {band: n * size // total for band, size in sizes.items()}
    # In whole numbers: what rounding decides must not differ between machines.
    order = sorted(sizes, key=lambda band: (-(n * sizes[band] % total), band))
    for band in order[: n - sum(shares.values())]:
        shares[band] += 1
    return shares
