"""The wrapper that every scorer of this package uses: it opens the latent, records the verdicts, and makes the score.

A scorer supplies one function that takes a `LatentTest` and returns an `Outcome`; `latent_scorer` does the rest.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from inspect_ai.scorer import Metric, Score, Scorer, Target
from inspect_ai.solver import TaskState

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.answer_reasons import by_main_reason, counted, main_reason
from inspect_autointerp.inspect_support.argument_types import LEAST, check_bounds
from inspect_autointerp.inspect_support.dataset import FOILS, latent_named
from inspect_autointerp.inspect_support.explanation import Concept, Explanation
from inspect_autointerp.inspect_support.verdicts import KEY, LatentFacts, Verdict, to_columns
from inspect_autointerp.latent import Context, Latent, Negative
from inspect_autointerp.models.likely_active import LikelyActive
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.scorers.shared.metrics import average, estimate
from inspect_autointerp.scorers.shared.specs import SCORES, ScoreSpec
from inspect_autointerp.store.store import Store

SAMPLE_OPTIONS: dict[str, Any] = {"window": None, "negatives": "random", "min_contexts": 20, "seed": 0}
"""Options that dataset and scorer must agree on, with the defaults of samples that lack them.

The dataset writes it into each sample's metadata, and scorers read it there; a scorer's own argument wins
(`inspect score -S seed=1`).
"""

LATER = ("stop", "judging", "concepts")
"""Options that logs leave out where they were not given: older logs, made without them, stay comparable."""


@dataclass(frozen=True)
class LatentTest:
    """A scorer's input: a latent, its explanation, and the contexts to draw."""

    spec: ScoreSpec
    store: Store
    latent: Latent
    explanation: str
    """Empty for the baseline that says nothing, and for a score of a latent by itself."""
    kinds: tuple[Negative, ...]
    """Kinds of negatives to test on, `random` or `importance` first."""
    min_contexts: int
    """A hard kind with fewer contexts is undefined."""
    seed: int
    """Random seed of the draw."""
    made_kinds: tuple[str, ...] = ()
    """Kinds of negatives that the scorer makes itself, as fuzzing's `mismarked`."""
    likely: LikelyActive | None = None
    """Predicts which windows would be judged active, where contexts are drawn by importance."""
    foils: Mapping[str, str] = field(default_factory=dict[str, str])
    """Explanations of other latents by their ids, where the explanation's file has some and the task asked for them."""
    concepts: tuple[Concept, ...] = ()
    """Concepts of the explanation, where its writer gave any."""

    @property
    def hard(self) -> tuple[str, ...]:
        """The kinds of negatives that have statistics of their own: those harder than random ones."""
        return (*self.kinds[1:], *self.made_kinds)

    def contexts(self, n_activating: int, n_nonactivating: int, *, centered: bool = True) -> list[Context]:
        """Draw test contexts, in random order.

        Args:
            n_activating: Activating contexts, the deciles in equal shares.
            n_nonactivating: Contexts of each kind of negatives.
            centered: Cut activating contexts around their peaks, in a store that keeps them so.
        """
        contexts, likely = LatentContexts(self.store, self.latent, centered=centered), self.likely
        predicted = None if likely is None else partial(likely, self.explanation)
        return contexts.test(n_activating, n_nonactivating, self.seed, self.kinds, predicted)

    def facts(self, texts_per_call: int = 0, threshold: float | None = None) -> LatentFacts:
        """Return what statistics have to know of the latent, of the calls to the grader and of its threshold."""
        return LatentFacts(
            firing_share=self.latent.firing_share,
            hard=self.hard,
            min_contexts=self.min_contexts,
            texts_per_call=texts_per_call,
            threshold=threshold,
        )


@dataclass(frozen=True)
class Outcome:
    """A scorer's result for one latent."""

    values: Mapping[str, float] = field(default_factory=dict[str, float])
    """Statistics by name; NaN where undefined. Empty where nothing could be computed: the latent is then unscored."""
    verdicts: Sequence[Verdict] = ()
    """Verdicts from which the statistics were computed."""
    report: str = ""
    """Report for the reader of the log."""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further metadata for the log."""
    answer: str | None = None
    """Text of the viewer's column `answer`; the explanation by default."""
    reason: str | None = None
    """Why the latent is unscored as a whole."""


Grade = Callable[[LatentTest], Awaitable[Outcome]]


async def no_grader(test: LatentTest) -> str:
    """Return what the log says of a score that asks no model."""
    return "none"


