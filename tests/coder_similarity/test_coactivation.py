"""Correlations over the tokens of shared windows: exact, zeros included."""

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from inspect_autointerp.coder_similarity import coactivation
from inspect_autointerp.coder_similarity.coactivation import Coactivation, pool_activations
from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.store.postings import POOL
from inspect_autointerp.store.store import Store


def sparse(rng: np.random.Generator, n: int, tokens: int, share: float = 0.2) -> csr_matrix:
    return csr_matrix(np.where(rng.random((n, tokens)) < share, rng.lognormal(size=(n, tokens)), 0))


def dense_correlation(a: csr_matrix, b: csr_matrix) -> np.ndarray:
    return np.corrcoef(a.toarray(), b.toarray())[: a.shape[0], a.shape[0] :]


def test_by_hand() -> None:
    # x = 2 0 0 2, y = 1 0 0 0: means 1 and ¼, Σxy − Σx Σy / 4 = 2 − 4 · 1 / 4 = 1; Σx² − 4 = 4, Σy² − ¼ = ¾.
    a, b = csr_matrix([[2.0, 0, 0, 2]]), csr_matrix([[1.0, 0, 0, 0]])
    similarity = Coactivation(a, b, window=2, min_fires=1).of(np.array([0]), np.array([0]))
    assert similarity[0] == pytest.approx(1 / sqrt(4 * 0.75))


def test_what_has_no_correlation_is_undefined() -> None:
    a = csr_matrix(np.array([[0.0, 0, 0, 0], [3, 3, 3, 3], [1, 0, 0, 2], [0, 5, 0, 0]]))
    together = Coactivation(a, a, window=2, min_fires=2)
    assert together.known[0].tolist() == [False, False, True, False]  # silent, never changing, known, once alone
    assert together.fires[0].tolist() == [0, 4, 2, 1]
    i = np.arange(4)
    assert np.isnan(together.of(i, i)).tolist() == [True, True, False, True]
    assert together.candidates(None).nonzero()[0].tolist() == [2]


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 5, None]))
def test_as_numpy_has_it_whatever_the_blocks(seed: int, k: int | None) -> None:
    rng = np.random.default_rng(seed)
    a, b = sparse(rng, 12, 40), sparse(rng, 9, 40)
    together = Coactivation(a, b, window=8, min_fires=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = np.nan_to_num(dense_correlation(a, b))
    wanted[~together.known[0]] = 0
    wanted[:, ~together.known[1]] = 0
    row, column = np.indices(wanted.shape).reshape(2, -1)
    assert np.nan_to_num(together.of(row, column)) == pytest.approx(wanted.ravel(), abs=1e-9)
    if k is not None:
        largest = [
            wanted >= -np.sort(-wanted, axis=axis).take([min(k, wanted.shape[axis]) - 1], axis) for axis in (0, 1)
        ]
        wanted = np.where(largest[0] | largest[1], wanted, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coactivation, "_PRODUCTS", 30)
        candidates = together.candidates(k).toarray()
    assert candidates == pytest.approx(np.maximum(wanted, 0), abs=1e-9)


def test_a_permuted_copy_is_matched_exactly(rng: np.random.Generator) -> None:
    a, order = sparse(rng, 60, 400, 0.1), rng.permutation(60)
    for k in (None, 3):
        rows, columns = Coactivation(a, csr_matrix(a[order]), window=8).match(k)
        assert rows.tolist() == list(range(60))
        assert order[columns].tolist() == list(range(60))


def test_unrelated_latents_keep_what_they_do_and_lose_what_they_share(rng: np.random.Generator) -> None:
    a = sparse(rng, 30, 800, 0.05)
    together = Coactivation(a, a, window=8)
    other = together.unrelated(rng, 30)
    i = np.arange(30)
    assert together.of(i, i) == pytest.approx(np.ones(30))
    assert np.abs(other.of(i, i)).max() < 0.5
    assert other.fires[1].tolist() == together.fires[1].tolist()


def test_the_pool_of_a_store_window_by_window(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(store_folder)
    windows, width = store.pool[5:400], store.settings.window
    monkeypatch.setattr(coactivation, "_LATENTS", 100)  # 256 latents in three blocks
    activations = pool_activations(store, "layers.1", windows)
    assert activations.shape == (256, len(windows) * width)
    for index in (0, 99, 100, 255):
        kept = LatentWindows(store, "layers.1", index)
        fired = np.intersect1d(kept.starts[kept.flags & POOL > 0], windows)
        wanted = np.zeros((len(windows), width))
        wanted[np.searchsorted(windows, fired)] = kept.on(fired, width)
        assert activations[index].toarray().reshape(wanted.shape) == pytest.approx(wanted)
    assert activations.nnz > 4 * 300 * width * 0.5  # top 4 of random latents, nearly all above 0, on every token
