from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contexts.plain_contexts import PlainContexts

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import seed_of, stratified
from inspect_autointerp.latent import Context, Negative, Sampling, Split
from inspect_autointerp.store.postings import SAMPLE
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store

WIDE = 32
SPLITS: tuple[Split, Split] = ("explain", "test")


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


@pytest.fixture(scope="module")
def busy(store: Store) -> list[LatentContexts]:
    """Latents with at least thirty contexts of every kind."""
    latents = [LatentContexts(store, store.at("layers.1").latent(index)) for index in range(256)]
    return [contexts for contexts in latents if min(contexts.n_available()) >= 30]


@pytest.fixture(scope="module")
def centred_folder(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path, sae_folder: Path) -> Path:
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job

    folder = tmp_path_factory.mktemp("centred") / "store"
    settings = Settings(tokens=20_000, context_length=64, pool=200, center=True)
    prep(Job(subject=str(subject_folder), coders=[str(sae_folder)], settings=settings), folder, progress=False)
    return folder


@pytest.fixture(scope="module")
def folders(store_folder: Path, centred_folder: Path) -> dict[bool, Path]:
    """A store's folder by whether its contexts are centred."""
    return {False: store_folder, True: centred_folder}


def same(contexts: list[Context], expected: list[Context]) -> None:
    def plain(context: Context) -> tuple:
        return (context.kind, context.start, context.text, context.spans, context.activations.tolist(), context.decile)

    assert [plain(context) for context in contexts] == [plain(context) for context in expected]
    assert all(context.activations.dtype == np.float32 and type(context.start) is int for context in contexts)


@pytest.mark.parametrize("window", [32, 16, 4])
@pytest.mark.parametrize(("center", "centered"), [(False, True), (True, True), (True, False)])
def test_contexts_are_those_of_the_plain_reference(
    folders: dict[bool, Path], center: bool, centered: bool, window: int
) -> None:
    store = Store(folders[center], window=window)
    assert store.settings.center == center
    for index in range(0, 256, 37):
        contexts = LatentContexts(store, store.at("layers.1").latent(index), centered)
        plain = PlainContexts(store, contexts.latent, centered)
        same(contexts.explain(40, index), plain.explain(40, index))
        same(contexts.test(50, 50, index), plain.test(50, 50, index))
        same(contexts.test(3, 0, 0), plain.test(3, 0, 0))
        for split in SPLITS:
            assert contexts.silent_starts(split).tolist() == plain.silent(split)
            same(contexts.activating(split), [plain.context(*place) for place in plain.activating(split)])
        n_silent = len(plain.silent("test"))
        assert contexts.n_available() == (*(len(plain.activating(split)) for split in SPLITS), n_silent)


