"""The extra-label test of arXiv 2506.05774 on 100 non-activating contexts, drawn at random and by importance.

`python -m benchmarks.extra_labels` takes units that fire on 0.01 to 5 % of windows, adds as many wrong labels as there
are true ones, and counts in how many units F1 at the natural base rate falls. The grader says what the labels say.

- `simulated`: no text. Extra labels are on any windows, and the predictor tells windows with one from others with a
  given AUROC.
- `words`: text of the demo's store. A unit fires where a word stands; the extra labels are those of another word as
  frequent; the explanation names both. The predictor is the one that tasks use.
- `latents`: latents of a store. The extra labels are those of the latent nearest in frequency; the explanation joins
  what the lexical explainer says of both from their explain splits.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from inspect_autointerp.builtin.lexical.explain import explain
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.builtin.planted.sanity import SHARES
from inspect_autointerp.contexts.importance import Draw, importance_draw
from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.population import population, split_windows
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.models.likely_active import LikelyActive
from inspect_autointerp.scorers.shared.classification import classification_statistics
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

STATISTICS = ("f1", "precision", "auprc", "balanced_accuracy")
BANDS = (SHARES, (1e-4, 1e-3), (1e-3, 0.01), (0.01, 0.05))
WINDOWS = (500, 8192)
AUROCS = (0.8, 0.9, 0.95, 0.99, 1.0)
"""AUROCs of the simulated predictor."""


class Unit(NamedTuple):
    """A unit, the windows on which it is silent, and what a false explanation says of them."""

    share: float
    """Share of windows on which it fires."""
    extra: np.ndarray
    """bool (window,): those with an extra label."""
    likely: tuple[np.ndarray, np.ndarray]
    """Float (window,): the predictions given the true explanation, and given the false one."""


def simulated(n_units: int, n_windows: int, area: float, rng: np.random.Generator) -> Iterator[Unit]:
    """Yield units without text, whose predictor has this AUROC for windows with an extra label."""
    gap = NormalDist().inv_cdf(min(area, 1 - 1e-12)) * 2**0.5
    for _ in range(n_units):
        p = float(np.exp(rng.uniform(np.log(SHARES[0]), np.log(SHARES[1]))))
        extra = rng.random(n_windows) < p / (1 - p)
        yield Unit(p, extra, (rng.normal(size=n_windows), rng.normal(size=n_windows) + gap * extra))


def words(store: Store, n_units: int, rng: np.random.Generator) -> Iterator[Unit]:
    """Yield units that fire where a word stands, over the test split of a store; frequencies are log-uniform."""
    windows, likely = split_windows(store, "test"), LikelyActive(store)
    starts, places = windows.starts, dict[str, list[int]]()
    for row, (text, _) in enumerate(store.detokenizer.windows(store.ids(starts))):
        for word in set(re.findall(r"[^\W\d_]{2,}", text.lower())):
            places.setdefault(word, []).append(row)
    shares = {word: len(rows) / len(starts) for word, rows in places.items()}
    names = sorted((word for word, share in shares.items() if SHARES[0] <= share <= SHARES[1]), key=shares.__getitem__)
    logs = np.log([shares[word] for word in names])
    for aim in rng.uniform(np.log(SHARES[0]), np.log(SHARES[1]), n_units):
        near = np.flatnonzero(np.abs(logs - logs[np.argmin(np.abs(logs - aim))]) < 0.05)
        first, second = (names[i] for i in rng.choice(near if len(near) > 1 else np.arange(2), 2, replace=False))
        silent, extra = np.ones(len(starts), dtype=bool), np.zeros(len(starts), dtype=bool)
        silent[places[first]], extra[places[second]] = False, True
        texts = (f'texts with the word "{first}"', f'texts with the words "{first}" or "{second}"')
        true, false = (likely(text, starts[silent]) for text in texts)
        yield Unit(shares[first], extra[silent], (true, false))


def latents(store: Store, n_units: int, rng: np.random.Generator) -> Iterator[Unit]:
    """Yield a store's latents that fire on few enough windows, each with the labels of one as frequent besides."""
    at, likely = store.at(None), LikelyActive(store)
    held = [latent for latent in at.latents(list(at.held)) if SHARES[0] <= latent.firing_share <= SHARES[1]]
    held = [latent for latent in held if min(LatentContexts(store, latent).n_available()[:2]) >= 20]
    held.sort(key=lambda latent: latent.firing_share)
    for i in rng.permutation(len(held) - 1)[:n_units].tolist():
        latent, other = held[i], held[i + 1]
        own, others = (LatentWindows(store, at.name, one.index) for one in (latent, other))
        silent = np.intersect1d(
            LatentContexts(store, latent).population_starts("test"), population(store, others, "test")[0].starts
        )
        extra = np.isin(silent, others.firing(others.starts))
        texts = [_lexical(store, one) for one in (own, others)]
        yield Unit(latent.firing_share, extra, (likely(texts[0], silent), likely(", ".join(texts), silent)))


