"""The windows that importance-sampled contexts stand for: the latent is silent on each, and none is left out."""

from pathlib import Path

import numpy as np
import pytest
from tests.freezing import frozen

from inspect_autointerp.contexts import population as module
from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.contexts.population import complete_windows, population, split_windows
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.models.likely_active import LikelyActive
from inspect_autointerp.store.postings import SAMPLE
from inspect_autointerp.store.store import Store


def rare_and_frequent(store: Store) -> tuple[int, int]:
    """Return a latent that the store keeps all test windows of, and one that it samples."""
    at = store.at(None)
    n = {index: int(LatentWindows(store, at.name, index).which("test", SAMPLE).sum()) for index in range(at.width)}
    rare = max((index for index in n if n[index] < store.settings.sample), key=n.__getitem__)
    return rare, next(index for index in n if n[index] == store.settings.sample)


def test_complete_windows_are_those_that_prep_counted(store_folder: Path) -> None:
    store = Store.open(str(store_folder))
    explain, test = (complete_windows(store, split) for split in ("explain", "test"))
    assert len(explain) + len(test) == store.manifest.n_windows
    assert np.isin(store.pool, np.concatenate([explain, test])).all()
    assert store.in_split(test, "test").all() and not store.in_split(explain, "test").any()


@pytest.mark.parametrize("window", [None, 16])
def test_rare_latent_is_silent_on_all_the_rest_of_the_split(store_folder: Path, window: int | None) -> None:
    store = Store.open(str(store_folder), window)
    rare, frequent = rare_and_frequent(store)
    at = store.at(None)
    own = LatentWindows(store, at.name, rare)
    windows, firing = population(store, own, "test")
    assert len(windows.starts) == len(complete_windows(store, "test")) * store.ratio
    assert set(firing) == set(own.firing(own.starts[own.which("test", 0xFF)]))
    contexts = LatentContexts(store, at.latent(rare))
    silent = contexts.population_starts("test")
    assert set(silent) <= set(windows.starts) - set(firing)
    assert set(store.texts(contexts.silent_starts("test"))) <= set(store.texts(silent))
    assert len(silent) > 2 * len(contexts.silent_starts("test"))
    often = LatentContexts(store, at.latent(frequent))
    assert often.population_starts("test").tolist() == often.silent_starts("test").tolist()


def test_large_split_is_looked_at_in_part(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(str(store_folder))
    n_pool = len(store.pool_of("test").starts)
    monkeypatch.setattr(module, "MOST", n_pool + 50)
    split_windows.cache_clear()
    windows, firing = population(store, LatentWindows(store, "layers.1", rare_and_frequent(store)[0]), "test")
    split_windows.cache_clear()
    assert len(windows.starts) == n_pool + 50
    assert set(store.pool_of("test").starts) <= set(windows.starts)
    assert set(firing) <= set(windows.starts)


def test_frozen_store_has_its_pool(store_folder: Path, tmp_path: Path) -> None:
    store = Store.open(str(store_folder))
    rare, _ = rare_and_frequent(store)
    small = Store(frozen(store_folder, tmp_path / "frozen", {"layers.1": [rare]}))
    windows, _ = population(small, LatentWindows(small, "layers.1", rare), "test")
    assert windows is small.pool_of("test")


def test_prediction_counts_rare_words_that_both_hold(store_folder: Path) -> None:
    store = Store.open(str(store_folder))
    likely = LikelyActive(store)
    starts = split_windows(store, "test").starts
    texts = [text for text, _ in store.detokenizer.windows(store.ids(starts))]
    scores = likely("functions whose name is `import`", starts)
    assert (scores >= 0).all()
    holds = np.array([" import " in f" {text.lower()} " for text in texts])
    assert scores[holds].mean() > 2 * scores[~holds].mean()
    assert not likely("", starts).any()
    assert likely("import", starts[:5]).tolist() == likely("import", starts)[:5].tolist()
