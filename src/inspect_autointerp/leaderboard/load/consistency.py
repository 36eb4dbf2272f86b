"""Checks that a log agrees with itself: header, scores, and the record of how they were made.

Each check is a small function that yields a sentence for a contradiction. An honest log of any task has none. A log
that was made up consistently has none either: that nobody can tell from the log.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from inspect_ai.log import EvalLog

from inspect_autointerp.inspect_support.default_model import LEXICAL, NO_MODEL
from inspect_autointerp.inspect_support.stated_estimates import stated_estimates
from inspect_autointerp.latent import split_hookpoints
from inspect_autointerp.leaderboard.load.header import FLOORS, scorers_of, solver_of
from inspect_autointerp.leaderboard.load.sample_rows import (
    TEXT,
    Origins,
    over_epochs,
    sample_rows,
    score_values,
    text_checksum,
    value_columns,
    value_names,
)
from inspect_autointerp.leaderboard.load.value_rules import value_contradictions
from inspect_autointerp.statistics.estimates import Estimate, estimates_of

_MOST = 20
"""Contradictions that are listed of a log."""
_INDEX = r"(?:0|[1-9][0-9]{0,17})"
_MEANS = (None, "mean")
"""Names of the reducer that takes the mean over epochs."""
_OWN_MODEL = ("explain", "refine", "best_of", "clusters")
"""Solvers whose explanations are by the main model."""
_SOURCES = {
    **{name: {name} for name in ("explain", "clusters", "supply", "human", "constant", "verbose", "empty")},
    **{name: {name, "explain"} for name in ("shuffled", "single_token", "refine", "best_of")},
}
"""By solver, how the source of its explanations may begin."""


@dataclass(frozen=True)
class Samples:
    """The contents of a log's samples."""

    header: EvalLog
    rows: pd.DataFrame
    """See `sample_rows.sample_rows`."""
    values: pd.DataFrame
    """The same over epochs, see `sample_rows.over_epochs`, by id."""
    origins: Origins
    edited: dict[str, set[str]]
    """See `edits.edited_scores`."""

    @staticmethod
    def read(header: EvalLog, samples: Iterable[Mapping[str, Any]], edited: dict[str, set[str]]) -> "Samples":
        """Read samples, or their summaries, see `sample_rows.sample_rows`."""
        rows, origins = sample_rows(samples, texts=bool(header.reductions))
        return Samples(header, rows, over_epochs(rows).set_index("id"), origins, edited)

    @property
    def ids(self) -> list[str]:
        """The latents that the header lists."""
        return list(map(str, self.header.eval.dataset.sample_ids or []))

    @property
    def epochs(self) -> int:
        """Return how often each was evaluated."""
        return self.header.eval.config.epochs or 1

    @cached_property
    def row_ids(self) -> list[str]:
        """The ids of `rows`."""
        return self.rows["id"].to_numpy(dtype=object).tolist()

    @cached_property
    def estimates(self) -> dict[str, dict[str, Estimate]]:
        """By score of the header and statistic, the mean over latents with its interval."""
        return {scorer: estimates_of(score_values(self.values, scorer)) for scorer in scorers_of(self.header)}

    @cached_property
    def contradictions(self) -> list[str]:
        """Sentences about what in the log contradicts something else in it, in plain English; at most 20.

        Samples that are absent are not among them, see `absent`.
        """
        return list(islice((line for check in CHECKS for line in check(self)), _MOST))

    @cached_property
    def absent(self) -> list[str]:
        """Listed latents of which the log holds no sample at all. A sample that failed is there and says so.

        Those that were not evaluated because a rule stopped the evaluation are not among them.
        """
        there = {*self.row_ids, *not_reached(self.header)}
        return [id for id in dict.fromkeys(self.ids) if id not in there]


def not_reached(header: EvalLog) -> set[str]:
    """Return the latents that were not evaluated because a rule stopped the evaluation (`-T stop_mean=…`)."""
    stopping = header.results.early_stopping if header.results else None
    return {str(stop.id) for stop in stopping.early_stops} if stopping else set()


