"""Grading that stops when it knows enough: coverage, bias, and calls saved.

`python -m benchmarks.sequential` draws latents whose accuracy is known, grades each by batches of ten activating and
ten random contexts of 100 and 100, and stops by a rule. It counts how often the interval holds the balanced accuracy
over all 200 contexts: at the moment of stopping, and at all looks at once. Beside it is the usual interval at the same
moment, which supposes that nobody looked before. The second table does the same for means over latents.

`python -m benchmarks.sequential --logs LOGDIR` replays the rules on the verdicts of finished logs in which everything
was graded: what share of contexts each would have graded, how wide the interval of the mean over latents would be,
and in which order explainers would stand. So it tells what `-T stop=` would have saved you.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from inspect_autointerp.statistics.confidence_sequences import mean_bounds, never_out
from inspect_autointerp.statistics.intervals import bootstrap_interval, bootstrap_intervals
from inspect_autointerp.statistics.stop_rule import StopRule
from inspect_autointerp.statistics.stopped_runs import StoppedRuns, drawn_runs, stopped_runs
from inspect_autointerp.text.settings_words import short_labels

PAIRS, BATCH = 100, 10
RULES = (
    StopRule(width=0.3),
    StopRule(width=0.2),
    StopRule(width=0.1),
    StopRule(above=0.7, below=0.7),
    StopRule(above=0.55),
)
LATENTS = 300
SPREADS = {"Beta(8, 2), sd 0.12": (8, 2), "Beta(30, 20), sd 0.07": (30, 20), "Beta(2, 2), sd 0.22": (2, 2)}
MEAN_WIDTHS = (0.08, 0.04)
RATES: dict[str, tuple[float, float]] = {
    "guesses": (0.5, 0.5),
    "says no": (0.02, 0.98),
    "poor": (0.5, 0.75),
    "fair": (0.6, 0.9),
    "good": (0.8, 0.95),
    "excellent": (0.97, 0.99),
}
"""TPR and TNR of the grader."""
FIXED = (50, 30, 20, 10)
"""Contexts of each kind of the designs that grade fewer of every latent, and stop nowhere."""
TIE = 0.005
"""Explainers whose means over all contexts are closer than this count as equal: their order is of no account."""
Labels = dict[str, np.ndarray]
"""By explainer, bool (2, latent, pair): which contexts were labelled correctly, activating and random."""


def holds(low: np.ndarray, high: np.ndarray, truth: np.ndarray | float) -> float:
    """Return the share of intervals that hold the truth."""
    return float(((low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean())


def usual(runs: StoppedRuns, positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the normal's intervals at the moment of stopping, for draws without replacement."""
    n = runs.pairs
    seen = np.arange(positives.shape[1])[None] < n[:, None]
    rates = [(side & seen).sum(axis=1) / n for side in (positives, negatives)]
    variance = (
        (rates[0] * (1 - rates[0]) + rates[1] * (1 - rates[1]))
        / 4
        / np.maximum(n - 1, 1)
        * (1 - n / positives.shape[1])
    )
    half = 1.959964 * np.sqrt(variance)
    return runs.estimate - half, runs.estimate + half


def of_latents(runs: int, seed: int) -> Table:
    """Measure stopping within a latent."""
    table = Table(title=f"within a latent: {runs:,} runs a row, 100 + 100 contexts", title_justify="left")
    for name in ("grader", "rule", "held, all looks %", "held, at the stop %", "usual interval %", "graded %", "bias"):
        table.add_column(name, justify="left" if name in ("grader", "rule") else "right")
    for name, rates in RATES.items():
        rng = np.random.default_rng([seed, *(round(100 * rate) for rate in rates)])
        sides = drawn_runs(np.full(runs, rates[0]), np.full(runs, rates[1]), PAIRS, rng)
        for rule, result in zip(RULES, stopped_runs(RULES, *sides, BATCH), strict=True):
            low, high = usual(result, *sides)
            table.add_row(
                f"{name} ({rates[0]:g}, {rates[1]:g})",
                str(rule),
                f"{100 * result.always.mean():.1f}",
                f"{100 * holds(result.low, result.high, result.truth):.1f}",
                f"{100 * holds(low, high, result.truth):.1f}",
                f"{100 * result.pairs.mean() / PAIRS:.0f}",
                f"{(result.estimate - result.truth).mean():+.4f}",
            )
    return table


