"""Which latents the floor of unrelated ones is of."""

import numpy as np
import pytest

from inspect_autointerp.coder_similarity.cosine import Cosine
from inspect_autointerp.coder_similarity.null_baseline import drawn


def test_all_where_they_are_few(rng: np.random.Generator) -> None:
    state = rng.bit_generator.state
    known = np.array([True, False, True]), np.ones(9, dtype=bool)
    assert drawn(known, 2, rng) == (slice(None), slice(None))
    assert rng.bit_generator.state == state


@pytest.mark.parametrize("few", [0, 1])
def test_some_of_the_side_of_fewer_none_unknown(few: int, rng: np.random.Generator) -> None:
    known = np.zeros((2, 40), dtype=bool)
    known[few, :10], known[1 - few, :30] = True, True
    sides = drawn((known[0], known[1]), 4, rng)
    some = sides[few]
    assert isinstance(some, np.ndarray)
    assert len(set(some.tolist())) == 4
    assert some.max() < 10
    assert sides[1 - few] == slice(None)


def test_of_some_it_is_as_high_as_of_all_or_a_little_higher(rng: np.random.Generator) -> None:
    cosine = Cosine(rng.standard_normal((600, 32)), rng.standard_normal((700, 32)))
    means = {}
    for at_most in (600, 150):
        other = cosine.unrelated(np.random.default_rng(1), at_most)
        means[at_most] = other.of(*other.match(8)).mean()
        assert int(other.known[0].sum()) == at_most
    best = np.nanmax(cosine.all(), axis=1).mean()
    assert means[600] < means[150] < best + 0.01
    assert means[150] - means[600] < 0.05
