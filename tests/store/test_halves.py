from pathlib import Path

import numpy as np
import pytest

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Split
from inspect_autointerp.store.halves import HALVES, half_name, in_half, read_half
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks._task import open_latents

SPLITS: tuple[Split, Split] = ("explain", "test")


def test_halves_share_no_document_and_are_about_equal() -> None:
    numbers = np.arange(20_000)
    first, second = (in_half(numbers, half) for half in HALVES)
    assert (first ^ second).all()
    assert first.mean() == pytest.approx(0.5, abs=0.02)
    # a document's half depends on its number alone, and says nothing of its neighbour's
    assert np.array_equal(in_half(numbers[500:600], 1), first[500:600])
    assert (first[1:] == first[:-1]).mean() == pytest.approx(0.5, abs=0.02)


def test_read_half_splits_the_name_from_the_half() -> None:
    assert read_half("smollm2#1/2") == ("smollm2", 1)
    assert read_half(half_name("/a/b#c", 2)) == ("/a/b#c", 2)
    assert read_half("smollm2") == ("smollm2", None)
    assert read_half(None) == (None, None)
    with pytest.raises(UserError, match="half 3: a store has the halves 1 and 2"):
        read_half("smollm2#3/2")


def test_contexts_of_halves_are_those_of_the_whole_divided(planted_store: Path) -> None:
    whole, *halves = (Store(planted_store, half=half) for half in (None, 1, 2))
    assert [half.digest.removeprefix(whole.digest) for half in halves] == ["/half1", "/half2"]
    latent = whole.at("planted").latent(0)
    for split in SPLITS:
        assert sum(half.n_documents(split) for half in halves) == whole.n_documents(split)
        assert sum(len(half.pool_of(split).starts) for half in halves) == len(whole.pool_of(split).starts)
        drawn = [{one.start for one in LatentContexts(half, latent).activating(split)} for half in halves]
        assert all(drawn)
        for number, starts in zip(HALVES, drawn, strict=True):
            assert in_half(whole.document(np.array(sorted(starts))), number).all()
        assert {one.start for one in LatentContexts(whole, latent).activating(split)} <= drawn[0] | drawn[1]
    shown = [{one.start for one in LatentContexts(half, latent).explain(40, 0, "top")} for half in halves]
    assert not shown[0] & shown[1]


def test_a_task_takes_a_half_of_a_store(planted_store: Path) -> None:
    data = open_latents(f"{planted_store}#2/2", None, "0:4", "random", 5, None, 0)
    assert data.store.digest.endswith("/half2")
    assert {(sample.metadata or {})["half"] for sample in data.samples} == {2}
    assert {(sample.metadata or {})["store"] for sample in data.samples} == {str(planted_store)}
