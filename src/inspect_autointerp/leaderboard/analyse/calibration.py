"""Calibration of graders: how often a label is right that was given with a certain probability, from the verdicts.

For detection and fuzzing, the event is that the latent is active in a context (or the marks are right), among
activating and random contexts; for intruder, that a text is the intruder. Harder kinds of negatives do not count. Half
of the contexts are activating by design, or a fifth of the texts intruders, so this is calibration at that base rate
and not at the natural one.
"""

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from inspect_autointerp.inspect_support.log_samples import read_header, read_samples
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.statistics.intervals import bootstrap_interval

BINS = 10
"""Bins of equal width."""
_EVENTS = {"activating": 1, "random": 0, "intruder": 1}


@dataclass(frozen=True)
class Bin:
    """Contexts whose probability is in one range."""

    contexts: int
    probability: float
    """Their mean probability; NaN of none."""
    share: float
    """Share of them in which the event is true; NaN of none."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of one evaluation's grader."""

    entry: int
    """Number of the entry in `Results.entries`."""
    contexts: int
    latents: int
    brier: float
    """Mean over latents of the mean squared difference between probability and truth, in [0, 1]."""
    low: float
    high: float
    """95 % interval of that mean."""
    base: float
    """The Brier score of whoever says the base rate each time: with half of the contexts activating 0.25."""
    error: float
    """Expected calibration error: the mean distance between a bin's `probability` and `share`, weighted by contexts."""
    bins: tuple[Bin, ...]


def calibrations(results: Results) -> list[Calibration]:
    """Return the calibration of every entry whose verdicts have probabilities; all samples of the logs are read.

    Args:
        results: The entries, those that compare with no other included (`read_results(…, alone=True)`).

    Raises:
        UserError: A log cannot be read, or holds verdicts that are none.
    """
    by_log: dict[str, dict[int, dict[str, Any]]] = {}
    for number, row in results.entries.iterrows():
        by_log.setdefault(row["log"], {})[int(str(number))] = {str(name): value for name, value in row.items()}
    computed: dict[int, Calibration] = {}
    for log, entries in by_log.items():
        latents: dict[int, list[np.ndarray]] = {number: [] for number in entries}
        for one in results.logs_of(log):
            for sample in read_samples(one, read_header(one)):
                for number, entry in entries.items():
                    score = (sample.scores or {}).get(entry["scorer"])
                    if score is not None:
                        where = f"{one}: the verdicts of {entry['scorer']} of {sample.id}"
                        latents[number].append(known_pairs(recorded_verdicts(score.metadata, where)))
        for number, pairs in latents.items():
            if any(len(own) for own in pairs):
                computed[number] = calibration(number, pairs)
    return [computed[number] for number in sorted(computed)]


def known_pairs(verdicts: list[Verdict]) -> np.ndarray:
    """Return probability and truth of the verdicts that have both, float64 (verdict, 2)."""
    intruders = any(verdict.kind == "intruder" for verdict in verdicts)
    rows = [
        (verdict.probability, (verdict.kind == "intruder") if intruders else _EVENTS[verdict.kind])
        for verdict in verdicts
        if verdict.probability is not None and verdict.kind in _EVENTS
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def calibration(entry: int, latents: list[np.ndarray]) -> Calibration:
    """Return the calibration of one evaluation.

    Args:
        entry: Its number.
        latents: Of each latent, see `known_pairs`. Some of them have contexts.
    """
    latents = [pairs for pairs in latents if len(pairs)]
    scores = [float(((pairs[:, 0] - pairs[:, 1]) ** 2).mean()) for pairs in latents]
    low, high = bootstrap_interval(scores)
    probability, truth = np.concatenate(latents).T
    number = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    bins: list[Bin] = []
    for i in range(BINS):
        inside = number == i
        n = int(inside.sum())
        bins.append(Bin(n, *(float(side[inside].mean()) if n else nan for side in (probability, truth))))
    distances = [one.contexts * abs(one.probability - one.share) for one in bins if one.contexts]
    base = float(truth.mean() * (1 - truth.mean()))
    n = len(truth)
    return Calibration(entry, n, len(latents), float(np.mean(scores)), low, high, base, sum(distances) / n, tuple(bins))
