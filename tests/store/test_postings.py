from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from inspect_autointerp.store.postings import Postings
from inspect_autointerp.store.store import Store


def test_every_latent_reads_as_the_library_reads_it(store_folder: Path) -> None:
    path = store_folder / "hookpoints" / "layers.1" / "postings.safetensors"
    columns, postings = load_file(path), Postings(path)
    for latent in range(256):
        a, b = columns["window_indptr"][latent : latent + 2]
        starts, flags = postings.windows(latent)
        assert (starts.dtype, starts.tolist()) == (np.int64, columns["window"][a:b].tolist())
        assert flags.tolist() == columns["flags"][a:b].tolist()
        a, b = columns["indptr"][latent : latent + 2]
        positions, activations = postings.activations(latent)
        assert positions.tolist() == columns["pos"][a:b].tolist()
        assert (activations.dtype, activations.tolist()) == (np.float32, columns["act"][a:b].tolist())


def test_columns_are_found_by_name_whatever_else_there_is(tmp_path: Path) -> None:
    columns = {
        "window_indptr": np.array([0, 1, 1, 3]), "window": np.array([4, 0, 8], dtype=np.uint32),
        "flags": np.array([1, 2, 3], dtype=np.uint8), "indptr": np.array([0, 1, 1, 4]),
        "pos": np.array([5, 0, 1, 9], dtype=np.uint32), "act": np.array([1, 2, 3, 4], dtype=np.float16),
        "another": np.array([True]), "one_more": np.array([7, 7, 7], dtype=np.uint32),
    }  # fmt: skip
    save_file(columns, tmp_path / "postings.safetensors", metadata={"made": "by hand"})
    postings = Postings(tmp_path / "postings.safetensors")
    rows = [[column.tolist() for column in postings.windows(latent)] for latent in range(3)]
    assert rows == [[[4], [1]], [[], []], [[0, 8], [2, 3]]]
    rows = [[column.tolist() for column in postings.activations(latent)] for latent in range(3)]
    assert rows == [[[5], [1]], [[], []], [[0, 1, 9], [2, 3, 4]]]


def test_what_is_fetched_ahead_is_what_is_read(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postings = Postings(store_folder / "hookpoints" / "layers.1" / "postings.safetensors")
    firing = [latent for latent in range(256) if len(postings.windows(latent)[0])]
    latents = [firing[9], firing[2], firing[5], firing[2]]
    advised: list[tuple[int, int]] = []
    monkeypatch.setattr(postings, "_advise", lambda _, begin, length: advised.append((begin, begin + length)))
    postings.fetch([])
    assert not advised
    postings.fetch(latents)
    fetched = set(advised)
    for latent in latents:
        advised.clear()
        postings.windows(latent)
        postings.activations(latent)
        assert len(advised) == 4 and set(advised) <= fetched


def test_a_store_that_is_not_verified_reads_the_same(store_folder: Path) -> None:
    one, other = Store(store_folder), Store(store_folder, verify=False)
    assert [a.tolist() for a in one.at("layers.1").postings.windows(3)] == [
        a.tolist() for a in other.at("layers.1").postings.windows(3)
    ]