def test_off_the_grid_alone_a_context_tells_by_where_it_peaks(centred_folder: Path) -> None:
    store = Store(centred_folder)
    middle = {True: [], False: []}
    for index in range(256):
        for centered in middle:
            contexts = LatentContexts(store, store.at("layers.1").latent(index), centered)
            both_splits = [context for split in SPLITS for context in contexts.activating(split)]
            middle[centered] += [int(context.activations.argmax()) == store.window // 2 for context in both_splits]
    assert np.mean(middle[True]) > 0.3, "the others peak too near to an end of what the subject saw at once"
    assert np.mean(middle[False]) < 0.08, "one in 32, if all places are alike"


@given(
    center=st.booleans(),
    centered=st.booleans(),
    window=st.sampled_from([32, 16, 8, 2]),
    index=st.integers(0, 255),
    seed=st.integers(0, 5),
    n=st.integers(1, 120),
)
@settings(max_examples=120)
def test_explain_and_test_never_share_a_document_or_a_text(
    folders: dict[bool, Path], center: bool, centered: bool, window: int, index: int, seed: int, n: int
) -> None:
    store = Store.open(str(folders[center]), window)
    shown = LatentContexts(store, store.at("layers.1").latent(index)).explain(n, seed)
    contexts = LatentContexts(store, store.at("layers.1").latent(index), centered)
    tested = contexts.test(n, n, seed)

    def tokens(context: Context) -> bytes:
        return store.tokens[context.start : context.start + window].tobytes()

    def documents(contexts: list[Context]) -> set[int]:
        return set(store.document(np.array([context.start for context in contexts], dtype=int)).tolist())

    assert not documents(shown) & documents(tested)
    assert not {tokens(context) for context in shown} & {tokens(context) for context in tested}
    assert len({tokens(context) for context in tested}) == len(tested), "no text twice, within or across kinds"
    assert store.in_split(np.array([context.start for context in tested], dtype=int), "test").all()
    assert all(context.kind == "activating" for context in shown)
    for context in shown + tested:
        assert context.activations.shape == (window,)
        assert (context.max_activation > 0) == (context.kind == "activating")
        assert (context.decile is None) == (context.kind == "random")
        assert context.max_activation <= contexts.latent.max_activation
        assert len(context.spans) == window
    if not (center and centered):
        on_grid = tested if center else shown + tested
        starts = np.array([context.start for context in on_grid], dtype=int)
        assert ((starts - store.document_bounds(starts)[0]) % window == 0).all(), "on the grid"


@pytest.fixture(scope="module")
def short_folder(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path, sae_folder: Path) -> Path:
    """The corpus of `store_folder` at half its window, with everything kept."""
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job

    folder = tmp_path_factory.mktemp("short") / "store"
    settings = Settings(tokens=60_000, context_length=64, window=16, sample=100_000, top=0, pool=100_000)
    prep(Job(subject=str(subject_folder), coders=[str(sae_folder)], settings=settings), folder, progress=False)
    return folder


def test_recut_window_fires_as_in_a_store_of_that_window(store_folder: Path, short_folder: Path) -> None:
    store, short = Store(store_folder, window=16), Store(short_folder)
    assert store.tokens.tolist() == short.tokens.tolist()
    for index in range(0, 256, 13):
        latent = store.at("layers.1").latent(index)
        firing = set(short.at("layers.1").postings.windows(index)[0].tolist())
        kept, flags = store.at("layers.1").postings.windows(index)
        expected = {*store.cut(kept[(flags & SAMPLE) > 0]).ravel().tolist()} & firing
        contexts = LatentContexts(store, latent)
        starts = {context.start for split in SPLITS for context in contexts.activating(split)}
        assert starts <= expected
        assert set(store.texts(np.array([*starts], dtype=int))) == set(store.texts(np.array([*expected], dtype=int)))
        pool = set(store.cut(store.pool).ravel().tolist())
        silent = {*contexts.silent_starts("explain").tolist(), *contexts.silent_starts("test").tolist()}
        assert silent <= pool - firing
        by_text = {text for text in store.texts(np.array([*pool - firing], dtype=int))}
        assert set(store.texts(np.array([*silent], dtype=int))) == by_text - set(
            store.texts(np.array([*expected], dtype=int))
        )


def test_where_the_sample_holds_everything_the_recut_counts_are_exact(store_folder: Path, short_folder: Path) -> None:
    store, short = Store(store_folder, window=16), Store(short_folder)
    compared = 0
    for index in range(256):
        _, flags = store.at("layers.1").postings.windows(index)
        wide, latent = Store(store_folder).at("layers.1").latent(index), store.at("layers.1").latent(index)
        if ((flags & SAMPLE) > 0).sum() < wide.n_windows:
            assert wide.n_windows <= latent.n_windows <= 2 * wide.n_windows
            continue
        starts = short.at("layers.1").postings.windows(index)[0]
        begin, end = short.document_bounds(starts)
        whole = (starts - begin) // 32 * 32 + 32 <= end - begin
        assert latent.n_windows == int(whole.sum())
        assert latent.firing_share == pytest.approx(latent.n_windows / (2 * store.manifest.n_windows))
        compared += latent.n_windows > 0
    assert compared >= 10


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
            drawn = contexts.test(30, 30, seed)
            assert len(drawn) == 60
            places.append(np.mean([place for place, context in enumerate(drawn) if context.kind == "activating"]))
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


@pytest.mark.parametrize("index", range(0, 256, 51))
@pytest.mark.parametrize("center", [False, True])
def test_the_explain_split_can_be_sampled_in_four_ways(folders: dict[bool, Path], center: bool, index: int) -> None:
    store = Store.open(str(folders[center]))
    contexts = LatentContexts(store, store.at("layers.1").latent(index))
    sample = {context.start: context for context in contexts.activating("explain")}
    strongest = sorted((context.max_activation for context in sample.values()), reverse=True)
    samples = {way: contexts.explain(10, 0, way) for way in get_args(Sampling)}
    assert [context.start for context in samples["quantiles"]] == [context.start for context in contexts.explain(10, 0)]
    assert {context.start for context in samples["random"]} <= sample.keys()
    top = [context.max_activation for context in samples["top"]]
    assert all(a >= b for a, b in zip(top, strongest, strict=False)), "at least those of the sample"
    # A fifth of ten is two.
    assert [context.max_activation for context in samples["mix"]][:2] == top[:2]
    for drawn in samples.values():
        assert len(drawn) == min(10, len(drawn))
        maxima = [context.max_activation for context in drawn]
        assert maxima == sorted(maxima, reverse=True)
        starts = np.array([context.start for context in drawn], dtype=int)
        assert len(set(store.texts(starts))) == len(drawn)
        assert store.in_split(starts, "explain").all()
    tested = contexts.test(10_000, 10_000, 0)
    texts = set(store.texts(np.array([context.start for context in tested], dtype=int)))
    for drawn in samples.values():
        assert not texts & set(store.texts(np.array([context.start for context in drawn], dtype=int)))


@given(index=st.integers(0, 255), seed=st.integers(0, 3), n=st.integers(1, 60), window=st.sampled_from([32, 16]))
@settings(max_examples=40)
def test_shown_silent_contexts_share_no_test_text(
    store_folder: Path, index: int, seed: int, n: int, window: int
) -> None:
    store = Store.open(str(store_folder), window)
    contexts = LatentContexts(store, store.at("layers.1").latent(index))
    kinds: tuple[Negative, ...] = ("random", "neighbours")
    shown = contexts.contrastive(n, seed, kinds)
    starts = np.array([context.start for context in shown], dtype=int)
    assert store.in_split(starts, "explain").all()
    assert all(sum(context.kind == kind for context in shown) <= n for kind in kinds)
    assert all(context.max_activation == 0 for context in shown)
    tested = contexts.test(10_000, 10_000, seed, kinds)
    assert not set(store.texts(starts)) & set(store.texts(np.array([c.start for c in tested], dtype=int)))
