"""Draw of latents to rate: the same share of every combination of a low, middle or high score and density."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from inspect_autointerp.contexts.sampling import rng_of, stratified
from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.records import Explained

LEVELS = ("low", "middle", "high")


def scores_of(explained: Sequence[Explained]) -> list[str]:
    """Return the names of the scores that explanations have, in order of appearance."""
    return list(dict.fromkeys(name for one in explained for name in one.scores))


def strata(
    explained: Sequence[Explained], density: Mapping[str, float], by: str | None = None
) -> tuple[dict[str, tuple[int, int]], str | None]:
    """Return each latent's stratum: the third of the latents by score, and by density.

    Args:
        explained: The explanations.
        density: Share of windows on which a latent fires, by its id.
        by: The score, by its name or the part before the dot; the first that there is by default.

    Returns:
        By latent (score third, density third), 0 to 2; and the score's name. Where there is no score all latents are
        in the middle third of it, and the name is None. The score of a latent is the mean over its explanations.

    Raises:
        UserError: No explanation has that score.
    """
    names = scores_of(explained)
    chosen = next((name for name in names if by is None or by in (name, name.partition(".")[0])), None)
    if by is not None and chosen is None:
        raise UserError(f"--by {by}: no explanation has that score; there are {', '.join(names) or 'none'}")
    values: dict[str, list[float]] = {one.latent: [] for one in explained}
    for one in explained:
        if chosen in one.scores:
            values[one.latent].append(one.scores[chosen])
    latents = list(values)
    means = [float(np.mean(values[latent])) if values[latent] else math.nan for latent in latents]
    by_score = _thirds(means) if chosen else [1] * len(latents)
    by_density = _thirds([density[latent] for latent in latents])
    return dict(zip(latents, zip(by_score, by_density, strict=True), strict=True)), chosen


def draw(places: Mapping[str, tuple[int, int]], n: int, seed: int) -> list[str]:
    """Draw up to n latents, of every stratum as nearly the same number as there are latents.

    Args:
        places: By latent its stratum.
        n: How many.
        seed: Of the draw.
    """
    latents = sorted(places)
    numbers = [3 * places[latent][0] + places[latent][1] for latent in latents]
    return [latents[i] for i in sorted(stratified(numbers, n, rng_of(seed, "rate", "latents")))]


def _thirds(values: Sequence[float]) -> list[int]:
    """Return the third by rank of each value; an undefined one is in the middle."""
    numbers = np.array(values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(numbers))
    thirds = np.ones(len(numbers), dtype=np.int64)
    order = known[np.argsort(numbers[known], kind="stable")]
    thirds[order] = 3 * np.arange(len(order)) // max(1, len(order))
    return thirds.tolist()
