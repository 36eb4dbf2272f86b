"""Questions of example embedding: a query, and the examples that it is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspect_autointerp.contexts.sampling import stratified
from inspect_autointerp.latent import Context


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two queries and two sets of examples, by their numbers among the contexts drawn."""

    query: int
    """An activating context."""
    silent_query: int
    """A random context."""
    examples: tuple[int, ...]
    """Other activating contexts of the query's decile."""
    silent_examples: tuple[int, ...]
    """Random contexts, none of which is a query anywhere."""


def comparisons(
    activating: Sequence[Context], silent: Sequence[Context], n: int, n_examples: int, rng: np.random.Generator
) -> list[Comparison]:
    """Draw up to n comparisons, the queries' deciles in equal shares; no query twice.

    Args:
        activating: Activating contexts with their deciles. One that is alone in its decile can be no query.
        silent: Random contexts. The first half are queries, the others examples.
        n: Comparisons, at most.
        n_examples: Examples of each kind, at most.
        rng: Draws them.

    Returns:
        The comparisons; numbers of silent contexts count on from those of the activating ones.
    """
    of_decile: dict[int | None, list[int]] = {}
    for i, context in enumerate(activating):
        of_decile.setdefault(context.decile, []).append(i)
    able = [i for i, context in enumerate(activating) if len(of_decile[context.decile]) > 1]
    chosen = [able[i] for i in stratified([activating[i].decile or 0 for i in able], n, rng)]
    order = [len(activating) + i for i in rng.permutation(len(silent)).tolist()]
    queries, examples = order[: len(order) // 2], order[len(order) // 2 :]
    made: list[Comparison] = []
    for query, silent_query in zip(chosen, queries, strict=False):
        others = [i for i in of_decile[activating[query].decile] if i != query]
        made.append(
            Comparison(
                query,
                silent_query,
                tuple(rng.permutation(others)[:n_examples].tolist()),
                tuple(rng.permutation(examples)[:n_examples].tolist()),
            )
        )
    return made


def nearer(query: int, comparison: Comparison, cosines: np.ndarray) -> float:
    """Return how much nearer a query is to a latent's texts than to others: the difference of two mean cosines.

    Args:
        query: Number of a context.
        comparison: The examples.
        cosines: Of all pairs of contexts, float (context, context); NaN where one has no embedding.

    Returns:
        mean cos(query, activating examples) − mean cos(query, random examples), in [-2, 2]. Examples without an
        embedding are left out; NaN where the query has none, or no example of a kind is left.
    """
    sides = [cosines[query, list(side)] for side in (comparison.examples, comparison.silent_examples)]
    known = [side[~np.isnan(side)] for side in sides]
    return float(known[0].mean() - known[1].mean()) if all(map(len, known)) else float("nan")
