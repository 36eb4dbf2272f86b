"""A store that another takes the place of while it is open, or while it is opened."""

import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.forged import forge_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.store import store_files
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import fetch, publish
from inspect_autointerp.store.store import Store
from inspect_autointerp.store.store_files import Replaced

LATENTS = "hookpoints/layers.1/latents.parquet"
POSTINGS = "hookpoints/layers.1/postings.safetensors"
REPLACED = "the store was replaced while it was open .+; run again$"


@pytest.fixture
def old(store_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(store_folder, tmp_path / "store"))


@pytest.fixture
def new(store_folder: Path, tmp_path: Path) -> Path:
    """Another store: every latent fires on one token more, and the pool has a window less."""
    folder = Path(shutil.copytree(store_folder, tmp_path / "new"))
    table = pq.read_table(folder / LATENTS)
    at = table.column_names.index("n_tokens")
    counts = np.asarray(table["n_tokens"]) + 1
    changed = table.set_column(at, "n_tokens", [counts])  # pyright: ignore[reportArgumentType]  # no array in the stubs
    pq.write_table(changed, folder / "more.parquet")
    content = (folder / "more.parquet").read_bytes()
    (folder / "more.parquet").unlink()
    forge_file(folder, LATENTS, content)
    forge_file(folder, "pool.npy", _npy(np.load(folder / "pool.npy")[:-1], tmp_path))
    return folder


def _npy(array: np.ndarray, folder: Path) -> bytes:
    np.save(folder / "array.npy", array)
    return (folder / "array.npy").read_bytes()


def exchange(a: Path, b: Path) -> None:
    """Let two folders change places, as `prep --overwrite` does before it removes the old one."""
    aside = a.with_name("aside")
    a.rename(aside)
    b.rename(a)
    aside.rename(b)


READERS: dict[Callable[[Store], object], bool] = {
    lambda store: store.at("layers.1").latent(3): True,
    lambda store: store.at("layers.1").logits(3): True,
    lambda store: store.at("layers.1").postings: False,
    lambda store: store.document(np.array([5])): False,
    lambda store: store.detokenizer: False,
}
"""Readers of a file, each with True if `new` has other bytes there."""


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("read", READERS)
def test_a_replaced_store_is_refused_or_gives_old_bytes(
    old: Path, new: Path, read: Callable[[Store], object], removed: bool
) -> None:
    store, kept = Store(old), Store(old)
    before, pool, tokens = kept.at("layers.1").latent(3), kept.pool.copy(), kept.tokens[:99].copy()
    exchange(old, new)
    if removed:
        shutil.rmtree(new)
    if READERS[read]:
        with pytest.raises(Replaced, match=REPLACED):
            read(store)
    else:
        read(store)
    assert kept.at("layers.1").latent(3) == before, "what was read before stays"
    np.testing.assert_array_equal(kept.pool, pool)
    np.testing.assert_array_equal(kept.tokens[:99], tokens)
    assert Store(old).at("layers.1").latent(3).n_tokens == before.n_tokens + 1


def test_a_store_removed_while_open_is_refused(old: Path) -> None:
    store = Store(old)
    shutil.rmtree(old)
    for read in READERS:
        with pytest.raises(Replaced, match=REPLACED):
            read(store)


def test_a_file_changed_in_place_while_open_is_refused(old: Path) -> None:
    store = Store(old, verify=False)
    content = (old / POSTINGS).read_bytes()
    (old / POSTINGS).write_bytes(content[:-1] + b"\x01")
    with pytest.raises(Replaced, match=rf"\({POSTINGS} is another file now\)"):
        store.at("layers.1").postings.windows(0)


def test_the_same_bytes_under_another_inode_are_read(old: Path) -> None:
    store = Store(old)
    for name in store.manifest.files:
        shutil.copyfile(old / name, old / "copy")
        (old / "copy").replace(old / name)
    for read in READERS:
        read(store)


@pytest.mark.parametrize("name", ["tokens.npy", "pool.npy", LATENTS])
def test_a_store_replaced_while_opened_is_the_new_one(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    digest, hashed = Manifest.read(new).digest, store_files.file_sha256
    left = [new]

    def slow(path: Path) -> str:
        if path == old / name and left:
            exchange(old, left.pop())
        return hashed(path)

    monkeypatch.setattr(store_files, "file_sha256", slow)
    store = Store(old)
    assert not left
    assert store.at("layers.1").latent(3).n_tokens == Store(old).at("layers.1").latent(3).n_tokens
    assert store.digest == digest


def test_a_store_replaced_again_and_again_says_so(old: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = store_files.file_sha256

    def slow(path: Path) -> str:
        if path == old / "pool.npy":
            exchange(old, new)
        return hashed(path)

    monkeypatch.setattr(store_files, "file_sha256", slow)
    with pytest.raises(UserError, match=rf"^{old}: replaced while it was opened; run again$"):
        Store(old)


def test_a_store_that_is_damaged_is_still_called_so(old: Path) -> None:
    (old / "pool.npy").write_bytes(b"x")
    with pytest.raises(UserError, match=r"pool.npy changed since it was written; make the store again"):
        Store(old)


def test_a_sample_keeps_its_store_and_a_new_task_gets_the_new(old: Path, new: Path) -> None:
    first = Store.open(str(old))
    key = first.manifest.key
    exchange(old, new)
    assert Store.open(str(old), None, key) is first
    assert Store.open(str(old)).digest != first.digest
    gone = f"{'0' * 16}-{'0' * 8}"
    with pytest.raises(UserError, match=r"was replaced since it was first opened \(its digest was 0000000000000000"):
        Store.open(str(old), None, gone)


def test_a_remote_store_replaced_while_fetched_is_the_new_one(
    old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")
    publish(old, "memory://bucket/replaced")
    get, left = memory.get_file, [new]

    def slow(self: object, path: str, to: str) -> None:
        if path.endswith("latents.parquet") and left:
            publish(left.pop(), "memory://bucket/replaced", overwrite=True)
        get(path, to)

    monkeypatch.setattr(type(memory), "get_file", slow)
    try:
        folder = fetch("memory://bucket/replaced", tmp_path / "cache")
        assert Store(folder).digest == Manifest.read(new).digest
        memory.pipe("/bucket/replaced/pool.npy", b"damaged")
        left.clear()
        with pytest.raises(UserError, match=r"pool.npy does not match manifest.json; publish the store again"):
            fetch("memory://bucket/replaced", tmp_path / "other")
    finally:
        memory.rm("/bucket", recursive=True)
