"""Graders compared on the contexts that several of them judged: agreement, error rates, and the aggregate's score.

Intervals are 95 %: percentiles of bootstrap resamples of latents, so that all contexts of a latent are drawn together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.leaderboard.load.judgements import PEOPLE, Explained, Group, Judgements, Labels
from inspect_autointerp.ratings.agreement import krippendorff
from inspect_autointerp.statistics.dawid_skene import Consensus, dawid_skene
from inspect_autointerp.statistics.estimates import Estimate
from inspect_autointerp.statistics.intervals import bootstrap_interval

RESAMPLES = 200
AGGREGATE = "aggregate"
"""The name of the row of the graders' aggregate."""
_LEAST = 4
"""Latents that an interval takes."""
_NONE = Estimate(float("nan"), float("nan"), float("nan"), 0)


@dataclass(frozen=True, kw_only=True)
class GraderRow:
    """One grader, or the aggregate, on the contexts that two graders or more were asked about."""

    name: str
    contexts: int
    """Contexts that it was asked about, each explanation counted by itself."""
    latents: int
    unscored: float
    """Share of them without a label of this grader."""
    balanced_accuracy: Estimate
    """Balanced accuracy of activating against random contexts: how well the explanations did, mean over latents."""
    misses: Estimate
    """Share of contexts that it labels 0 where the graders have 1 in common; NaN with fewer than three graders."""
    false_alarms: Estimate
    """Share of contexts that it labels 1 where the graders have 0 in common."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two graders on the contexts that both labelled."""

    first: str
    second: str
    contexts: int
    alpha: Estimate
    """Krippendorff's; `n` is the number of contexts."""
    same: float
    """Share of these contexts with the same label."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All graders of one group."""

    group: Group
    rows: list[GraderRow]
    """Graders in order of their names, then people, then the aggregate of the graders."""
    pairs: list[Pair]
    alpha: Estimate
    """Krippendorff's of all graders that are models; `n` is the number of contexts that two or more labelled."""


def compare_graders(judgements: Judgements, seed: int = 0) -> list[Comparison]:
    """Compare the graders of each group; a group without a context that two graders judged is left out.

    Args:
        judgements: By group, explanation and grader. Graders whose name begins with `people` are people: they are
            compared with the others, and have no part in the aggregate.
        seed: Of the bootstrap.
    """
    made = [_compared(group, of_group, seed) for group, of_group in judgements.items()]
    return [one for one in made if one is not None]


def _compared(group: Group, of_group: dict[Explained, dict[str, Labels]], seed: int) -> Comparison | None:
    names = sorted({name for graders in of_group.values() for name in graders}, key=lambda n: (n.startswith(PEOPLE), n))
    table = _table(of_group, names)
    if table is None:
        return None
    labels, asked, truths, clusters, questions = table
    models = [number for number, name in enumerate(names) if not name.startswith(PEOPLE)]
    weights = _weights(clusters, seed)
    consensus, rates = _consensus(labels[:, models], clusters, weights)
    rows: list[GraderRow] = []
    for number, name in enumerate(names):
        of_model = models.index(number) if number in models else None
        own = [_NONE, _NONE] if of_model is None else [rate[of_model] for rate in rates]
        rows.append(_row(name, labels[:, number], asked[:, number], truths, clusters, questions, own))
    if len(models) > 1:
        everywhere = np.logical_or.reduce(asked[:, models], axis=1)
        rows.append(_row(AGGREGATE, consensus.label, everywhere, truths, clusters, questions, [_NONE, _NONE]))
    pairs = [_pair(names, i, j, labels, clusters, weights) for i, j in combinations(range(len(names)), 2)]
    alpha = alpha_of(labels[:, models], clusters, weights)
    return Comparison(group=group, rows=rows, pairs=[pair for pair in pairs if pair.contexts], alpha=alpha)


