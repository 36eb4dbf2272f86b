"""Variance of a score between latents and within one, from finished logs: what decides how many of which one needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

import numpy as np

from inspect_autointerp.cost.pilot import Right, right_labels
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.load.log_entry import Entry, read_entries
from inspect_autointerp.leaderboard.load.log_values import log_values
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.shared.stopping import LABELLED


@dataclass(frozen=True)
class Components:
    """Variance of a score's headline."""

    between: float
    """Variance of the true values of latents."""
    within: float
    """Variance of one latent's value, times the contexts of each kind that it is from; NaN where no contexts are
    labelled one by one. `between` is then the variance of values as they are."""
    mean: float
    """Mean over latents."""
    source: str
    """Logs that these are from, for the reader."""

    def variance(self, contexts: int) -> float:
        """Return the variance of a latent's value from so many activating contexts, and as many random ones."""
        return self.between + (0.0 if np.isnan(self.within) else self.within / contexts)

    def latents(self, half_width: float, contexts: int) -> int:
        """Return how many latents give the mean's 95 % interval this half-width."""
        return max(2, int(np.ceil((1.959964 / half_width) ** 2 * self.variance(contexts) - 1e-9)))


_SMOLLM2 = "logs/smollm2 of the repository (SmolLM2-135M, SAEs at layers 12 and 20, the lexical baseline)"
PUBLISHED = {
    "detection": Components(0.0101, 0.0556, 0.620, _SMOLLM2),
    "fuzzing": Components(0.0164, 0.0429, 0.663, _SMOLLM2),
    "simulation": Components(0.0583, nan, 0.436, _SMOLLM2),
    "embedding": Components(0.0073, nan, 0.584, _SMOLLM2),
}
"""Used where no logs are given: by score. A language model's may differ, so give a pilot's logs where there are any."""


def components(score: str, folder: str | None) -> Components:
    """Return a score's variances, from the logs in a folder or else the published ones.

    Args:
        score: Its name in `SCORES`.
        folder: Folder with logs; floors among them do not count, if there are others.

    Raises:
        UserError: There are no finished logs of this score, or no published figures.
    """
    if folder is None:
        if score not in PUBLISHED:
            known = ", ".join(PUBLISHED)
            raise UserError(f"there are no published variances of {score}, only of {known}; give --from LOGDIR")
        return PUBLISHED[score]
    entries = list(pilots(score, folder))
    parts = [_of_labels(right_labels(entry.path, entry.scorer)) if score in LABELLED else _of_values(entry)
             for entry in entries]  # fmt: skip
    between, within, mean = (float(np.mean([part[i] for part in parts])) for i in range(3))
    return Components(between, within, mean, f"{len(entries)} log{'s' * (len(entries) > 1)} in {folder}")


def pilots(score: str, folder: str) -> Iterator[Entry]:
    """Yield the finished entries of a score in a folder: those that are no floors, if there are any.

    Raises:
        UserError: There are none.
    """
    entries = [entry for entry in read_entries(folder) if entry.setting.score == score and entry.problem is None]
    if not entries:
        raise UserError(
            f"--from {folder}: it holds no finished log of {score}; to write one: inspect eval tasks/{score}.py"
        )
    yield from [entry for entry in entries if not entry.floor] or entries


def _of_labels(labels: Right) -> tuple[float, float, float]:
    """Return the variance between latents, that within one times the contexts of a kind, and the mean."""
    values: list[float] = []
    errors: list[float] = []
    within: list[float] = []
    for sides in labels.values():
        if min(map(len, sides)) < 2:
            continue
        variances = [side.mean() * (1 - side.mean()) * len(side) / (len(side) - 1) for side in sides]
        values.append(sum(side.mean() for side in sides) / 2)
        errors.append(sum(variance / len(side) for variance, side in zip(variances, sides, strict=True)) / 4)
        within.append(sum(variances) / 4)
    if len(values) < 2:
        raise UserError("variances need at least two latents with two contexts of each kind")
    between = float(np.var(values, ddof=1)) - float(np.mean(errors))
    return max(0.0, between), float(np.mean(within)), float(np.mean(values))


def _of_values(entry: Entry) -> tuple[float, float, float]:
    column = f"{entry.scorer}/{SCORES[entry.setting.score].headline}"
    values = log_values(entry.path, lambda name: name == column)[column].to_numpy(dtype=np.float64)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        raise UserError(f"{entry.path}: variances need at least two latents with a value")
    return float(np.var(values, ddof=1)), nan, float(values.mean())
