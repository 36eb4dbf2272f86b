import gc
import json
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store


@pytest.fixture
def copy(store_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(store_folder, tmp_path / "copy"))


def test_a_store_holds_the_corpus_without_bos(store_folder: Path) -> None:
    store = Store(store_folder)
    assert store.manifest.bos
    assert len(store.tokens) == store.manifest.n_tokens == 60_000
    text, _ = store.detokenizer(store.tokens[:200].tolist())
    assert "<|bos|>" not in text


def test_positions_find_their_documents(store_folder: Path) -> None:
    store = Store(store_folder)
    first, end = store.document_bounds(np.array([0, 59_999]))
    assert first[0] == 0
    assert end[1] == 60_000
    assert store.document(np.array([int(end[0]) - 1, int(end[0])])).tolist() == [0, 1]
    both = store.in_split(np.arange(60_000), "test").astype(int) + store.in_split(np.arange(60_000), "explain")
    assert (both == 1).all()


def test_no_activation_lies_in_a_window_that_the_latent_is_not_listed_for(store_folder: Path) -> None:
    store = Store(store_folder)
    postings = store.at("layers.1").postings
    for latent in range(0, 256, 17):
        starts, flags = postings.windows(latent)
        positions, activations = postings.activations(latent)
        assert (flags > 0).all()
        assert (activations > 0).all()
        assert set((positions - starts[np.searchsorted(starts, positions, side="right") - 1]).tolist()) <= set(
            range(32)
        )


def test_a_missing_store_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such context store; make one with `autointerp prep`"):
        Store(tmp_path / "none")


def test_a_folder_that_is_no_store_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a context store \(no manifest.json\)"):
        Store(tmp_path)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "pool.npy").unlink()
    with pytest.raises(UserError, match=r"incomplete, pool.npy is missing"):
        Store(copy)


def test_a_file_edited_by_hand_is_named(copy: Path) -> None:
    with (copy / "tokens.npy").open("r+b") as file:
        file.seek(500)
        file.write(b"\xff")
    with pytest.raises(UserError, match=r"tokens.npy changed since it was written"):
        Store(copy)


def test_a_truncated_file_is_named(copy: Path) -> None:
    path = copy / "hookpoints" / "layers.1" / "postings.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"postings.safetensors changed since it was written"):
        Store(copy)


def edit(copy: Path, **changes: object) -> None:
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_another_format_version_says_both(copy: Path) -> None:
    edit(copy, format=7)
    with pytest.raises(UserError, match="a context store of format 7, but this version reads format 1"):
        Store(copy)


def test_a_manifest_edited_by_hand_is_refused(copy: Path) -> None:
    edit(copy, subject="gpt2")
    with pytest.raises(UserError, match=r"changed since it was written \(its checksum differs\)"):
        Store(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"format": 1}'])
def test_a_broken_manifest_is_one_line(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content)
    with pytest.raises(UserError, match=r"not a readable manifest") as caught:
        Store(copy)
    assert "\n" not in str(caught.value)


def test_latents_come_as_they_are_asked_for(store_folder: Path) -> None:
    store = Store(store_folder)
    indices = [*range(255, -1, -1), 7, 7, *range(256), *range(100)]  # more than are fetched at twice
    at = store.at("layers.1")
    assert list(at.latents(indices)) == [at.latent(index) for index in indices]
    assert list(at.latents([])) == []
    fetched: list[int] = []
    at.postings.fetch = lambda latents: fetched.extend(latents)  # type: ignore[method-assign]
    for i, latent in enumerate(at.latents(indices)):
        assert latent.index in fetched[i:] and len(fetched) <= i + 512
    assert fetched == indices, "each once, in order"


def test_an_unknown_hookpoint_lists_those_there_are(store_folder: Path) -> None:
    with pytest.raises(UserError, match=r"no hookpoint 'layers.9' in .*; it has layers.1"):
        Store(store_folder).at("layers.9")


def test_at_a_hookpoint_is_the_same_part_each_time(store_folder: Path) -> None:
    store, other = Store(store_folder), Store(store_folder, window=8)
    assert store.at(None) is store.at("layers.1") and store.at(None).name == "layers.1"
    assert other.at(None) is not store.at(None) and other.at(None).store is other
    assert store.at(None).postings is store.at("layers.1").postings, "mapped once"
    assert store.at(None).width == len(store.at(None).n_windows) == store.manifest.hookpoints["layers.1"].width


def test_a_store_nobody_holds_gives_back_what_was_read(store_folder: Path) -> None:
    store = Store(store_folder)
    assert store.at(None).latent(3).index == 3 and store.at(None).logits(3)
    left = [weakref.ref(part) for part in (store, store.at(None), store.at(None).postings, store.pool_of("test"))]
    del store
    gc.collect()
    assert [ref() for ref in left] == [None] * 4


def test_the_digest_names_the_data_and_not_where_it_came_from(copy: Path) -> None:
    manifest = Manifest.read(copy)
    from dataclasses import replace

    renamed = replace(manifest, subject="elsewhere", versions={}, settings=replace(manifest.settings, corpus="x"))
    assert renamed.digest == manifest.digest
    assert replace(manifest, n_windows=1).digest != manifest.digest
    assert replace(manifest, settings=replace(manifest.settings, seed=1)).digest != manifest.digest


@pytest.mark.parametrize("window", [0, -1, 3, 24, 64])
def test_a_window_that_does_not_divide_the_stores_names_those_that_do(store_folder: Path, window: int) -> None:
    message = rf"window={window}: .* keeps windows of 32 tokens; they can be cut to 1, 2, 4, 8, 16, 32$"
    with pytest.raises(UserError, match=message):
        Store(store_folder, window=window, verify=False)


def test_a_recut_store_has_a_name_of_its_own(store_folder: Path) -> None:
    digest = Manifest.read(store_folder).digest
    assert Store.open(str(store_folder)).digest == Store.open(str(store_folder), 32).digest == digest
    assert Store.open(str(store_folder), 16).digest == f"{digest}/16"
    assert Store.open(str(store_folder)) is Store.open(str(store_folder), None)


def test_a_store_without_a_sample_cannot_be_recut(copy: Path) -> None:
    from dataclasses import replace

    manifest = Manifest.read(copy)
    replace(manifest, settings=replace(manifest.settings, sample=0)).write(copy)
    with pytest.raises(
        UserError, match=r"window=16: .* was made without a sample of windows, so there is nothing to cut"
    ):
        Store(copy, window=16)


def test_a_manifest_round_trips(copy: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(copy)
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