def _lexical(store: Store, own: LatentWindows, n: int = 40) -> str:
    """Return the lexical explainer's explanation from a latent's explain split."""
    latent = store.at(own.hookpoint).latent(own.index)
    lines = []
    for number, context in enumerate(LatentContexts(store, latent).explain(n, seed=0), 1):
        pairs = zip(context.tokens(), context.activations.tolist(), strict=True)
        active = ", ".join(f"{json.dumps(visible(token))}: {act:.2f}" for token, act in pairs if act > 0)
        lines += [f"Example {number}: {visible(context.text)}", f"Active: {active}"]
    return explain("\n".join(lines)).removeprefix("EXPLANATION: ")


def statistics(
    unit: Unit, false: bool, draw: Draw | None, rng: np.random.Generator, n: int, errs: float
) -> dict[str, float]:
    """Return a unit's statistics where a grader says what the true labels say, or the false ones.

    Args:
        unit: The unit.
        false: Whether the extra labels are there.
        draw: The silent windows that are looked at, by importance; None for n random ones.
        rng: Random numbers.
        n: Activating contexts.
        errs: Share of texts in which the grader errs.
    """
    rows = rng.permutation(len(unit.extra))[:n] if draw is None else draw.rows
    labels = np.concatenate([np.ones(n, dtype=bool), unit.extra[rows] & false])
    labels ^= rng.random(len(labels)) < errs
    kinds = ["activating"] * n + ["random" if draw is None else "importance"] * len(rows)
    weights = [None] * (n + len(rows)) if draw is None else [*[None] * n, *draw.weights]
    verdicts = [
        Verdict(kind=kind, label=int(label), probability=float(label), weight=weight)
        for kind, label, weight in zip(kinds, labels, weights, strict=True)
    ]
    return classification_statistics(verdicts, LatentFacts(firing_share=unit.share))


def passes(unit: Unit, drawn: str, rng: np.random.Generator, n: int, errs: float) -> dict[str, bool]:
    """Return by statistic whether a unit passes: whether the false labels score below the true ones."""
    values = []
    for false, likely in enumerate(unit.likely):
        draw = importance_draw(likely, n, rng) if drawn == "importance" else None
        values.append(statistics(unit, bool(false), draw, rng, n, errs))
    return {name: values[1][name] < values[0][name] for name in STATISTICS}


def table(
    title: str, rows: dict[str, Callable[[np.random.Generator], Iterator[Unit]]], args: argparse.Namespace
) -> Table:
    """Return in how many units each statistic passes, a row per sort of units."""
    shown = Table(
        title=f"{title}: units in which the score falls, {args.contexts} contexts, errors {args.error_rate:g}"
    )
    for head in ("units", "n", "have an extra label", *(f"{name}, importance" for name in STATISTICS), "f1, random"):
        shown.add_column(head.replace("_", " "), justify="left" if head == "units" else "right")
    for name, draw in rows.items():
        rng = np.random.default_rng(args.seed)
        units = list(draw(rng))
        by_draw = {
            drawn: [passes(unit, drawn, rng, args.contexts, args.error_rate) for unit in units]
            for drawn in ("importance", "random")
        }
        for low, high in BANDS:
            which = [i for i, unit in enumerate(units) if low <= unit.share <= high]
            if not which:
                continue
            rates = [np.mean([by_draw["importance"][i][statistic] for i in which]) for statistic in STATISTICS]
            rates.append(np.mean([by_draw["random"][i]["f1"] for i in which]))
            there = np.mean([units[i].extra.any() for i in which])
            band = f"{name}, {100 * low:g} to {100 * high:g} %"
            shown.add_row(band, str(len(which)), *(f"{rate:.0%}" for rate in (there, *rates)))
    return shown


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=300, help="units of each sort")
    parser.add_argument("--contexts", type=int, default=100, help="activating contexts, and silent ones")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of texts in which the grader errs")
    parser.add_argument("--sorts", default="simulated,words,latents", help="sorts of units, separated by commas")
    parser.add_argument("--stores", default="demo,smollm2", help="stores of `latents`")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    console, sorts = Console(width=None if Console().is_terminal else 160), args.sorts.split(",")
    if "simulated" in sorts:
        rows = {
            f"{n:,} windows, predictor's AUROC {area:g}": partial(simulated, args.units, n, area)
            for n in WINDOWS
            for area in AUROCS
        }
        console.print(table("Simulated", rows, args))
    if "words" in sorts:
        console.print(table("Words", {"demo": partial(words, Store.open(locate("demo")), args.units)}, args))
    if "latents" in sorts:
        stores = {name: partial(latents, Store.open(locate(name)), args.units) for name in args.stores.split(",")}
        console.print(table("Latents", stores, args))


if __name__ == "__main__":
    main()
