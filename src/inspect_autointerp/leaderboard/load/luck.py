"""Smallest differences that are not luck, from the file of a stability study.

A file is given with `--luck`. The package holds one for its own store (`builtin/smollm2/stability.json`), which counts
for tables over that store by the same grader.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.statistics.reliability import smallest_difference
from inspect_autointerp.statistics.variance_components import SOURCES
from inspect_autointerp.statistics.variance_draws import not_below_zero

_NO_GRADER = ("none", "TF-IDF")
"""Beginnings of a table's grader where no model grades."""


@dataclass(frozen=True)
class Luck:
    """Variance components of paired differences between explainers, by score and number of contexts."""

    name: str
    """Source of the components, in words for a note."""
    store: str
    graders: tuple[str, ...]
    parts: Mapping[str, Mapping[int, Mapping[str, float]]]
    """By score, contexts per latent and source."""

    def smallest(self, score: str, latents: int, contexts: int | None, spread: float = 0.0) -> float | None:
        """Return the smallest difference of two means that is not luck; None where the study lacks the score.

        Args:
            score: Name of the score.
            latents: Latents that the means are over.
            contexts: Test contexts per latent; None where the score has no such number.
            spread: Variance over latents of the paired differences at hand, see `smallest_difference`.
        """
        measured = self.parts.get(score)
        if not measured or latents < 1:
            return None
        wanted = contexts or min(measured)
        nearest = max((n for n in measured if n <= wanted), default=min(measured))
        return smallest_difference(measured[nearest], latents, wanted / nearest, spread=spread)

    def is_of(self, store: str, grader: str) -> bool:
        """Return whether a table is over the study's store, by one of its graders."""
        known = any(name and grader.startswith(name) for name in (*self.graders, *_NO_GRADER))
        return store.partition("/")[0] == self.store and known


def read_luck(path: Path) -> Luck:
    """Read the file that `autointerp study stability --json` wrote.

    Raises:
        UserError: It cannot be read, or is no such file.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())})") from error
    return _luck(told, str(path))


def packaged_luck() -> Luck | None:
    """Return what the package says of its own store; None where an installation lacks the file."""
    path = files("inspect_autointerp.builtin.smollm2") / "stability.json"
    try:
        return _luck(json.loads(path.read_text(encoding="utf-8")), "the package's study of its own store")
    except (OSError, ValueError):
        return None


def _luck(told: Any, name: str) -> Luck:
    parts: dict[str, dict[int, dict[str, float]]] = {}
    try:
        if told["study"] != "stability" or told["version"] != 1:
            raise ValueError
        for row in told["differences"]:
            variances = {source: float(part["variance"]) for source, part in row["components"].items()}
            if not variances.keys() <= SOURCES.keys():
                raise ValueError
            parts.setdefault(str(row["score"]), {})[int(row["contexts"])] = not_below_zero(variances)
        luck = Luck(name, str(told["store"]), tuple(map(str, told["graders"])), parts)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UserError(f"{name}: not a file of `autointerp study stability --json`; write it with that") from error
    if not parts:
        raise UserError(
            f"{name}: the study had one explainer, so it says nothing of differences; repeat it with two --model or"
            " two --sampling"
        )
    return luck
