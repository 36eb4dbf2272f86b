"""The 95 % interval of a mean over latents where documents count as drawn at random too, not only latents.

Contexts of different latents can come from the same documents, so latents are not independent, and the interval over
latents is too narrow where documents matter. This is the pigeonhole bootstrap (Owen, "The pigeonhole bootstrap", Annals
of Applied Statistics 1, 2007): latents and documents are drawn with replacement, independently of each other, and a
verdict counts as often as its latent was drawn times as often as its document was. Its variance is, if anything, too
large: that of single verdicts is in it about three times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from inspect_ai.log import EvalSample

from inspect_autointerp.contexts.negatives import POPULATION
from inspect_autointerp.inspect_support.log_samples import read_header, read_samples
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.scorers.shared.classification import classification_statistics
from inspect_autointerp.scorers.shared.ranking import ranking_statistics
from inspect_autointerp.scorers.shared.specs import SCORES

RESAMPLES = 1000
COLUMNS = ("document_low", "document_high")
_CELLS = 10_000_000
"""Weights of documents that are in memory at once."""


@dataclass(frozen=True)
class Judged:
    """The verdicts of one score that its headline rests on: on activating and on random or importance contexts."""

    latent: np.ndarray
    """int64 (verdict,): the latent's number, from 0; in order."""
    document: np.ndarray
    """int64 (verdict,): the document's number, from 0."""
    activating: np.ndarray
    """bool (verdict,): whether the context is activating."""
    value: np.ndarray
    """float64 (verdict,): the label, or what contexts are ranked by."""
    ranked: bool
    """True if the headline is the AUROC of the values; else the balanced accuracy of the labels."""
    weight: np.ndarray | None = None
    """float64 (verdict,): the weights of importance-sampled contexts, 1 of others; None where all count alike."""

    @staticmethod
    def from_verdicts(by_latent: Sequence[Sequence[Verdict]], ranked: bool) -> "Judged | None":
        """Return the scored verdicts of latents on which the headline is defined; None if one names no document."""
        rows: list[tuple[int, int, bool, float, float]] = []
        n_latents = 0
        for verdicts in by_latent:
            scored = [
                (verdict, value)
                for verdict in verdicts
                if verdict.kind in ("activating", *POPULATION)
                and (value := verdict.value if ranked else verdict.label) is not None
            ]
            if len({verdict.kind for verdict, _ in scored}) < 2:
                continue
            for verdict, value in scored:
                if verdict.document is None:
                    return None
                weight = 1.0 if verdict.weight is None else verdict.weight
                rows.append((n_latents, verdict.document, verdict.kind == "activating", value, weight))
            n_latents += 1
        latent, document, activating, value, weight = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        _, numbers = np.unique(np.array(document, dtype=np.int64), return_inverse=True)
        latents, kinds = np.array(latent, dtype=np.int64), np.array(activating, dtype=bool)
        weights = np.array(weight, dtype=np.float64)
        return Judged(latents, numbers, kinds, np.array(value, dtype=np.float64), ranked, weights)


def document_intervals(results: Results, seed: int = 0, resamples: int = RESAMPLES) -> pd.DataFrame:
    """Return the interval of each entry's headline; every sample of every log is read.

    Args:
        results: The entries.
        seed: Random seed of the draws; the same for each entry.
        resamples: How often to draw.

    Returns:
        A row per entry, with the index of `results.entries`: `document_low`, `document_high`, float64. They are NaN
        where the headline is no balanced accuracy of labels and no AUROC of ranked values, and without verdicts.

    Raises:
        UserError: A log cannot be read, or holds verdicts that cannot be.
    """
    bounds = pd.DataFrame(np.nan, index=results.entries.index, columns=list(COLUMNS))
    for log, entries in results.entries.groupby("log", sort=False):
        ranked = {str(row["scorer"]): _is_ranked(str(row["scorer"])) for _, row in entries.iterrows()}
        wanted = [scorer for scorer, by_rank in ranked.items() if by_rank is not None]
        by_score: dict[str, dict[str, list[Verdict]]] = {scorer: {} for scorer in wanted}
        for path, sample in _samples(results.logs_of(str(log)) if wanted else ()):
            for scorer in wanted:
                score = (sample.scores or {}).get(scorer)
                where = f"{path}: the verdicts of {scorer} of {sample.id}"
                verdicts = recorded_verdicts(score.metadata if score else None, where)
                by_score[scorer].setdefault(str(sample.id), []).extend(verdicts)
        for entry, row in entries.iterrows():
            if row["scorer"] in by_score:
                judged = Judged.from_verdicts(list(by_score[row["scorer"]].values()), bool(ranked[row["scorer"]]))
                if judged is not None:
                    bounds.loc[entry, list(COLUMNS)] = document_interval(judged, seed, resamples)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return bounds


