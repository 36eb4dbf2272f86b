"""`python -m inspect_autointerp.builtin.planted`: what each statistic sees on the planted latents.

And with which of the units of `sanity` each passes the missing-label and the extra-label test.
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from inspect_autointerp.builtin.planted import HOOKPOINT, ensure_store, sanity
from inspect_autointerp.builtin.planted.latents import LATENTS, SORTS, Sort
from inspect_autointerp.builtin.planted.oracle import label, simulated
from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import Context, Negative
from inspect_autointerp.scorers.fade.statistics import fade_statistics
from inspect_autointerp.scorers.shared.classification import classification_statistics
from inspect_autointerp.scorers.simulation.statistics import correlation_statistics
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.streams import command_line_streams


class Column(NamedTuple):
    """A statistic, on contexts of one kind beside the activating ones."""

    statistic: str
    kind: Negative

    @property
    def key(self) -> str:
        """Its name among a latent's statistics."""
        return self.statistic if self.kind == "random" else f"{self.statistic}_{self.kind}"

    def __str__(self) -> str:
        return f"{self.statistic}, {self.kind}"


KINDS: tuple[Negative, ...] = ("random", "neighbours", "cooccurring", "similar")
"""Kinds of negatives that the planted store holds."""
COLUMNS = (
    *(Column("balanced_accuracy", kind) for kind in KINDS),
    *(Column(statistic, "random") for statistic in ("tpr", "f1", "correlation", "correlation_weighted")),
    Column("correlation", "neighbours"),
    *(Column(statistic, "random") for statistic in ("responsiveness_signed", "purity")),
)
"""Columns of detection, of simulation, and of FADE without the subject, which the planted latents do not have."""


def measure(store: Store, n: int, seed: int, error_rate: float = 0.0) -> dict[Sort, dict[Column, np.ndarray]]:
    """Per sort of explanation each column's figures, float (latent,), with the oracle as grader.

    Args:
        store: The planted store.
        n: Activating contexts per latent, and as many that are not, of each kind.
        seed: Of their draw and of the grader's errors.
        error_rate: Of the grader.
    """
    figures: dict[Sort, dict[Column, list[float]]] = {sort: {column: [] for column in COLUMNS} for sort in SORTS}
    for index, planted in enumerate(LATENTS):
        latent = store.at(HOOKPOINT).latent(index)
        contexts = LatentContexts(store, latent)
        tests = contexts.test(n, n, seed, KINDS)
        for sort in SORTS:
            explanation = planted.claim(sort).text
            labels = [label(explanation, visible(context.text), None, error_rate, seed) for context in tests]
            tokens = ([visible(token) for token in context.tokens()] for context in tests)
            predictions = [np.array(simulated(explanation, one, error_rate, seed), dtype=float) for one in tokens]
            facts = LatentFacts(firing_share=latent.firing_share, hard=HARD)
            labelled = [
                Verdict(kind=context.kind, decile=context.decile, label=one)
                for context, one in zip(tests, labels, strict=True)
            ]
            values = classification_statistics(labelled, facts)
            values |= correlation_statistics(tests, predicted(tests, predictions), facts)
            values |= rated(tests, labels)
            for column in COLUMNS:
                figures[sort][column].append(values[column.key])
    return {sort: {column: np.array(values) for column, values in row.items()} for sort, row in figures.items()}


def rated(contexts: Sequence[Context], labels: Sequence[int]) -> dict[str, float]:
    """Return FADE's statistics of contexts, where the grader rates 2 what is labelled 1 and 0 what is labelled 0.

    Args:
        contexts: Contexts of any kinds; activating and random ones count.
        labels: 1 or 0 for each.
    """
    verdicts = [
        Verdict(kind=context.kind, value=context.max_activation, rating=2 * one)
        for context, one in zip(contexts, labels, strict=True)
        if context.kind in ("activating", "random")
    ]
    values = fade_statistics(verdicts, LatentFacts())
    return {name: values[name] for name in ("responsiveness_signed", "purity")}


def table(figures: dict[Sort, dict[Column, np.ndarray]]) -> Table:
    """Means over the latents, and how often a statistic ranks a false explanation strictly below the true one."""
    shown = Table(title=f"Means over {len(LATENTS)} planted latents; in brackets: how many rank below the true one")
    for head in ("explanation", *map(str, COLUMNS)):
        shown.add_column(head.replace("_", " "), justify="left" if head == "explanation" else "right")
    for sort in SORTS:
        cells: list[str] = []
        for column in COLUMNS:
            values, true = figures[sort][column], figures["true"][column]
            seen = f" ({np.mean(values < true):.0%})" if sort != "true" else ""
            cells.append(f"{np.nanmean(values):.3f}{seen}")
        shown.add_row(sort.replace("_", " "), *cells)
    return shown


