"""A store, end to end, against the full model and the dense coder run by hand over the same text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
import torch

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.run import scan
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.postings import POOL, TOP
from inspect_autointerp.store.store import Store

TOKENS, LENGTH, WINDOW = 5000, 64, 32
"""As `prep` has them by default (conftest.py)."""
Prep = Callable[..., Manifest]
Save = Callable[..., Path]


@dataclass(frozen=True)
class Plain:
    """Everything at `layers.1`, held at once."""

    tokens: np.ndarray
    offset: np.ndarray
    """The first position of each document, and one past the last."""
    chunks: list[tuple[int, int]]
    """[first, end) of what the model saw at once."""
    act: np.ndarray
    """float16 (token, latent)."""

    def windows(self) -> list[int]:
        """Starts of the complete windows: on the grid of their document, and in one chunk."""
        return [
            start
            for begin, end in pairwise(self.offset)
            for start in range(begin, end - WINDOW + 1, WINDOW)
            if any(first <= start and start + WINDOW <= last for first, last in self.chunks)
        ]


def run_plainly(subject: Path, sae: Path, corpus: Path, *, pack: bool = False) -> Plain:
    """Tokenize, cut, put BOS in front, run the whole model, encode densely: nothing shared with prep."""
    from sae_lens import SAE
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    tokenizer = Tokenizer.from_file(str(subject / "tokenizer.json"))
    model: Any = AutoModelForCausalLM.from_pretrained(subject).eval()
    coder: Any = SAE.load_from_disk(sae)
    texts = [path.read_text(encoding="utf-8") for path in sorted(corpus.iterdir())]
    documents = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    tokens = np.array([token for ids in documents for token in ids][:TOKENS])
    offset = np.minimum(np.cumsum([0] + [len(ids) for ids in documents]), TOKENS)
    offset = offset[: np.searchsorted(offset, TOKENS) + 1]
    runs = [(0, TOKENS)] if pack else list(pairwise(offset))
    chunks = [(a, min(a + LENGTH, end)) for begin, end in runs for a in range(begin, end, LENGTH)]
    acts = []
    with torch.no_grad():
        for first, end in chunks:
            ids = torch.tensor([[0, *tokens[first:end]]])  # 0 is BOS
            hidden = model(ids, output_hidden_states=True).hidden_states[2]  # after layers 0 and 1
            acts.append(coder.encode(hidden[0, 1:]))
    return Plain(tokens, offset, chunks, torch.cat(acts).to(torch.float16).numpy())


@pytest.fixture(scope="module")
def made(prep: Prep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "store"
    prep(folder)
    return folder


@pytest.fixture(scope="module")
def plain(subject_folder: Path, sae_folder: Path, corpus_folder: Path) -> Plain:
    return run_plainly(subject_folder, sae_folder, corpus_folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_statistics(store: Store, plain: Plain) -> None:
    """Counts and maxima of every latent are those of holding everything."""
    windows = plain.windows()
    assert store.manifest.n_windows == len(windows)
    fires = np.stack([(plain.act[start : start + WINDOW] > 0).any(0) for start in windows])
    latents = [store.at("layers.1").latent(index) for index in range(256)]
    assert [latent.n_tokens for latent in latents] == (plain.act > 0).sum(0).tolist()
    assert [latent.n_windows for latent in latents] == fires.sum(0).tolist()
    assert [latent.max_activation for latent in latents] == plain.act.max(0).tolist()


def test_the_corpus_is_stored_once_with_its_documents(made: Path, plain: Plain) -> None:
    store = Store(made)
    assert store.tokens.tolist() == plain.tokens.tolist()
    assert store.document(plain.offset[:-1]).tolist() == list(range(len(plain.offset) - 1))
    assert (store.manifest.n_tokens, store.manifest.n_documents) == (TOKENS, len(plain.offset) - 1)
    assert store.manifest.bos


def test_statistics_are_those_of_the_full_model_and_the_dense_coder(made: Path, plain: Plain) -> None:
    assert_statistics(Store(made), plain)


def test_kept_windows_hold_the_activations_of_the_full_model(made: Path, plain: Plain) -> None:
    postings = Store(made).at("layers.1").postings
    for latent in range(0, 256, 8):
        starts, _ = postings.windows(latent)
        expected = [p for s in starts for p in range(s, s + WINDOW) if plain.act[p, latent] > 0]
        pos, act = postings.activations(latent)
        assert pos.tolist() == expected
        assert act.tolist() == plain.act[expected, latent].tolist()


def test_the_top_windows_of_a_split_have_its_largest_maxima(made: Path, plain: Plain) -> None:
    store = Store(made)
    windows = np.array(plain.windows())
    for latent in range(0, 256, 8):
        starts, flags = store.at("layers.1").postings.windows(latent)
        for split in ("explain", "test"):
            kept = starts[((flags & TOP) > 0) & store.in_split(starts, split)]
            peaks = [plain.act[s : s + WINDOW, latent].max() for s in windows[store.in_split(windows, split)]]
            expected = [peak for peak in sorted(peaks, reverse=True)[:3] if peak > 0]
            assert sorted((plain.act[s : s + WINDOW, latent].max() for s in kept), reverse=True) == expected


def test_pool_keeps_every_latent_of_complete_windows(made: Path, plain: Plain) -> None:
    store = Store(made)
    assert len(store.pool) == 30
    assert set(store.pool) <= set(plain.windows())
    for latent in range(0, 256, 8):
        starts, flags = store.at("layers.1").postings.windows(latent)
        fires = [s for s in store.pool if (plain.act[s : s + WINDOW, latent] > 0).any()]
        assert starts[(flags & POOL) > 0].tolist() == fires


@pytest.mark.parametrize("batch_size", [1, 5])
def test_the_batch_size_changes_nothing(prep: Prep, made: Path, tmp_path: Path, batch_size: int) -> None:
    assert prep(tmp_path / "store", batch_size=batch_size).digest == Store(made).digest
    assert contents(tmp_path / "store") == contents(made)


def test_a_packed_store_is_that_of_the_full_model_over_packed_chunks(
    prep: Prep, tmp_path: Path, subject_folder: Path, sae_folder: Path, corpus_folder: Path
) -> None:
    prep(tmp_path / "store", pack=True)
    assert_statistics(Store(tmp_path / "store"), run_plainly(subject_folder, sae_folder, corpus_folder, pack=True))


@pytest.mark.parametrize("pack", [False, True])
def test_centred_context_has_its_peak_in_the_middle(
    prep: Prep, tmp_path: Path, subject_folder: Path, sae_folder: Path, corpus_folder: Path, pack: bool
) -> None:
    prep(tmp_path / "store", center=True, pack=pack)
    plain = run_plainly(subject_folder, sae_folder, corpus_folder, pack=pack)
    store = Store(tmp_path / "store")
    n_clipped = n = 0
    for index in range(256):
        contexts = LatentContexts(store, store.at("layers.1").latent(index))
        for context in (*contexts.activating("explain"), *contexts.activating("test")):
            act, start, middle = plain.act[:, index], context.start, context.start + WINDOW // 2
            assert context.activations.tolist() == act[start : start + WINDOW].tolist()
            [(first, last)] = [(a, b) for a, b in plain.chunks if a <= start < b]
            [(begin, end)] = [(a, b) for a, b in pairwise(plain.offset) if a <= start < b]
            assert start + WINDOW <= min(last, end)
            grid = begin + (middle - begin) // WINDOW * WINDOW
            clipped = start in (max(first, begin), min(last, end) - WINDOW)
            assert clipped or act[middle] == act[grid : grid + WINDOW].max()
            n_clipped, n = n_clipped + clipped, n + 1
    assert 0 < n_clipped < n, "the corpus shows both"


def test_two_coders_in_one_pass_give_what_two_passes_give(prep: Prep, tmp_path: Path, save_coder: Save) -> None:
    coders = [
        save_coder(tmp_path / "a", "topk", k=4, hook="model.layers.2.mlp"),
        save_coder(tmp_path / "b", "jumprelu", seed=2, hook="blocks.1.hook_resid_pre"),
    ]
    prep(tmp_path / "both", coders=coders)
    for coder, name in zip(coders, ("layers.2.mlp", "layers.1:input"), strict=True):
        prep(tmp_path / name, coders=[coder])
        both, single = contents(tmp_path / "both"), contents(tmp_path / name)
        assert set(single) <= set(both)
        assert {file for file in single if single[file] != both[file]} == {"manifest.json"}


def test_the_manifest_says_what_the_store_is_made_of(
    prep: Prep, tmp_path: Path, subject_folder: Path, sae_folder: Path
) -> None:
    manifest = prep(tmp_path / "store", names={str(subject_folder): "subject", str(sae_folder): "sae"}, seed=3)
    assert manifest == Manifest.read(tmp_path / "store")
    assert (manifest.subject, manifest.settings.seed) == ("subject", 3)
    entry = manifest.hookpoints["layers.1"]
    assert (entry.side, entry.coder, entry.architecture, entry.width) == ("output", "sae", "topk", 256)


def test_another_seed_gives_other_data_under_another_digest(prep: Prep, made: Path, tmp_path: Path) -> None:
    assert prep(tmp_path / "store", seed=1).digest != Store(made).digest


def test_a_hookpoint_given_goes_before_the_coders_own(prep: Prep, tmp_path: Path) -> None:
    assert list(prep(tmp_path / "store", hookpoints=["layers.2.mlp.down_proj"], tokens=200).hookpoints) == [
        "layers.2.mlp.down_proj"
    ]


def test_an_existing_store_is_refused_and_left_as_it_is(prep: Prep, made: Path) -> None:
    before = contents(made)
    with pytest.raises(UserError, match=rf"^{made} exists; give another --output, or --overwrite$"):
        prep(made)
    assert contents(made) == before
    assert list(made.parent.iterdir()) == [made]


def test_an_existing_store_is_replaced_when_asked(prep: Prep, tmp_path: Path) -> None:
    old, new = (prep(tmp_path / "store", seed=seed, tokens=500, overwrite=True) for seed in (0, 1))
    assert old.digest != new.digest == Store(tmp_path / "store").digest
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, UserError], ids=lambda error: error.__name__)
def test_a_failure_in_the_middle_changes_nothing(
    prep: Prep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    prep(tmp_path / "store", tokens=500)
    before = contents(tmp_path / "store")

    def broken(*_: Any, **__: Any) -> Iterator[str]:
        yield "Some text to begin with. " * 500
        raise error

    monkeypatch.setattr(scan, "corpus_documents", broken)
    for overwrite, target in ((True, "store"), (False, "other")):
        with pytest.raises(error):
            prep(tmp_path / target, overwrite=overwrite, tokens=10**6)
        assert {path.name for path in tmp_path.iterdir()} <= {"store", f"{target}.checkpoint"}
        assert contents(tmp_path / "store") == before
        rmtree(tmp_path / f"{target}.checkpoint", ignore_errors=True)
