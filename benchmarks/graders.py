"""Recovery of planted error rates by `statistics.dawid_skene`, and its labels beside the majority's.

`python -m benchmarks.graders` draws labels of three graders that err independently, 200 times for each case, and prints
a row per case: the mean balanced accuracy of the best grader, of the majority and of the aggregate, and the mean
absolute error of the estimated rates.
"""

import numpy as np

from inspect_autointerp.statistics.dawid_skene import dawid_skene

RUNS = 200
CASES = {"alike": (0.1, 0.1, 0.1), "one poor": (0.05, 0.1, 0.4), "one good": (0.02, 0.3, 0.3)}
"""By name the error rate of each grader, of misses and of false alarms alike."""


def measured(rates: tuple[float, ...], n: int, share: float, seed: int = 0) -> np.ndarray:
    """Return the means over runs: best grader, majority, aggregate (balanced accuracy), and error of the rates.

    Args:
        rates: The error rate of each grader.
        n: Contexts.
        share: Share of contexts whose label is 1, in (0, 1).
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(RUNS):
        truth = rng.random(n) < share
        labels = (truth[:, None] != (rng.random((n, len(rates))) < np.array(rates))).astype(float)
        consensus = dawid_skene(labels)
        own = max(_balanced(labels[:, i], truth) for i in range(len(rates)))
        majority = (labels.mean(axis=1) > 0.5).astype(float)
        errors = np.abs(np.concatenate([consensus.misses - rates, consensus.false_alarms - rates]))
        rows.append((own, _balanced(majority, truth), _balanced(consensus.label, truth), errors.mean()))
    return np.mean(rows, axis=0)


def _balanced(labels: np.ndarray, truth: np.ndarray) -> float:
    return float((labels[truth].mean() + 1 - labels[~truth].mean()) / 2)


def main() -> None:
    """Print the table."""
    print("graders     contexts  share of 1  best grader  majority  aggregate  error of rates")
    for name, rates in CASES.items():
        for n, share in ((200, 0.5), (200, 0.1), (5000, 0.5), (5000, 0.1)):
            best, majority, joined, error = measured(rates, n, share)
            print(f"{name:<10}  {n:>8}  {share:>10}  {best:>11.3f}  {majority:>8.3f}  {joined:>9.3f}  {error:>14.3f}")


if __name__ == "__main__":
    main()