def summary_contradictions(summaries: Samples, samples: Samples) -> Iterator[str]:
    """Find samples whose scores are not those of their summaries, which the leaderboard reads."""
    here, there = (one.rows.drop_duplicates(["id", "epoch"], keep="last") for one in (samples, summaries))
    here, there = here.set_index(["id", "epoch"]), there.set_index(["id", "epoch"])
    if set(here.index) != set(there.index):
        id, _ = sorted(set(here.index) ^ set(there.index))[0]
        yield f"it has a sample of {id} without a summary, or a summary without a sample"
        return
    columns = sorted(name for name in {*map(str, here), *map(str, there)} if "/" in name and not name.endswith(TEXT))
    ours, theirs = (one.reindex(index=there.index, columns=columns).to_numpy(np.float64) for one in (here, there))
    unlike = ~_alike(ours, theirs)
    for at in np.flatnonzero(unlike.any(axis=0)):
        i = int(np.argmax(unlike[:, at]))
        one, other, column = ours[i, at], theirs[i, at], columns[at]
        yield f"the sample of {there.index[i][0]} says {one:.6g} of {column}, and its summary {other:.6g}"


def _of_latents(samples: Samples) -> Iterator[str]:
    """The header's ids are of latents of its hookpoint, each once, and the samples are of these."""
    ids, hookpoint = samples.ids, (samples.header.eval.metadata or {}).get("hookpoint")
    if len(set(ids)) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        yield f"the header lists {twice} twice"
    places = "|".join(map(re.escape, split_hookpoints(str(hookpoint))))
    latent = re.compile(rf"(?:{places})/{_INDEX}")
    if odd := next((id for id in ids if not latent.fullmatch(id)), None):
        yield f"the header lists {odd}, which is not a latent of its hookpoint {hookpoint}"
    if unknown := sorted(set(samples.row_ids) - set(ids)):
        yield f"it has a sample of {unknown[0]}, which its header does not list"
    if others := samples.origins.odd_index:
        yield f"the sample of {others[0]} says that it is of another latent"
    if others := samples.origins.odd_answer:
        yield f"the scores of {others[0]} are of another explanation than the one it has"


def _counts(samples: Samples) -> Iterator[str]:
    """The header's numbers of samples are those of its ids and of the samples."""
    header, n, planned = samples.header, len(samples.ids), len(samples.ids) * samples.epochs
    config, stated = header.eval.config, header.eval.dataset.samples
    part = config.limit is not None or config.sample_id is not None  # then the data set has more than were evaluated
    if stated is not None and (stated < n or (stated > n and not part)):
        yield f"the header says {stated} samples, and lists {n}"
    results = header.results
    if results is None or results.early_stopping is not None or results.logged_samples is not None:
        return
    if results.total_samples != planned:
        yield f"the results are of {results.total_samples} samples, and the header lists {planned}"
    there = samples.rows.drop_duplicates(["id", "epoch"], keep="last")
    completed = int((~there["failed"]).sum())
    if not completed <= results.completed_samples <= completed + planned - len(there):
        yield f"the results say {results.completed_samples} completed samples, and there are {completed}"


def _header_means(samples: Samples) -> Iterator[str]:
    """The header's means, intervals and counts are those of the samples' scores."""
    header = samples.header
    scores = header.results.scores if header.results else []
    counts = {(score.scorer, score.name): score.scored_samples for score in scores}
    odd = {score.scorer for score in scores if score.reducer not in _MEANS}  # not a mean over epochs
    for scorer, stated in stated_estimates(header).items():
        if scorer in odd:
            continue
        here = samples.estimates[scorer]
        for name, parts in stated.items():
            computed = here.get(name, Estimate(np.nan, np.nan, np.nan, 0))
            n = computed.n
            if "mean" in parts and counts.get((scorer, name)) not in (None, n):
                yield f"the header says that {counts[scorer, name]} latents have a {name} of {scorer}, and {n} have"
            for part, there in sorted(parts.items(), key=lambda item: item[0] != "mean"):
                given = getattr(computed, part)
                if not _alike(there, given):
                    yield f"the header says {part} {there:.6g} of {scorer}'s {name}, but its samples give {given:.6g}"
                    break


def _alike(one: object, other: object) -> np.ndarray:
    """Return whether numbers are equal as far as 32 bits can tell; NaN is NaN."""
    return np.isclose(np.asarray(one), np.asarray(other), rtol=1e-5, atol=1e-5, equal_nan=True)


