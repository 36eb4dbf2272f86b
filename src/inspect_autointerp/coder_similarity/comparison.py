"""Two sites compared: their latents matched, and how alike the matches are, against floors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from inspect_autointerp.coder_similarity.coactivation import Coactivation, pool_activations, shared_windows
from inspect_autointerp.coder_similarity.cosine import Cosine
from inspect_autointerp.coder_similarity.explanation_similarity import Explained
from inspect_autointerp.coder_similarity.hookpoints import Site, why_apart
from inspect_autointerp.coder_similarity.matching import Pairs
from inspect_autointerp.coder_similarity.null_baseline import repaired
from inspect_autointerp.coder_similarity.progress import Progress, silent
from inspect_autointerp.errors import UserError
from inspect_autointerp.statistics.intervals import bootstrap_interval

Measure = Literal["cosine", "correlation", "explanations"]
By = Literal["cosine", "coactivation"]
_Made = TypeVar("_Made")
ALL_PAIRS = 1 << 24
"""Pairs of latents up to which all are looked at: 4,096 × 4,096."""
CANDIDATES = 32
"""Largest number of candidates for each latent, where there are more pairs than that."""
UNRELATED = 1 << 14
"""Latents that the floor of unrelated ones is of at most, on the side of fewer: all would take as long again."""


@dataclass(frozen=True)
class Estimate:
    """A mean over matched pairs; NaN of none, and its interval of fewer than two."""

    mean: float
    low: float
    high: float
    n: int
    """Pairs that it is the mean of."""
    share: float
    """Share of these at or above the threshold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Two sites, matched."""

    a: Site
    b: Site
    by: By
    candidates: int | None
    """Number of partners that were considered for each latent; None: all."""
    pairs: Pairs
    values: dict[Measure, np.ndarray]
    """Values of each pair by measure, float64 (pair,); NaN where undefined."""
    fires: tuple[np.ndarray, np.ndarray] | None
    """On how many tokens of the shared windows either latent fires, int64 (pair,); None without shared windows."""
    estimates: dict[Measure, Estimate]
    shuffled: dict[Measure, Estimate]
    """The same with the pairs' partners exchanged at random."""
    unrelated: Estimate | None
    """Result of matching unrelated latents, by the same measure: one side's windows are shuffled, or its directions
    rotated at random; on at most `UNRELATED` latents."""
    matchable: tuple[int, int]
    """Number of latents on either side for which the measure matched by is defined."""
    n_tokens: int
    """Number of tokens in the shared windows; 0 without any."""
    notes: list[str] = field(default_factory=list[str])
    """Values that are not known, and why."""

    @property
    def matched_by(self) -> Measure:
        """The measure whose sum the matching makes as large as can be."""
        return "cosine" if self.by == "cosine" else "correlation"


def compare(
    a: Site,
    b: Site,
    *,
    by: By | None = None,
    explained: Explained | None = None,
    candidates: int | None = None,
    min_fires: int = 10,
    threshold: float = 0.7,
    unrelated: bool = True,
    seed: int = 0,
    progress: Progress = silent,
) -> Comparison:
    """Match the latents of two sites one to one, so that the sum of what they are matched by is as large as can be.

    Args:
        a: One site.
        b: The other.
        by: What to match by; by default cosines where the two have them, else co-activation.
        explained: Their explanations, if there are any.
        candidates: Of each latent the partners to consider; by default all up to `ALL_PAIRS`, then `CANDIDATES`.
        min_fires: A latent that fires on fewer of the shared tokens has no correlation.
        threshold: What shares of matches are counted above.
        unrelated: Match unrelated ones too, which takes up to the same time again.
        seed: Of the floors.
        progress: Is told how far it is.

    Raises:
        UserError: There is nothing to match by, or not what was asked for.
    """
    notes: list[str] = []
    cosine = _or_note(lambda: _cosine(a, b), notes, needed=by == "cosine")
    together = _or_note(lambda: _coactivation(a, b, min_fires), notes, needed=by == "coactivation")
    matcher = together if by == "coactivation" else cosine or together
    if matcher is None:
        raise UserError(f"{a.hookpoint} and {b.hookpoint} cannot be compared: {'; '.join(notes)}")
    k = candidates or (None if a.width * b.width <= ALL_PAIRS else CANDIDATES)
    rng = np.random.default_rng(seed)
    pairs = matcher.match(k, progress)
    chance = None
    if unrelated:
        other = matcher.unrelated(rng, UNRELATED)
        chance = estimate(other.of(*other.match(k, lambda what: progress(f"unrelated, {what}"))), threshold)
    measures: dict[Measure, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {}
    if cosine:
        measures["cosine"] = cosine.of
    if together:
        measures["correlation"] = together.of
    if explained:
        measures["explanations"] = explained.of
    values: dict[Measure, np.ndarray] = {name: similarity(*pairs) for name, similarity in measures.items()}
    shuffled: dict[Measure, Estimate] = {}
    for name, similarity in measures.items():
        known = [side[np.isfinite(values[name])] for side in pairs]
        first, second = repaired(len(known[0]), rng)
        shuffled[name] = estimate(similarity(known[0][first], known[1][second]), threshold)
    estimates: dict[Measure, Estimate] = {
        name: estimate(similarities, threshold) for name, similarities in values.items()
    }
    fires = [of_latent[side] for of_latent, side in zip(together.fires, pairs, strict=True)] if together else None
    return Comparison(
        a=a,
        b=b,
        by="cosine" if matcher is cosine else "coactivation",
        candidates=k,
        pairs=pairs,
        values=values,
        fires=(fires[0], fires[1]) if fires else None,
        estimates=estimates,
        shuffled=shuffled,
        unrelated=chance,
        matchable=(int(matcher.known[0].sum()), int(matcher.known[1].sum())),
        n_tokens=together.n_tokens if together else 0,
        notes=notes,
    )


def estimate(values: np.ndarray, threshold: float) -> Estimate:
    """The mean of the values that are known, with its 95 % interval, and the share at or above a threshold."""
    known = values[np.isfinite(values)]
    low, high = bootstrap_interval(known.tolist())
    mean, share = (float(known.mean()), float((known >= threshold).mean())) if len(known) else (np.nan, np.nan)
    return Estimate(mean, low, high, len(known), share)


def _cosine(a: Site, b: Site) -> Cosine:
    if why := why_apart(a, b):
        raise UserError(f"no cosines: {why}")
    one, other = a.decoder(), b.decoder()
    if one is None or other is None:
        which = a if one is None else b
        raise UserError(f"no cosines: the latents of {which.hookpoint} ({which.coder}) have no directions")
    if one.shape[1] != other.shape[1]:
        raise UserError(f"no cosines: directions have {one.shape[1]} and {other.shape[1]} dimensions")
    return Cosine(one, other)


def _coactivation(a: Site, b: Site, min_fires: int) -> Coactivation:
    windows = shared_windows(a.store, b.store)
    one, other = (pool_activations(site.store, site.hookpoint, windows) for site in (a, b))
    return Coactivation(one, other, a.store.settings.window, min_fires)


def _or_note(make: Callable[[], _Made], notes: list[str], *, needed: bool) -> _Made | None:
    """Return what is made; or None with a note of why, unless it was asked for."""
    try:
        return make()
    except UserError as error:
        if needed:
            raise
        notes.append(str(error))
        return None