def document_interval(
    judged: Judged, seed: int = 0, resamples: int = RESAMPLES, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of the mean headline over latents; (NaN, NaN) of fewer than two latents."""
    means = resampled_means(judged, seed, resamples)
    means = means[~np.isnan(means)]
    if not len(means):
        return float("nan"), float("nan")
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_means(judged: Judged, seed: int, resamples: int) -> np.ndarray:
    """Return the mean headline over latents in each resample, float64 (resample,).

    Within a latent its own weight cancels, so a latent's headline is that of its verdicts weighted by their documents,
    and the mean over latents is weighted by the latents. A latent none of whose activating, or none of whose random
    contexts are of documents that were drawn does not count in that resample. NaN where no latent counts, and of fewer
    than two latents altogether.
    """
    n_latents, n_documents = (int(part.max(initial=-1)) + 1 for part in (judged.latent, judged.document))
    means = np.full(resamples, np.nan)
    if n_latents < 2:
        return means
    rng = np.random.default_rng(seed)
    headline = _aurocs if judged.ranked else _balanced_accuracies
    size = max(1, _CELLS // max(n_documents, n_latents))
    for begin in range(0, resamples, size):
        n = min(size, resamples - begin)
        latents, documents = (_counts(rng, n, many) for many in (n_latents, n_documents))
        values = headline(judged, documents)
        weights = np.where(np.isnan(values), 0.0, latents)
        total = weights.sum(axis=1)
        sums = np.where(weights > 0, values * weights, 0.0).sum(axis=1)
        np.divide(sums, total, out=means[begin : begin + n], where=total > 0)
    return means


def weighted_auroc(positives: np.ndarray, negatives: np.ndarray, high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Return AUROCs of weighted values, float64 (resample,); ties count half, NaN where a side weighs nothing.

    Args:
        positives: Values, float (positive,).
        negatives: Values, float (negative,).
        high: Weights of the positives, float (resample, positive).
        low: Weights of the negatives, float (resample, negative).
    """
    order = np.argsort(negatives, kind="stable")
    sums = np.concatenate([np.zeros((len(low), 1)), np.cumsum(low[:, order], axis=1)], axis=1)
    below, upto = (np.searchsorted(negatives[order], positives, side=side) for side in ("left", "right"))
    above = (high * (sums[:, below] + sums[:, upto])).sum(axis=1) / 2
    weight = high.sum(axis=1) * sums[:, -1]
    return np.divide(above, weight, out=np.full(len(low), np.nan), where=weight > 0)


def _counts(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Return how often each of so many is drawn in as many draws with replacement, float64 (n, size)."""
    drawn = rng.integers(0, size, (n, size)) + np.arange(n)[:, None] * size
    return np.bincount(drawn.ravel(), minlength=n * size).reshape(n, size).astype(np.float64)


def _balanced_accuracies(judged: Judged, documents: np.ndarray) -> np.ndarray:
    """Return each latent's balanced accuracy under weights of documents, float64 (resample, latent)."""
    from scipy.sparse import csr_array

    shape = int(judged.latent.max()) + 1, documents.shape[1]
    weights = _weights(judged)

    def share(side: np.ndarray, right: np.ndarray) -> np.ndarray:
        places = judged.latent[side], judged.document[side]
        own = weights[side]
        weight, hit = (csr_array((part, places), shape=shape) @ documents.T for part in (own, own * right[side]))
        return np.divide(hit, weight, out=np.full(weight.shape, np.nan), where=weight > 0)

    tpr = share(judged.activating, judged.value)
    tnr = share(~judged.activating, 1 - judged.value)
    return ((tpr + tnr) / 2).T


def _aurocs(judged: Judged, documents: np.ndarray) -> np.ndarray:
    """Return each latent's AUROC under weights of documents, float64 (resample, latent)."""
    ends = np.searchsorted(judged.latent, np.arange(int(judged.latent.max()) + 2))
    columns: list[np.ndarray] = []
    for begin, end in pairwise(ends):
        side, value, document = (part[begin:end] for part in (judged.activating, judged.value, judged.document))
        own = _weights(judged)[begin:end]
        weights = documents[:, document[side]], documents[:, document[~side]] * own[~side]
        columns.append(weighted_auroc(value[side], value[~side], *weights))
    return np.stack(columns, axis=1)


def _weights(judged: Judged) -> np.ndarray:
    return np.ones(len(judged.value)) if judged.weight is None else judged.weight


def _samples(logs: Sequence[str]) -> Iterator[tuple[str, EvalSample]]:
    for path in logs:
        for sample in read_samples(path, read_header(path)):
            yield path, sample


def _is_ranked(scorer: str) -> bool | None:
    """Return whether a score's headline is the AUROC of ranked values; None where it is no function of weights."""
    spec = SCORES.get(scorer.rstrip("0123456789"))
    if spec and spec.recompute is classification_statistics and spec.headline == "balanced_accuracy":
        return False
    return True if spec and spec.recompute is ranking_statistics and spec.headline == "auroc" else None