def latent_scorer(
    name: str,
    grade: Grade,
    options: Mapping[str, Any],
    graded_by: Callable[[LatentTest], Awaitable[str]] = no_grader,
    made_kinds: tuple[str, ...] = (),
    version: str | None = None,
) -> Scorer:
    """Make a scorer of one latent at a time.

    Args:
        name: Its name in `SCORES`.
        grade: Computes the outcome. It is not called for a latent without an explanation, which is unscored with the
            explainer's reason, unless the score is of latents by themselves.
        options: The scorer's arguments (`locals()`). Those in `SAMPLE_OPTIONS` that are None are read from the sample;
            `store` is where the context store is, by default where the sample says.
        graded_by: Returns the grader's name for the log.
        made_kinds: See `LatentTest`.
        version: The version for the log, where it is not the score's own.

    Raises:
        PrerequisiteError: A number is out of its bounds, see `argument_types`.
    """
    spec = SCORES[name]
    with one_line_errors():
        check_bounds({f"test_{name}" if f"test_{name}" in LEAST else name: value for name, value in options.items()})

    async def score(state: TaskState, target: Target) -> Score:
        sample = _sample_options(state, options)
        explanation = Explanation.get(state) if spec.explained else None
        with one_line_errors():
            store = _open(state, options.get("store"), sample["window"], explanation)
            latent = latent_named(store, str(state.sample_id))
            kinds = negative_kinds(store, latent.hookpoint, sample["negatives"])
            text = "" if explanation is None else explanation.text or ""
            concepts = () if explanation is None else explanation.concepts
            likely = await _likely(store) if "importance" in kinds and spec.explained else None
            foils: dict[str, str] = state.metadata.get(FOILS) or {}
            test = LatentTest(
                spec,
                store,
                latent,
                text,
                kinds,
                sample["min_contexts"],
                sample["seed"],
                made_kinds,
                likely,
                foils,
                concepts,
            )
            grader = await graded_by(test)
        made_by = {
            "grader": grader,
            "prompt": version or spec.version,
            "options": _recorded(options) | sample,
        }
        if explanation is not None and explanation.text is None:
            report = f"Unscored: there is no explanation ({explanation.reason})."
            why = explanation.reason or "no_explanation"
            outcome = Outcome(report=report, metadata={"unscored_reasons": {why: 1}}, reason=main_reason(why))
            return _score(test, outcome, None, made_by)
        outcome = await grade(test)
        return _score(test, outcome, test.explanation if spec.explained else None, made_by | _too_few(test, outcome))

    return score


def score_metrics(score: str | ScoreSpec) -> list[Metric]:
    """Return the metrics that Inspect prints of a score: the headline with its interval, and a few means.

    Args:
        score: Its row, or its name in `SCORES`.
    """
    spec = score if isinstance(score, ScoreSpec) else SCORES[score]
    headline, *others = spec.summary
    return [estimate(headline), *(average(statistic) for statistic in others)]


def _recorded(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the log names."""
    left_out = {name for name in LATER if options.get(name) is None} | {"store"}
    return {name: value for name, value in options.items() if name not in left_out}


def _sample_options(state: TaskState, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that dataset and scorer agree on."""
    return {
        key: options[key] if options.get(key) is not None else state.metadata.get(key, default)
        for key, default in SAMPLE_OPTIONS.items()
    }


def _open(state: TaskState, named: str | None, window: int | None, explanation: Explanation | None) -> Store:
    """Open the store that a sample's contexts are in.

    Raises:
        UserError: It cannot be opened, or is not the one that the sample was explained from: contexts that the
            explainer saw could then be among the test contexts.
    """
    here = state.metadata.get("store")
    folder = str(here) if named is None and here and Path(here).is_dir() else locate(named)
    key = state.metadata.get("store_key") if folder == here else None
    store = Store.open(folder, window, key, state.metadata.get("half"))
    explained_from = explanation.store if explanation else None
    if explained_from not in (None, store.digest):
        raise UserError(
            f"{store.folder}: this store is {store.digest}, but {state.sample_id} was explained from {explained_from};"
            " give that store as -S store=… (and -S window=… for the number after the slash)"
        )
    return store


async def _likely(store: Store) -> LikelyActive:
    """Return what predicts which of a store's windows would be judged active; one for all samples."""
    return await shared(("likely active", store.key, store.window), lambda: LikelyActive(store))


def _reasons(spec: ScoreSpec, verdicts: Iterable[Verdict]) -> dict[tuple[str, int], str | None]:
    """The reason of each answer, None where it was scored: the texts of one question of intruder have one answer."""
    return {
        ("question", row.question) if spec.one_answer and row.question is not None else ("verdict", number): row.reason
        for number, row in enumerate(verdicts)
    }


def _score(test: LatentTest, outcome: Outcome, answer: str | None, metadata: Mapping[str, Any]) -> Score:
    nothing = dict.fromkeys(test.spec.statistics(test.hard), float("nan")) | {"unscored": 1.0}
    reasons = [*_reasons(test.spec, outcome.verdicts).values()]
    counts = counted(reason for reason in reasons if reason)
    totals = by_main_reason(counts)
    none_scored = bool(counts) and None not in reasons
    recorded = {KEY: to_columns(outcome.verdicts)} if outcome.verdicts else {}
    return Score(
        value={key: round(value, 4) for key, value in (outcome.values or nothing).items()},  # far below its uncertainty
        answer=answer if outcome.answer is None else outcome.answer,
        reason=outcome.reason or (max(totals, key=totals.__getitem__) if none_scored else None),
        explanation=outcome.report,
        metadata={**metadata, "unscored_reasons": counts, **outcome.metadata, **recorded},
    )


def _too_few(test: LatentTest, outcome: Outcome) -> dict[str, dict[str, int]]:
    """Return, for the metadata, the hard kinds with too few contexts to be scored, and how many there were."""
    counts = Counter(verdict.kind for verdict in outcome.verdicts)
    if not outcome.values:
        return {}
    few = {kind: counts[kind] for kind in test.hard if counts[kind] < test.min_contexts}
    return {"too_few_contexts": few} if few else {}
