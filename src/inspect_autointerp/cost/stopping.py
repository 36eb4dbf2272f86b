"""Calls of an evaluation that stops by a rule: what share of the contexts is graded, and of the latents evaluated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import cast

import numpy as np

from inspect_autointerp.cost.estimate import Estimate, Row
from inspect_autointerp.cost.pilot import right_labels
from inspect_autointerp.cost.variances import components, pilots
from inspect_autointerp.errors import UserError
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.shared.stopping import CALLS, LABELLED
from inspect_autointerp.statistics.confidence_sequences import mean_bounds
from inspect_autointerp.statistics.stop_rule import StopRule
from inspect_autointerp.statistics.stopped_runs import drawn_runs, stopped_runs
from inspect_autointerp.text.plural import plural

ACCURACY = 0.75
"""Assumed of a grader where nothing is known: about the median of arXiv 2410.13928 in detection, 0.74."""
_RUNS = 400
_MEAN_RUNS = 40


@dataclass(frozen=True, kw_only=True)
class Stops:
    """Rules that an evaluation is planned with, and what is known of its grader."""

    stop: StopRule | None
    stop_mean: StopRule | None
    accuracy: float | None
    """Assumed of every latent, on activating and on random contexts alike; None to read logs or take `ACCURACY`."""
    logs: str | None
    """Folder with logs of a pilot."""
    seed: int
    """Random seed of the simulation."""


def shortened(estimate: Estimate, stops: Stops, scores: Sequence[str], options: Mapping[str, object]) -> tuple[
    Estimate, list[str]
]:  # fmt: skip
    """Return an estimate of what is asked until the rules stop it, and sentences about that.

    Args:
        estimate: What is asked without a rule.
        stops: The rules.
        scores: Names of the scores, the log's headline first.
        options: The task's options.

    Raises:
        UserError: A rule's effect cannot be foretold.
    """
    notes: list[str] = []
    if stops.stop is not None:
        for score in (score for score in scores if score in LABELLED):
            share, source = _graded(score, stops, options)
            estimate = replace(estimate, rows=tuple(
                _scaled(row, share) if row.purpose == score and row.role == "grader" else row for row in estimate.rows
            ))  # fmt: skip
            notes.append(f"stop={stops.stop}: {100 * share:.0f} % of the contexts of {score} are graded ({source}).")
    if stops.stop_mean is not None:
        share, source = _evaluated(scores[0], stops, estimate.latents)
        latents = max(1, round(share * estimate.latents))
        notes.append(
            f"stop_mean={stops.stop_mean}: {latents:,} of {estimate.latents:,} latents are evaluated ({source}), and"
            " those that are under way when it stops (--max-samples)."
        )
        estimate = replace(estimate, latents=latents)
    return estimate, notes


def _graded(score: str, stops: Stops, options: Mapping[str, object]) -> tuple[float, str]:
    """Return the share of contexts that are graded, and where that is from."""
    assert stops.stop is not None
    numbers = _numbers(score, options)
    pairs = min(numbers["activating"], numbers["random"])
    rng = np.random.default_rng(stops.seed)
    rates = np.full((_RUNS, 2), ACCURACY if stops.accuracy is None else stops.accuracy)
    source = f"if the grader is right on {100 * rates[0, 0]:.3g} % of both kinds"
    if stops.logs is not None and stops.accuracy is None:
        known = [
            [side.mean() for side in sides]
            for entry in pilots(score, stops.logs)
            for sides in right_labels(entry.path, entry.scorer).values()
        ]
        rates = np.array(known)[rng.integers(0, len(known), _RUNS)]
        source = f"by the accuracies of {plural(len(known), 'latent')} in {stops.logs}"
    elif stops.accuracy is None:
        source += "; --from LOGDIR takes a pilot's accuracies"
    per_batch = CALLS * _integer(options, "texts_per_call", 5) * pairs / sum(numbers.values())
    [runs] = stopped_runs([stops.stop], *drawn_runs(rates[:, 0], rates[:, 1], pairs, rng), max(1, round(per_batch)))
    least = _integer(options, "min_contexts", 20)
    hard = [n for kind, n in numbers.items() if kind not in ("activating", "random") and n >= least]
    floor = max((least / n for n in hard), default=0.0)
    return float(np.maximum(runs.pairs / pairs, floor).mean()), source


def _numbers(score: str, options: Mapping[str, object]) -> dict[str, int]:
    """Return the contexts of each kind."""
    each = _integer(options, "test_nonactivating", 100)
    given = options.get("negatives") or "random"
    kinds = given.split(",") if isinstance(given, str) else [str(kind) for kind in cast("Iterable[object]", given)]
    numbers = {"activating": _integer(options, "test_activating", 100), "random": each}
    numbers |= {kind.strip(): each for kind in kinds if kind.strip() != "random"}
    if score == "fuzzing" and (wrong := _integer(options, "test_mismarked", 50)):
        numbers["mismarked"] = wrong
    return numbers


def _evaluated(score: str, stops: Stops, latents: int) -> tuple[float, str]:
    """Return the share of latents that are evaluated, and where that is from."""
    rule = stops.stop_mean
    assert rule is not None
    if rule.differs_from:
        raise UserError("stop_mean=differs_from:…: nothing tells beforehand how soon explainers differ; leave it out")
    least, most = SCORES[score].bounds
    if not isfinite(most - least):
        raise UserError(f"stop_mean={rule}: the {SCORES[score].headline} of {score} has no bounds; leave it out")
    known = components(score, stops.logs)
    mean, deviation = known.mean, known.variance(100) ** 0.5
    rng = np.random.default_rng(stops.seed)
    values = np.clip(rng.normal(mean, deviation, (_MEAN_RUNS, latents)), least, most)
    shares = mean_bounds((values - least) / (most - least), latents, rule.level)
    low, high = (least + (most - least) * bound for bound in shares)
    done = np.array([[rule.reached(*bounds) is not None for bounds in zip(*run, strict=True)]
                     for run in zip(low, high, strict=True)])  # fmt: skip
    done[:, -1] = True
    source = f"values with mean {mean:.2f} and standard deviation {deviation:.2f}, from {known.source}"
    return float((done.argmax(axis=1) + 1).mean()) / latents, source


def _scaled(row: Row, share: float) -> Row:
    parts = {name: round(getattr(row, name) * share) for name in ("calls", "input", "constant", "output")}
    return replace(row, **parts)


def _integer(options: Mapping[str, object], name: str, default: int) -> int:
    value = options.get(name)
    return value if isinstance(value, int) else default
