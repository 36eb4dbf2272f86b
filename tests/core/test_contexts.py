from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspect_autointerp.contexts import LatentContexts, seed_of, stratified
from inspect_autointerp.store import Store


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


@pytest.fixture(scope="module")
def busy(store: Store) -> list[LatentContexts]:
    """Latents with at least thirty contexts of every kind."""
    found = [LatentContexts(store, store.latent("layers.1", index)) for index in range(256)]
    return [contexts for contexts in found if min(contexts.n_available()) >= 30]


@given(index=st.integers(0, 255), seed=st.integers(0, 5), n=st.integers(1, 120))
@settings(max_examples=60)
def test_explain_and_test_never_share_a_document_or_a_text(store_folder: Path, index: int, seed: int, n: int) -> None:
    store = Store.open(str(store_folder))
    contexts = LatentContexts(store, store.latent("layers.1", index))
    shown, tested = contexts.explain(n, seed), contexts.test(n, n, seed)

    def tokens(context) -> bytes:
        return store.tokens[context.start : context.start + 32].tobytes()

    def documents(found) -> set[int]:
        return set(store.document(np.array([context.start for context in found], dtype=int)).tolist())

    assert not documents(shown) & documents(tested)
    assert not {tokens(context) for context in shown} & {tokens(context) for context in tested}
    assert len({tokens(context) for context in tested}) == len(tested), "no text twice, within or across kinds"
    assert store.in_split(np.array([context.start for context in tested], dtype=int), "test").all()


def test_activating_contexts_fire_and_random_ones_do_not(store: Store) -> None:
    for index in range(0, 256, 23):
        latent = store.latent("layers.1", index)
        for context in LatentContexts(store, latent).test(50, 50, 0):
            assert (context.max_activation > 0) == (context.kind == "activating")
            assert (context.decile is None) == (context.kind == "random")
            assert context.max_activation <= latent.max_activation


def test_deciles_are_tenths_by_rank(busy: list[LatentContexts]) -> None:
    contexts = busy[0].activating("test")
    n = len(contexts)
    assert [context.decile for context in contexts] == [10 * rank // n + 1 for rank in range(n)]
    assert all(a.max_activation <= b.max_activation for a, b in pairwise(contexts))


def test_the_draw_depends_on_the_seed_and_on_nothing_else(store: Store, busy: list[LatentContexts]) -> None:
    def starts(seed: int) -> list[int]:
        return [context.start for context in LatentContexts(store, busy[0].latent).test(20, 20, seed)]

    assert starts(0) == starts(0)
    assert starts(0) != starts(1)


def test_the_order_of_test_contexts_says_nothing_of_their_kind(busy: list[LatentContexts]) -> None:
    # With 30 + 30 contexts the mean place of an activating one is (60 − 1) / 2 = 29.5, and its standard error over
    # n draws √(30 · 61 / (12 · 30)) / √n = 2.25 / √n (ranks drawn without replacement).
    places = []
    for contexts in busy:
        for seed in range(10):
            found = contexts.test(30, 30, seed)
            assert len(found) == 60
            places.append(np.mean([place for place, context in enumerate(found) if context.kind == "activating"]))
    assert len(places) >= 100
    assert abs(np.mean(places) - 29.5) < 4 * 2.25 / len(places) ** 0.5


def test_strata_share_equally_as_far_as_they_can() -> None:
    # Strata of 1, 5 and 5 and eight to choose: the small one gives its one, the others 7 between them, 3 or 4 each.
    strata = [1] + [2] * 5 + [3] * 5
    chosen = stratified(strata, 8, np.random.default_rng(0))
    assert sorted([strata[i] for i in chosen].count(s) for s in (1, 2, 3)) == [1, 3, 4]


@given(strata=st.lists(st.integers(1, 10), max_size=60), n=st.integers(0, 80), seed=st.integers(0, 9))
def test_stratified_chooses_without_replacement_and_evenly(strata: list[int], n: int, seed: int) -> None:
    chosen = stratified(strata, n, np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen)) == min(n, len(strata))
    counts = {s: [strata[i] for i in chosen].count(s) for s in set(strata)}
    full = [counts[s] for s in counts if counts[s] < strata.count(s)]
    assert not full or max(counts.values()) - min(full) <= 1


def test_seeds_differ_by_any_part() -> None:
    assert seed_of(1, "a") != seed_of(1, "b") != seed_of(0, "b")
    assert seed_of("ab", "c") != seed_of("a", "bc")
