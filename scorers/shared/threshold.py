"""The probability from which a context counts as active, chosen on the explain split.

A grader that is asked for probabilities may be far too sure of one label, and then labels nearly everything alike at
one half, however well it ranks the contexts. Its threshold is chosen per latent, as the one with the highest balanced
accuracy on contexts of the explain split. No test context has a say in it. The explainer saw that split, too, so an
explanation that names what only these contexts share gets a threshold that fits the test contexts less well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.judge import Label
from inspect_autointerp.scorers.shared.ranking import UNDEFINED
from inspect_autointerp.scorers.shared.score import LatentTest

KEY = "threshold"
"""Name, in a score's metadata, of the facts about the threshold."""
_DECIMALS = 9
"""Decimals of a threshold: as many as those of probabilities in a log."""


@dataclass(frozen=True)
class Threshold:
    """A threshold, and what it rests on."""

    value: float = UNDEFINED
    """In [0, 1]; NaN where the contexts of one side are missing or unscored."""
    activating: int = 0
    random: int = 0
    """Scored contexts of the explain split."""

    @property
    def metadata(self) -> dict[str, Any]:
        """Return what the log keeps."""
        value = None if isnan(self.value) else self.value
        return {KEY: {"value": value, "activating": self.activating, "random": self.random}}

    def note(self, values: Mapping[str, float]) -> str:
        """Return a line for the report.

        Args:
            values: The latent's statistics.
        """
        at_half = f"Balanced accuracy {values['balanced_accuracy']:.3f} at P = 0.5"
        if isnan(self.value):
            return f"{at_half}; no threshold was chosen on the explain split.\n\n"
        return (
            f"{at_half}, {values['balanced_accuracy_tuned']:.3f} at P = {self.value:.3g}, which is best on"
            f" {self.activating} + {self.random} contexts of the explain split.\n\n"
        )


def tuning_contexts(test: LatentTest, n: int) -> list[Context]:
    """Return up to n activating contexts of the explain split, and as many random ones; none of n = 0."""
    if n == 0:
        return []
    contexts = LatentContexts(test.store, test.latent)
    return [*contexts.explain(n, test.seed), *contexts.contrastive(n, test.seed)]


def chosen_threshold(kinds: Sequence[str], labels: Sequence[Label]) -> Threshold:
    """Return the threshold with the highest balanced accuracy; of several, the middle one.

    Args:
        kinds: Kind of each context; `activating` and `random` count.
        labels: The grader's, with their probabilities; unscored ones do not count.
    """
    sides: dict[str, list[float]] = {"activating": [], "random": []}
    for kind, label in zip(kinds, labels, strict=True):
        if kind in sides and label.probability is not None:
            sides[kind].append(label.probability)
    positives, negatives = (np.sort(side) for side in sides.values())
    if not (len(positives) and len(negatives)):
        return Threshold(UNDEFINED, len(positives), len(negatives))
    values = np.unique([*positives, *negatives])
    candidates = np.array([0.0, *((values[1:] + values[:-1]) / 2), 1.0])
    tpr = 1 - np.searchsorted(positives, candidates, side="left") / len(positives)
    tnr = np.searchsorted(negatives, candidates, side="left") / len(negatives)
    best = np.flatnonzero(np.isclose(tpr + tnr, (tpr + tnr).max()))
    value = round(float(candidates[best[len(best) // 2]]), _DECIMALS)
    return Threshold(value, len(positives), len(negatives))
