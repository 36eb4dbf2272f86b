"""Statistics of example embedding: those of ranked contexts, and the two mean differences."""

from collections.abc import Sequence

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.scorers.shared import ranking

DELTAS = {"delta_activating": "activating", "delta_random": "random"}
KEYS = [*ranking.KEYS, *DELTAS]


def example_embedding_statistics(verdicts: Sequence[Verdict], facts: LatentFacts) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each query; `value` is how much nearer it is to the latent's texts than to others.
        facts: Not needed.

    Returns:
        Those of `ranking_statistics`, and
        - `delta_activating`, `delta_random`: means of the values of activating and of random queries, in [-2, 2].
    """
    values = ranking.ranking_statistics(verdicts, LatentFacts())
    for name, kind in DELTAS.items():
        known = [verdict.value for verdict in verdicts if verdict.kind == kind and verdict.value is not None]
        values[name] = sum(known) / len(known) if known else float("nan")
    return values
