from math import isnan

import numpy as np
import pytest

from inspect_autointerp.statistics.rank_agreement import (
    explainer_order,
    kendall,
    latent_ranks,
    redrawn_pairs,
    top_overlap,
)


def test_pairs_differ_in_one_factor_alone() -> None:
    pairs = list(redrawn_pairs((2, 3, 1, 1), "draw"))
    assert len(pairs) == 2 * 3
    assert all(sum(a != b for a, b in zip(first, second, strict=True)) == 1 for first, second in pairs)
    assert list(redrawn_pairs((2, 3, 1, 1), "grader")) == []


def test_kendall_of_equal_reversed_and_constant_scores() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert kendall(values, values) == 1
    assert kendall(values, -values) == -1
    assert isnan(kendall(values, np.ones(4)))


def test_top_overlap_counts_ties_by_their_share() -> None:
    first = np.array([4.0, 3.0, 2.0, 1.0])
    assert top_overlap(first, first, 2) == 1
    assert top_overlap(first, -first, 2) == 0
    assert top_overlap(first, np.ones(4), 2) == pytest.approx(0.5)  # each of four is one of two by half


def test_latent_ranks_leave_out_what_has_one_level(rng: np.random.Generator) -> None:
    latents = rng.normal(size=(50, 1, 1, 1, 1))
    values = latents + np.zeros((50, 2, 2, 1, 1))
    assert latent_ranks(values, 10) == {
        "test draw": {"kendall": pytest.approx(1.0), "top": pytest.approx(1.0)},
        "documents": {"kendall": pytest.approx(1.0), "top": pytest.approx(1.0)},
    }


def test_explainer_order_is_the_share_of_pairs_that_stay() -> None:
    means = np.zeros((3, 1, 2, 1, 1))
    means[:, 0, 0, 0, 0] = [0.3, 0.2, 0.1]
    means[:, 0, 1, 0, 0] = [0.3, 0.1, 0.2]  # two of three pairs keep their order
    assert explainer_order(means) == {"test draw": pytest.approx(2 / 3)}
    assert explainer_order(means[:1]) == {}