def _table(
    of_group: dict[Explained, dict[str, Labels]], names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Return a row per context that two graders or more were asked about; None where there is none.

    Returns:
        Labels, float (row, grader), and who was asked, bool (row, grader); truths, float (row,); the number of each
        row's latent, and of its explanation, int (row,).
    """
    latents = {latent: number for number, latent in enumerate(dict.fromkeys(one.latent for one in of_group))}
    place = {name: number for number, name in enumerate(names)}
    parts: list[tuple[np.ndarray, ...]] = []
    for question, (explained, graders) in enumerate(of_group.items()):
        if len(graders) < 2:
            continue
        units = np.unique(np.concatenate([one.units for one in graders.values()]))
        labels = np.full((len(units), len(names)), np.nan)
        asked = np.zeros((len(units), len(names)), dtype=bool)
        truths = np.full(len(units), np.nan)
        for name, one in graders.items():
            at = np.searchsorted(units, one.units)
            labels[at, place[name]], asked[at, place[name]], truths[at] = one.labels, True, one.truths
        kept = asked.sum(axis=1) >= 2
        n = int(kept.sum())
        parts.append(
            (labels[kept], asked[kept], truths[kept], np.full(n, latents[explained.latent]), np.full(n, question))
        )
    if not parts or not sum(len(part[0]) for part in parts):
        return None
    labels, asked, truths, clusters, questions = (np.concatenate(column) for column in zip(*parts, strict=True))
    return labels, asked, truths, np.unique(clusters, return_inverse=True)[1], questions


def _weights(clusters: np.ndarray, seed: int) -> np.ndarray:
    """Return how often each latent is in each resample, float64 (resample, latent)."""
    n = int(clusters.max()) + 1
    return rng_of(seed, "graders").multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)


def _consensus(
    labels: np.ndarray, clusters: np.ndarray, weights: np.ndarray
) -> tuple[Consensus, tuple[list[Estimate], list[Estimate]]]:
    """Return the graders' consensus, and the estimates of misses and of false alarms by grader."""
    consensus = dawid_skene(labels)
    patterns, which = np.unique(np.where(np.isnan(labels), 2, labels), axis=0, return_inverse=True)
    patterns = np.where(patterns == 2, np.nan, patterns)
    counts = np.zeros((int(clusters.max()) + 1, len(patterns)))
    np.add.at(counts, (clusters, which.ravel()), 1)
    known = not np.isnan(consensus.misses).all() and len(counts) >= _LEAST
    drawn = [dawid_skene(patterns, weight @ counts) for weight in weights] if known else []
    estimates: list[list[Estimate]] = []
    for name in ("misses", "false_alarms"):
        values = getattr(consensus, name)
        resampled = np.array([getattr(one, name) for one in drawn]).reshape(-1, labels.shape[1])
        n = (~np.isnan(labels)).sum(axis=0)
        estimates.append([_estimate(values[i], resampled[:, i], int(n[i])) for i in range(labels.shape[1])])
    return consensus, (estimates[0], estimates[1])


def _estimate(value: float, drawn: np.ndarray, n: int) -> Estimate:
    drawn = drawn[~np.isnan(drawn)]
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) > RESAMPLES / 2 else (np.nan, np.nan)
    return Estimate(float(value), float(low), float(high), n)


def _row(
    name: str,
    labels: np.ndarray,
    asked: np.ndarray,
    truths: np.ndarray,
    clusters: np.ndarray,
    questions: np.ndarray,
    rates: Sequence[Estimate],
) -> GraderRow:
    known = asked & ~np.isnan(labels)
    return GraderRow(
        name=name,
        contexts=int(asked.sum()),
        latents=len(np.unique(clusters[asked])),
        unscored=1 - float(known.sum()) / float(asked.sum()) if asked.any() else float("nan"),
        balanced_accuracy=_accuracy(labels[known], truths[known], clusters[known], questions[known]),
        misses=rates[0],
        false_alarms=rates[1],
    )


def _accuracy(labels: np.ndarray, truths: np.ndarray, clusters: np.ndarray, questions: np.ndarray) -> Estimate:
    """Return the mean over latents of the balanced accuracy of their explanations."""
    of_latent: dict[int, list[float]] = {}
    for question in np.unique(questions):
        here = questions == question
        ones, zeros = labels[here & (truths == 1)], labels[here & (truths == 0)]
        if len(ones) and len(zeros):
            value = (float(ones.mean()) + 1 - float(zeros.mean())) / 2
            of_latent.setdefault(int(clusters[here][0]), []).append(value)
    means = [float(np.mean(values)) for values in of_latent.values()]
    return Estimate(float(np.mean(means)) if means else float("nan"), *bootstrap_interval(means), n=len(means))


def _pair(names: Sequence[str], i: int, j: int, labels: np.ndarray, clusters: np.ndarray, weights: np.ndarray) -> Pair:
    both = labels[:, [i, j]]
    known = ~np.isnan(both).any(axis=1)
    same = float((both[known, 0] == both[known, 1]).mean()) if known.any() else float("nan")
    alpha = alpha_of(both[known], clusters[known], weights)
    return Pair(first=names[i], second=names[j], contexts=int(known.sum()), alpha=alpha, same=same)


def alpha_of(labels: np.ndarray, clusters: np.ndarray, weights: np.ndarray) -> Estimate:
    """Compute Krippendorff's alpha of binary labels: Inspect's value, and an interval over latents.

    Args:
        labels: float (context, grader), NaN where there is none.
        clusters: int (context,): the number of each context's latent.
        weights: float (resample, latent): how often each latent is drawn.
    """
    known = ~np.isnan(labels)
    several = known.sum(axis=1) >= 2
    units = [row[there].tolist() for row, there in zip(labels[several], known[several], strict=True)]
    value = krippendorff(units, "nominal")
    ones = np.nansum(labels[several], axis=1)
    total = known[several].sum(axis=1)
    parts = np.stack([2 * ones * (total - ones) / np.maximum(total - 1, 1), ones, total])
    sums = np.zeros((weights.shape[1], 3))
    np.add.at(sums, clusters[several], parts.T)
    several_latents = len(np.unique(clusters[several])) >= _LEAST
    drawn: list[float] = [_alpha(*row) for row in weights @ sums] if several_latents else []
    return _estimate(value, np.asarray(drawn, dtype=np.float64), int(several.sum()))


def _alpha(disagreement: float, ones: float, total: float) -> float:
    """Return alpha from sums over contexts: of observed disagreement, of labels 1, and of labels."""
    expected = 2 * ones * (total - ones)
    return 1 - (total - 1) * disagreement / expected if expected > 0 else float("nan")
