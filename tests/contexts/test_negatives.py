"""Harder negatives: the latent is silent on every one of them, and a neighbour fires where one is said to."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_sae

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Negative
from inspect_autointerp.prep.negatives.add_negatives import extend
from inspect_autointerp.prep.negatives.cooccurrence import cooccurring
from inspect_autointerp.prep.negatives.similar import similar
from inspect_autointerp.prep.negatives.window_embeddings import Tfidf
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store

HOOKPOINT, TOKENS = "layers.1", 20_000
KINDS: tuple[Negative, ...] = ("random", "neighbours", "cooccurring", "similar")


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path) -> Callable[..., Path]:
    """Make a store of sixty short documents: `make(sample=30)`."""
    from inspect_autointerp.prep.corpus.documents import stdlib_documents
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job

    parent = tmp_path_factory.mktemp("negatives")
    (parent / "corpus").mkdir()
    for number, text in enumerate(islice((text for text in stdlib_documents() if len(text) > 3000), 60)):
        (parent / "corpus" / f"{number}.txt").write_text(text[:1500], encoding="utf-8")
    coder = make_sae(parent / "coder", k=16)

    def store(name: str, coder: str = str(coder), hookpoint: str = HOOKPOINT, **options: int) -> Path:
        settings = Settings(corpus=str(parent / "corpus"), tokens=TOKENS, context_length=64, **options)  # type: ignore[arg-type]
        job = Job(subject=str(subject_folder), coders=[coder], hookpoints=[hookpoint], settings=settings)
        prep(job, parent / name, progress=False)
        return parent / name

    return store


@pytest.fixture(scope="module")
def folder(make: Callable[..., Path]) -> Path:
    """A store that keeps few windows of each latent, with all kinds in it."""
    folder = make("store", sample=30, top=5, pool=200)
    store = Store(folder)
    extend(store, "cooccurring", iter([(HOOKPOINT, cooccurring(store, HOOKPOINT))]), "counted")
    store = Store(folder)
    extend(store, "similar", iter([(HOOKPOINT, similar(store, HOOKPOINT, Tfidf(store), range(256), n=20))]), "TF-IDF")
    return folder


@pytest.fixture(scope="module")
def fires(make: Callable[..., Path]) -> np.ndarray:
    """bool (token, latent): where each latent fires, from a store of the same corpus that keeps everything."""
    everything = make("everything", sample=10**6, top=0, pool=10**6)
    postings = Store(everything).at(HOOKPOINT).postings
    dense = np.zeros((TOKENS, 256), dtype=bool)
    for latent in range(256):
        dense[postings.activations(latent)[0], latent] = True
    return dense


@pytest.mark.parametrize("window", [None, 16, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_negatives_are_silent_and_of_other_texts(
    folder: Path, fires: np.ndarray, kind: Negative, window: int | None
) -> None:
    store = Store(folder, window=window)
    n_silent = 0
    for index in range(0, 256, 4):
        contexts = LatentContexts(store, store.at(HOOKPOINT).latent(index))
        firing = {context.text for split in ("explain", "test") for context in contexts.activating(split)}
        for split in ("explain", "test"):
            silent = contexts.silent(kind, split, 40, np.random.default_rng(0))
            starts = np.array([context.start for context in silent], dtype=np.int64)
            assert store.in_split(starts, split).all()
            assert len({store.ids(starts)[i].tobytes() for i in range(len(starts))}) == len(starts)
            for context in silent:
                place = slice(context.start, context.start + store.window)
                assert not fires[place, index].any()
                assert not context.activations.any()
                assert (context.kind, context.decile) == (kind, None)
                assert context.text not in firing
                if kind in ("neighbours", "cooccurring"):
                    assert fires[place, context.neighbour].any()
                    assert context.neighbour in store.at(HOOKPOINT).neighbours(kind, index)
                else:
                    assert context.neighbour is None
            n_silent += len(silent)
    assert n_silent > 200


def test_neighbours_windows_are_all_found_that_can_be_known(folder: Path, fires: np.ndarray) -> None:
    """A neighbour's sampled windows on which the latent is silent: all of them, since its siblings were watched."""
    store = Store(folder)
    postings = store.at(HOOKPOINT).postings
    for index in range(0, 256, 16):
        contexts = LatentContexts(store, store.at(HOOKPOINT).latent(index))
        starts, _ = contexts._negatives("neighbours", "test")
        texts = {store.texts(starts[i : i + 1])[0] for i in range(len(starts))}
        for neighbour in store.at(HOOKPOINT).neighbours("neighbours", index):
            if index not in postings.siblings(neighbour):
                continue  # one of more than 32 that call it their neighbour
            windows, flags = postings.windows(neighbour)
            windows = windows[((flags & 1) > 0) & store.in_split(windows, "test")]
            silent = windows[[not fires[start : start + 32, index].any() for start in windows]]
            assert set(store.texts(silent)) <= texts | contexts._windows.seen


def usual(store: Store) -> list[int]:
    """Latents that neither fire hardly anywhere nor almost everywhere."""
    return [i for i in range(256) if 100 < store.at(HOOKPOINT).latent(i).n_windows < 300]


def test_each_neighbour_gives_its_share(folder: Path) -> None:
    store = Store(folder)
    for index in usual(store)[:5]:
        contexts = LatentContexts(store, store.at(HOOKPOINT).latent(index))
        _, whose = contexts._negatives("neighbours", "test")
        assert whose is not None
        firing = set(whose.tolist())
        drawn = contexts.silent("neighbours", "test", len(firing), np.random.default_rng(0))
        assert {context.neighbour for context in drawn} == firing, "as many contexts as neighbours: one of each"


def test_all_kinds_together_are_drawn_alike_and_shuffled(folder: Path) -> None:
    store = Store(folder)
    index = usual(store)[0]
    contexts = LatentContexts(store, store.at(HOOKPOINT).latent(index))
    drawn = contexts.test(10, 5, seed=0, kinds=KINDS)
    assert [sum(context.kind == kind for context in drawn) for kind in ("activating", *KINDS)] == [10, 5, 5, 5, 5]
    assert [context.kind for context in drawn] != sorted(context.kind for context in drawn)
    again = LatentContexts(store, store.at(HOOKPOINT).latent(index)).test(10, 5, seed=0, kinds=KINDS)
    assert [context.start for context in again] == [context.start for context in drawn]


def test_what_a_store_does_not_hold_is_told_with_what_adds_it(make: Callable[..., Path]) -> None:
    plain = make("plain", sample=30, pool=200)
    contexts = LatentContexts(Store(plain), Store(plain).at(HOOKPOINT).latent(3))
    for kind in ("cooccurring", "similar"):
        message = rf"^{plain}: no {kind} contexts; `autointerp negatives {plain} --kind {kind}` adds them$"
        with pytest.raises(UserError, match=message):
            contexts.test(1, 1, seed=0, kinds=[kind])
    neurons = Store(make("neurons", coder="neurons", hookpoint="layers.1.mlp"))
    contexts = LatentContexts(neurons, neurons.at("layers.1.mlp").latent(3))
    with pytest.raises(UserError, match=r"no neighbours at layers\.1\.mlp, whose latents have no directions"):
        contexts.test(1, 1, seed=0, kinds=["neighbours"])
