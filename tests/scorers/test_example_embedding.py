"""Example embedding: the arithmetic by hand, and which contexts are compared."""

from math import isnan
from typing import Any

import numpy as np
import pytest

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.embedding.embedders import pairwise_cosines
from inspect_autointerp.scorers.example_embedding.draw import Comparison, comparisons, nearer
from inspect_autointerp.scorers.example_embedding.statistics import KEYS, example_embedding_statistics


def context(start: int, decile: int | None = None) -> Context:
    kind: Any = "random" if decile is None else "activating"
    return Context(kind, start, f"text {start}", ((0, 6),), np.array([float(decile is not None)]), decile)


def test_difference_of_means_is_that_of_the_formula() -> None:
    # Unit vectors in a plane, by their angles in degrees: two activating examples, two random ones, two queries.
    angles = np.radians([0, 60, 90, 180, 30, 120])
    cosines = pairwise_cosines(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    one = Comparison(query=4, silent_query=5, examples=(0, 1), silent_examples=(2, 3))
    # delta+: the query at 30 is 30 and 30 degrees from the activating, 60 and 150 from the random examples.
    root = 3**0.5 / 2
    assert nearer(4, one, cosines) == pytest.approx((root + root) / 2 - (0.5 - root) / 2)
    # delta-: the random query at 120 is 120 and 60 degrees from the activating, 30 and 60 from the random examples.
    assert nearer(5, one, cosines) == pytest.approx((-0.5 + 0.5) / 2 - (root + 0.5) / 2)


def test_text_without_an_embedding_is_left_out() -> None:
    cosines = pairwise_cosines(np.array([[1.0, 0], [0, 0], [0, 1.0], [1.0, 0]]))
    assert isnan(cosines[1, 0])
    assert nearer(3, Comparison(3, 1, (0, 1), (2,)), cosines) == 1
    assert isnan(nearer(1, Comparison(3, 1, (0,), (2,)), cosines))
    assert isnan(nearer(3, Comparison(3, 2, (1,), (2,)), cosines))


def test_queries_are_compared_with_their_decile_and_with_no_query(rng: np.random.Generator) -> None:
    activating = [context(i, 1 + i // 3) for i in range(30)] + [context(99, 11)]
    silent = [context(100 + i) for i in range(40)]
    made = comparisons(activating, silent, 20, 10, rng)
    assert len(made) == 20
    assert len({one.query for one in made}) == 20
    assert all(one.query != 30 for one in made), "it is alone in its decile"
    silent_queries = {one.silent_query for one in made}
    for one in made:
        decile = activating[one.query].decile
        assert {*one.examples} == {i for i in range(30) if activating[i].decile == decile and i != one.query}
        assert len(one.silent_examples) == 10
        assert silent_queries.isdisjoint(one.silent_examples)
        assert min(one.silent_examples) >= len(activating)


def test_statistics_by_hand() -> None:
    rows = [Verdict(kind="activating", decile=10, value=value) for value in (0.4, 0.1)]
    rows += [Verdict(kind="random", value=0.2), Verdict(kind="random", reason="empty_context")]
    values = example_embedding_statistics(rows, LatentFacts())
    assert list(values) == KEYS
    assert values["auroc"] == values["auroc_decile_10"] == 0.5
    assert values["delta_activating"] == 0.25
    assert values["delta_random"] == 0.2
    assert values["unscored"] == 0.25
    assert isnan(example_embedding_statistics([], LatentFacts())["delta_random"])
