"""Scores by distance of negatives: against contexts of neighbours in bins of the cosine of the two directions.

The nearer a neighbour's direction is, the harder its contexts are to tell from the latent's own. Bins hold as many
contexts each as can be, over all latents and entries of a table, so that entries are compared in the same bins.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from inspect_autointerp.inspect_support.log_samples import read_header, read_samples
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.scorers.shared.classification import balanced_statistics, classification_statistics, scored
from inspect_autointerp.scorers.shared.ranking import auroc, of_kind, of_population, ranking_statistics, weights_of
from inspect_autointerp.scorers.shared.specs import SCORES, ScoreSpec
from inspect_autointerp.statistics.intervals import bootstrap_interval

BINS = 5
COLUMNS = ("entry", "group", "order", "n", "mean", "low", "high", "tnr", "contexts")
_KIND = "neighbours"
ByLatent = Mapping[str, Sequence[Verdict]]


def by_cosine(results: Results, bins: int = BINS) -> pd.DataFrame:
    """Return each entry's headline against neighbours, in bins of their cosine; every sample of every log is read.

    Args:
        results: The entries.
        bins: Bins of a table, at most.

    Returns:
        A row per entry and bin, the entry's own headline first: `entry` (int), `group` (str: `random`, or the bin's
        ends), `order` (int), `n` (int, latents with a value), `mean`, `low`, `high` (float: the headline over latents,
        with its 95 % interval), `tnr` (float, mean over latents; NaN where the score has none), `contexts` (int). No
        row of a table in which no verdict says a cosine.

    Raises:
        UserError: A log cannot be read.
    """
    rows: list[tuple[object, ...]] = []
    for table in results.tables:
        entries = results.of(table)
        spec = SCORES.get(str(entries["score"].iloc[0]))
        if spec is None or spec.recompute not in (classification_statistics, ranking_statistics):
            continue
        if not _tested_on_neighbours(entries):
            continue
        of_entry = {int(str(entry)): _verdicts(results, row) for entry, row in entries.iterrows()}
        edges = _edges([verdict.cosine for one in of_entry.values() for verdict in _neighbours(one)], bins)
        for entry, by_latent in of_entry.items():
            rows += [(entry, *row) for row in _of_entry(spec, by_latent, edges)] if len(edges) else []
    return pd.DataFrame(rows, columns=list(COLUMNS))


def cosine_columns(means: pd.DataFrame) -> pd.DataFrame:
    """Return the bins' numbers as columns beside an entry, for files; `cosine_1_…` is the farthest neighbours' bin.

    Args:
        means: The rows of `by_cosine`.

    Returns:
        A row per entry: of each bin `cosine_N_from`, `cosine_N_to`, `cosine_N_mean`, `cosine_N_low`, `cosine_N_high`
        and `cosine_N_n`.
    """
    binned = means[means["order"] > 0]
    ends = binned["group"].str.extract(r"^(-?[\d.]+)–(-?[\d.]+)$").astype(float)
    long = binned.assign(**{"from": ends[0], "to": ends[1]})
    parts = ["from", "to", "mean", "low", "high", "n"]
    wide = long.pivot(index="entry", columns="order", values=parts)
    wide = wide[[(part, order) for order in sorted(set(long["order"])) for part in parts]]
    wide.columns = [f"cosine_{order}_{part}" for part, order in wide.columns]
    return wide


def _tested_on_neighbours(entries: pd.DataFrame) -> bool:
    """Return whether a table's evaluations were tested on contexts of neighbours, by their options."""
    return any(_KIND in str(json.loads(str(options) or "{}").get("negatives", _KIND)) for options in entries["options"])


def _of_entry(spec: ScoreSpec, by_latent: ByLatent, edges: np.ndarray) -> Iterator[tuple[object, ...]]:
    """Yield the columns from `group` on, of each bin."""
    positives = {id: of_kind(verdicts, "activating") for id, verdicts in by_latent.items()}
    random = {id: of_population(verdicts) for id, verdicts in by_latent.items()}
    yield "random", 0, *_row(spec, positives, random)
    near = {id: of_kind(verdicts, _KIND) for id, verdicts in by_latent.items()}
    for number, (low, high) in enumerate(pairwise(edges.tolist()), 1):
        last = number == len(edges) - 1
        inside = {
            id: [
                one for one in verdicts if one.cosine is not None and low <= one.cosine and (last or one.cosine < high)
            ]
            for id, verdicts in near.items()
        }
        yield f"{low:.3f}–{high:.3f}", number, *_row(spec, positives, inside)


def _row(spec: ScoreSpec, positives: ByLatent, negatives: ByLatent) -> tuple[int, float, float, float, float, int]:
    """Return `n`, `mean`, `low`, `high`, `tnr` and `contexts`."""
    values = [_statistics(spec, positives[id], rows) for id, rows in negatives.items() if rows]
    n, mean, low, high, tnr = _mean([value[0] for value in values], [value[1] for value in values])
    return n, mean, low, high, tnr, sum(len(rows) for rows in negatives.values())


def _statistics(spec: ScoreSpec, positives: Sequence[Verdict], negatives: Sequence[Verdict]) -> tuple[float, float]:
    """Return a latent's headline and its TNR; NaN where one is undefined."""
    if spec.recompute is classification_statistics:
        values = balanced_statistics(scored(positives), scored(negatives))
        return values[spec.headline], values["tnr"]
    high, low = ([one.value for one in rows if one.value is not None] for rows in (positives, negatives))
    return auroc(high, low, weights_of([one for one in negatives if one.value is not None])), float("nan")


def _mean(values: Sequence[float | None], tnrs: Sequence[float | None]) -> tuple[int, float, float, float, float]:
    known = np.array([value for value in values if value is not None and value == value], dtype=np.float64)
    rates = [rate for rate in tnrs if rate is not None and rate == rate]
    low, high = bootstrap_interval(known.tolist())
    mean = float(known.mean()) if len(known) else float("nan")
    return len(known), mean, low, high, float(np.mean(rates)) if rates else float("nan")


def _edges(cosines: Sequence[float | None], bins: int) -> np.ndarray:
    """Return the ends of bins, float (bin + 1,), in order and distinct; none where no cosine is known."""
    known = np.array([cosine for cosine in cosines if cosine is not None], dtype=np.float64)
    if not len(known):
        return known
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)))
    return edges if len(edges) > 1 else np.repeat(edges, 2)


def _neighbours(by_latent: ByLatent) -> Iterator[Verdict]:
    return (verdict for verdicts in by_latent.values() for verdict in verdicts if verdict.kind == _KIND)


def _verdicts(results: Results, row: "pd.Series") -> dict[str, list[Verdict]]:
    """Return the verdicts of an entry by latent."""
    verdicts: dict[str, list[Verdict]] = {}
    for path in results.logs_of(str(row["log"])):
        for sample in read_samples(path, read_header(path)):
            score = (sample.scores or {}).get(str(row["scorer"]))
            where = f"{path}: the verdicts of {row['scorer']} of {sample.id}"
            verdicts.setdefault(str(sample.id), []).extend(recorded_verdicts(score.metadata if score else None, where))
    return verdicts