JUDGED = (
    "balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "balanced_accuracy_neighbours", "auroc_neighbours",
)  # fmt: skip
SIMULATED = ("correlation", "correlation_activating", "correlation_weighted", "correlation_neighbours")
"""Statistics of detection and of simulation that the label tests are run on."""
BANDS = (sanity.SHARES, (1e-4, 1e-3), (1e-3, 0.01), (0.01, 0.05))
N_RANDOM = (100, 1000, 10_000, 100_000)


def judged(contexts: Sequence[Context], labelled: Sequence[np.ndarray], firing_share: float) -> dict[str, float]:
    """The `JUDGED` statistics where the grader says of a context what the labels do, and is sure of it."""
    verdicts = [
        Verdict(kind=context.kind, decile=context.decile, label=int(marks.any()), probability=float(marks.any()))
        for context, marks in zip(contexts, labelled, strict=True)
    ]
    values = classification_statistics(verdicts, LatentFacts(firing_share=firing_share, hard=("neighbours",)))
    return {name: values[name] for name in JUDGED}


def simulation(contexts: Sequence[Context], labelled: Sequence[np.ndarray], firing_share: float) -> dict[str, float]:
    """The `SIMULATED` statistics where the grader predicts of a token what the labels say, all or nothing."""
    facts = LatentFacts(firing_share=firing_share, hard=("neighbours",))
    values = correlation_statistics(contexts, predicted(contexts, [marks.astype(float) for marks in labelled]), facts)
    return {name: values[name] for name in SIMULATED}


def predicted(contexts: Sequence[Context], values: Sequence[np.ndarray]) -> list[Verdict]:
    """Return the verdicts of a grader that predicted these activations, float (token,) per context."""
    return [
        Verdict(kind=context.kind, decile=context.decile, values=row.tolist())
        for context, row in zip(contexts, values, strict=True)
    ]


MEASURES: tuple[sanity.Measure, ...] = (judged, simulation)
"""Functions that compute the statistics for the label tests."""


def label_tests(figures: dict[sanity.Labels, dict[str, np.ndarray]]) -> Table:
    """Means over the units, and with how many of them each statistic passes."""
    n_units = len(next(iter(figures["true"].values())))
    shown = Table(title=f"Label tests: means over {n_units} units; in brackets: how many score below their true labels")
    for head in ("statistic", *sanity.LABELS):
        shown.add_column(head.replace("_", " "), justify="left" if head == "statistic" else "right")
    for name, true in figures["true"].items():
        false = (figures[labels][name] for labels in sanity.LABELS[1:])
        cells = (f"{np.nanmean(values):.3f} ({sanity.pass_rate(values, true):.0%})" for values in false)
        shown.add_row(name.replace("_", " "), f"{np.nanmean(true):.3f}", *cells)
    return shown


def reach() -> Table:
    """Return how many units could pass the extra-label test at all, by the number of random contexts."""
    shown = Table(title="Units with an extra label on a random context: no others can pass on random contexts")
    shown.add_column("firing share")
    for n in N_RANDOM:
        shown.add_column(f"{n:,} random contexts", justify="right")
    for least, most in BANDS:
        cells = (f"{sanity.within_reach(n, (least, most)):.0%}" for n in N_RANDOM)
        shown.add_row(f"{100 * least:g} to {100 * most:g} %", *cells)
    return shown


def main(
    n: Annotated[int, typer.Option("--number", "-n", min=1, help="Contexts of each kind per latent.")] = 100,
    seed: Annotated[int, typer.Option(help="Random seed for contexts and the grader's errors.")] = 0,
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="Error rate of the grader.")] = 0.0,
    units: Annotated[int, typer.Option(min=1, help="Units of the label tests.")] = 300,
) -> None:
    """Print which statistic tells true, too-broad, too-narrow and wrong explanations of planted latents apart.

    Then which passes the missing-label and the extra-label test of arXiv 2506.05774, on units of every firing share.
    """
    console = Console(emoji=False, width=200 if not Console(emoji=False).is_terminal else None)
    console.print(table(measure(Store(ensure_store()), n, seed, error_rate)))
    drawn = sanity.draw_units(units, n, seed)
    console.print(label_tests(sanity.score(drawn, MEASURES, seed, error_rate)))
    console.print(reach())


if __name__ == "__main__":
    with command_line_streams():
        typer.run(main)