def _reductions(samples: Samples) -> Iterator[str]:
    """The reduced scores, which a page's cards show, are those of the samples."""
    rows = samples.rows.drop_duplicates(["id", "epoch"], keep="last").set_index("id")
    for reduced in samples.header.reductions or []:
        scorer, ids = reduced.scorer, [str(score.sample_id) for score in reduced.samples]
        if reduced.reducer not in _MEANS:
            continue
        if len(set(ids)) < len(ids) or not set(ids) <= set(samples.values.index):
            yield f"the reduced scores of {scorer} are of other samples than the log's"
            continue
        there = value_columns(scorer, [score.value for score in reduced.samples])
        for name in value_names(samples.values, scorer):
            here = samples.values[f"{scorer}/{name}"].reindex(ids).to_numpy(dtype=np.float64)
            given = there.get(f"{scorer}/{name}", np.full(len(ids), np.nan))
            unlike = ~_alike(here, given)
            if unlike.any():
                i = int(np.argmax(unlike))
                yield (
                    f"the reduced scores say {name} {given[i]:.6g} of {scorer} of {ids[i]}, and its sample"
                    f" {here[i]:.6g}"
                )
                break
        if samples.epochs == 1 and f"{scorer}/{TEXT}" in rows:
            known = rows[f"{scorer}/{TEXT}"].reindex(ids).to_numpy()
            given = np.array(
                [text_checksum({"answer": s.answer, "explanation": s.explanation}) for s in reduced.samples]
            )
            unlike = (known != given) & ~np.isnan(known) & ~np.isnan(given)
            if unlike.any():
                id = ids[int(np.argmax(unlike))]
                yield f"the reduced score {scorer} of {id} has another answer or report than its sample"


def _statistics(samples: Samples) -> Iterator[str]:
    """The statistics of each score fit each other, see `value_rules`; an edit is known, and shown as such."""
    for scorer in scorers_of(samples.header):
        names = list(value_names(samples.rows, scorer))
        rows = samples.rows[["id", "firing_share", *(f"{scorer}/{name}" for name in names)]]
        if edited := samples.edited.get(scorer):
            rows = rows[~rows["id"].isin(edited)]
        if names and len(rows):
            columns = {name: rows[f"{scorer}/{name}"].to_numpy(dtype=np.float64) for name in names}
            columns.setdefault("firing_share", rows["firing_share"].to_numpy(dtype=np.float64))
            yield from value_contradictions(scorer, rows["id"], columns)


def _made_alike(samples: Samples) -> Iterator[str]:
    """All scores of one name were made by the same grader, prompt and options."""
    for scorer, made in samples.origins.made.items():
        if len(made) > 1:
            one, other = (origin for origin, _ in made.most_common(2))
            yield f"scores of {scorer} were made differently: some by {one}, others by {other}"


def _stores(samples: Samples) -> Iterator[str]:
    """Explanations were written from the header's store."""
    store = (samples.header.eval.metadata or {}).get("store")
    for _, _, written_from in samples.origins.explanations:
        if written_from not in (None, store):
            yield f"its store is {store}, and explanations were written from store {written_from}"
            return


def _explainer(samples: Samples) -> Iterator[str]:
    """Explanations are by the header's explainer and model."""
    solver, _, from_file = solver_of(samples.header)
    model = LEXICAL if samples.header.eval.model == NO_MODEL else samples.header.eval.model
    for source, by, _ in samples.origins.explanations:
        begins = str(source).partition("/")[0]
        if solver in _SOURCES and begins in _SOURCES and begins not in _SOURCES[solver]:
            yield f"its explainer is {solver}, and explanations are by {source}"
            return
        if begins in _OWN_MODEL and not from_file and by is not None and not _is_model(by, model):
            yield f"its model is {model}, and explanations were written by {by}"
            return


def _is_model(name: str, model: str) -> bool:
    """Return whether a name is a model's: the same, or with its arguments behind it."""
    return name == model or bool(re.match(rf"{re.escape(model)}[ (\[{{]", name))


def _written_for(samples: Samples) -> Iterator[str]:
    """Explanations were written for their own latents, but for those of the shuffled floor, of which none was."""
    solver, _, from_file = solver_of(samples.header)
    if from_file or solver not in _SOURCES:
        return
    own, other = samples.origins.own, samples.origins.other
    if other and solver not in FLOORS:
        yield f"its explainer is {solver}, and {other} explanations were written for other latents"
    if own and solver == "shuffled":
        yield f"its explainer is shuffled, and {own} explanations were written for their own latents"


CHECKS: tuple[Callable[[Samples], Iterator[str]], ...] = (
    _of_latents,
    _counts,
    _header_means,
    _reductions,
    _statistics,
    _made_alike,
    _stores,
    _explainer,
    _written_for,
)