def of_means(runs: int, bounded: int, seed: int) -> Table:
    """Measure stopping of an evaluation over latents.

    Args:
        runs: Runs of which it is measured whether any interval misses the mean.
        bounded: Runs of which the intervals themselves are computed, which takes long.
        seed: Random seed.
    """
    title = f"over latents: {LATENTS} asked for, {runs:,} runs a row (all looks) and {bounded:,} (other columns)"
    table = Table(title=title, title_justify="left")
    for name in (
        "scores",
        "stop_mean",
        "held, all looks %",
        "held, at the stop %",
        "leaderboard's, of these %",
        "leaderboard's, of all there could be %",
        "latents",
        "bias",
    ):
        table.add_column(name, justify="left" if name in ("scores", "stop_mean") else "right")
    for name, shape in SPREADS.items():
        rng = np.random.default_rng([seed, *shape])
        always = np.concatenate([never_out(rng.beta(*shape, (1000, LATENTS))) for _ in range(-(-runs // 1000))])
        parts = [
            _stop_mean(rng.beta(*shape, (min(100, bounded), LATENTS)), shape[0] / sum(shape))
            for _ in range(-(-bounded // 100))
        ]
        for number, width in enumerate(MEAN_WIDTHS):
            columns = (np.concatenate(column) for column in zip(*(part[number] for part in parts), strict=True))
            at_stop, board, whole, n, off = columns
            shares = [f"{100 * one.mean():.1f}" for one in (always, at_stop, board, whole)]
            table.add_row(name, f"width:{width:g}", *shares, f"{n.mean():.0f}", f"{off.mean():+.4f}")
    return table


def _stop_mean(scores: np.ndarray, population: float) -> list[list[np.ndarray]]:
    """Stop each run at each width.

    Returns:
        By width, whether the interval holds the mean of the latents asked for, whether the leaderboard's holds it, and
        whether that holds the mean of the population which they are drawn from; latents; error of the mean.
    """
    truth, every = scores.mean(axis=1), np.arange(len(scores))
    low, high = mean_bounds(scores, scores.shape[1])
    results = []
    for width in MEAN_WIDTHS:
        narrow = high - low <= width
        narrow[:, -1] = True
        at = narrow.argmax(axis=1)
        seen = np.where(np.arange(scores.shape[1])[None] <= at[:, None], scores, np.nan)
        board = bootstrap_intervals(seen.T)
        results.append(
            [
                (low[every, at] <= truth) & (truth <= high[every, at]),
                (board[0] <= truth) & (truth <= board[1]),
                (board[0] <= population) & (population <= board[1]),
                at + 1.0,
                np.nanmean(seen, axis=1) - truth,
            ]
        )
    return results


def labels_of(folder: str, score: str) -> Iterator[tuple[str, Labels]]:
    """Yield by table of the leaderboard the labels of one score in finished logs; latents graded in part are left out.

    Args:
        folder: Folder with logs.
        score: `detection` or `fuzzing`.
    """
    from inspect_autointerp.cost.pilot import right_labels
    from inspect_autointerp.leaderboard.load.comparable import compare
    from inspect_autointerp.leaderboard.load.log_entry import read_entries

    for table in compare(read_entries(folder), alone=True)[0]:
        if table.setting.score == score:
            labels = {entry.explainer: right_labels(entry.path, entry.scorer) for entry in table.entries}
            latents = set.intersection(*(set(of_log) for of_log in labels.values()))
            whole = sorted(id for id in latents if all(len(set(map(len, of_log[id]))) == 1 and len(of_log[id][0]) >= 20
                           for of_log in labels.values()))  # fmt: skip
            pairs = min((len(of_log[id][0]) for of_log in labels.values() for id in whole), default=0)
            if pairs:
                cut = {name: np.array([[side[:pairs] for side in of_log[id]] for id in whole]).swapaxes(0, 1)
                       for name, of_log in labels.items()}  # fmt: skip
                yield f"{score} at {table.setting.hookpoint}, {len(whole)} latents, {pairs} + {pairs} contexts", cut


def replayed(labels: Labels, title: str, draws: int, seed: int) -> Table:
    """Replay every rule, and designs that grade fewer contexts of each latent, on known labels in random orders.

    Args:
        labels: The labels of each explainer, on the same latents.
        title: Title of the table.
        draws: Random orders over which figures are averaged.
        seed: Random seed of the orders.
    """
    table = Table(title=f"{title}; means over {draws} orders", title_justify="left")
    table.add_column("design")
    table.add_column("graded %", justify="right")
    for name in ("width of mean ×", "latents × for equal width", "graded % then", "same order %"):
        table.add_column(name, justify="right")
    for name in short_labels(labels).values():
        table.add_column(name, justify="right")
    full = {name: sides.mean(axis=(0, 2)) for name, sides in labels.items()}
    apart = [(one, other) for one in full for other in full if full[one].mean() > full[other].mean() + TIE]
    widths = {name: np.ptp(bootstrap_interval(values.tolist())) for name, values in full.items()}
    whole = [f"{values.mean():.3f} ± {widths[name] / 2:.3f}" for name, values in full.items()]
    table.add_row("all", "100", "1.00", "1.00", "100", "", *whole)
    for design in (*RULES, *FIXED):
        graded, wide, same, means = [], [], [], {name: [] for name in labels}
        for draw in range(draws):
            rng = np.random.default_rng([seed, draw])
            now = {}
            for name, sides in labels.items():
                pairs, estimates = _design(design, *(rng.permuted(side, axis=1) for side in sides))
                now[name] = float(estimates.mean())
                graded.append(pairs.mean() / sides.shape[2])
                wide.append(np.ptp(bootstrap_interval(estimates.tolist())) / widths[name] if widths[name] else np.nan)
                means[name].append(now[name])
            same.append(all(now[one] > now[other] for one, other in apart))
        label = f"stop={design}" if isinstance(design, StopRule) else f"{design} + {design} of every latent"
        share, ratio = float(np.mean(graded)), float(np.nanmean(wide))
        shown = [f"{100 * share:.0f}", f"{ratio:.2f}", f"{ratio**2:.2f}", f"{100 * share * ratio**2:.0f}"]
        table.add_row(label, *shown, f"{100 * np.mean(same):.0f}", *(f"{np.mean(v):.3f}" for v in means.values()))
    return table


def _design(design: StopRule | int, positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many pairs of each latent are graded, and its estimate."""
    if isinstance(design, StopRule):
        [runs] = stopped_runs([design], positives, negatives, BATCH)
        return runs.pairs, runs.estimate
    first = (positives[:, :design].mean(axis=1) + negatives[:, :design].mean(axis=1)) / 2
    return np.full(len(first), min(design, positives.shape[1])), first


def main(given: Sequence[str] | None = None) -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--mean-runs", type=int, default=1_000, help="runs of the table over latents")
    parser.add_argument("--logs", help="replay on the logs in this folder")
    parser.add_argument("--scores", nargs="+", default=["detection", "fuzzing"], choices=["detection", "fuzzing"])
    parser.add_argument("--draws", type=int, default=20, help="random orders of a replay")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(given)
    console = Console(width=None if Console().is_terminal else 170)
    if arguments.logs:
        for score in arguments.scores:
            for title, labels in labels_of(arguments.logs, score):
                console.print(replayed(labels, title, arguments.draws, arguments.seed))
        return
    console.print(of_latents(arguments.runs, arguments.seed))
    console.print(of_means(arguments.runs, arguments.mean_runs, arguments.seed))


if __name__ == "__main__":
    main()
