"""Triples against a loop over every entry, and that NaN is never taken for silence."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.triples import Triples, above, checked_threshold, chosen, finite, strongest

BROKEN = r"^coder it gives NaN or infinite activations on finite input; check its weights, and that its dtype"
VALUES = st.sampled_from([-math.inf, -1.0, -0.0, 0.0, 0.25, 1.0, 2.0, 3.5])


@st.composite
def matrices(draw: st.DrawFn) -> Tensor:
    """float32 (token, latent), none of them too, and of sizes that eight divides and does not."""
    n_tokens, n_latents = draw(st.integers(0, 4)), draw(st.sampled_from([1, 3, 8, 13, 16]))
    size = n_tokens * n_latents
    return torch.tensor(draw(st.lists(VALUES, min_size=size, max_size=size))).view(n_tokens, n_latents)


def listed(triples: Triples) -> list[tuple[int, int, float]]:
    return list(zip(*(column.tolist() for column in triples), strict=True))


@given(hidden=matrices(), data=st.data())
def test_above_is_what_a_loop_finds_in_order(hidden: Tensor, data: st.DataObject) -> None:
    n = hidden.shape[1]
    threshold = data.draw(st.lists(st.sampled_from([0.0, 0.25, 1.0, math.inf]), min_size=n, max_size=n))
    expected = [
        (token, latent, value)
        for token, row in enumerate(hidden.tolist())
        for latent, value in enumerate(row)
        if value > threshold[latent]
    ]
    assert listed(above(hidden, torch.tensor(threshold), "it")) == expected
    positive = [(t, i, v) for t, row in enumerate(hidden.tolist()) for i, v in enumerate(row) if v > 0]
    assert listed(above(hidden, 0.0, "it")) == positive


@given(hidden=matrices(), data=st.data(), broken=st.sampled_from([math.nan, math.inf]))
def test_one_broken_value_anywhere_is_refused(hidden: Tensor, data: st.DataObject, broken: float) -> None:
    if not hidden.numel():
        return
    hidden.view(-1)[data.draw(st.integers(0, hidden.numel() - 1))] = broken
    for encode in (lambda: above(hidden, 0.0, "it"), lambda: strongest(hidden, 1, "it")):
        with pytest.raises(UserError, match=BROKEN):
            encode()
    with pytest.raises(UserError, match=BROKEN):
        chosen(hidden, torch.zeros_like(hidden, dtype=torch.int64), "it")


def test_a_value_far_below_zero_is_silence() -> None:
    hidden = torch.tensor([[-torch.inf, 1.0]])
    for triples in (above(hidden, 0.0, "it"), strongest(hidden, 2, "it")):
        assert listed(triples) == [(0, 1, 1.0)]


def test_triples_themselves_are_looked_at() -> None:
    index = torch.zeros(1, dtype=torch.int64)
    assert finite(good := Triples(index, index, torch.ones(1)), "it") is good
    with pytest.raises(UserError, match=BROKEN):
        finite(Triples(index, index, torch.tensor([torch.nan])), "it")


def test_thresholds_are_at_least_zero_and_none_is_nan() -> None:
    threshold = checked_threshold(torch.tensor([-1.0, 0.5, torch.inf]), "it")
    assert threshold.tolist() == [0.0, 0.5, math.inf]  # one at infinity is a latent switched off
    with pytest.raises(UserError, match=r"^coder it: its thresholds contain NaN; check its weights$"):
        checked_threshold(torch.tensor([0.5, torch.nan]), "it")
