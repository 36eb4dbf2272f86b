"""Stores under URLs, with fsspec's file systems in memory and on disk."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from inspect_autointerp.builtin.locate import locate, resolve
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.dataset import latent_dataset
from inspect_autointerp.store import remote
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import fetch, is_url, publish, refuse_published
from inspect_autointerp.store.store import Store

URL = "memory://bucket/store"
MEMORY = fsspec.filesystem("memory")


@pytest.fixture(autouse=True)
def empty_memory() -> Iterator[None]:
    yield
    MEMORY.rm("/", recursive=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "stores"


@pytest.fixture
def store_folder(store_folder: Path, tmp_path: Path) -> Path:
    """The store, with a note more."""
    folder = Path(shutil.copytree(store_folder, tmp_path / "noted"))
    (folder / "note.txt").write_text("a note")
    manifest = Manifest.read(folder)
    manifest.files["note.txt"] = remote.file_sha256(folder / "note.txt")
    manifest.write(folder)
    return folder


@pytest.fixture
def other(store_folder: Path, tmp_path: Path) -> Path:
    """The same store but for a note less and the tokenizer, under a manifest that fits."""
    folder = Path(shutil.copytree(store_folder, tmp_path / "other"))
    (folder / "note.txt").unlink()
    (folder / "tokenizer.json").write_text("{}")
    manifest = Manifest.read(folder)
    del manifest.files["note.txt"]
    manifest.files["tokenizer.json"] = remote.file_sha256(folder / "tokenizer.json")
    manifest.write(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_store_comes_back_as_it_was(store_folder: Path, tmp_path: Path, cache: Path, scheme: str) -> None:
    url = "memory://bucket/deep/store" if scheme == "memory" else (tmp_path / "deep" / "store").as_uri()
    publish(store_folder, url)
    folder = fetch(url)
    assert contents(folder) == contents(store_folder)
    assert list(cache.iterdir()) == [folder]
    assert Store(folder).digest == Store(store_folder).digest


def test_a_url_is_given_like_a_folder(store_folder: Path, cache: Path) -> None:
    publish(store_folder, "memory://bucket/store/")
    here, there = (
        latent_dataset(locate(str(place)), hookpoint=None, latents="0:20", min_contexts=5, seed=0)
        for place in (store_folder, "memory://bucket/store")
    )
    assert [sample.id for sample in here.samples] == [sample.id for sample in there.samples]
    assert there.store.folder.parent == cache


def test_an_unchanged_store_is_not_fetched_again_and_a_changed_one_is(
    store_folder: Path, other: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store_folder, "memory://bucket/store")
    fetched: list[str] = []
    get = MEMORY.get_file
    monkeypatch.setattr(type(MEMORY), "get_file", lambda self, path, to: (fetched.append(path), get(path, to)))
    first = fetch("memory://bucket/store")
    n = len(fetched)
    assert n == len(Manifest.read(store_folder).files)
    assert fetch("memory://bucket/store/") == first
    assert len(fetched) == n
    publish(other, "memory://bucket/store", overwrite=True)
    second = fetch("memory://bucket/store")
    assert contents(second) == contents(other)
    assert contents(first) == contents(store_folder)


def test_two_urls_are_two_folders(store_folder: Path, cache: Path) -> None:
    for url in ("memory://bucket/a", "memory://bucket/b"):
        publish(store_folder, url)
    assert fetch("memory://bucket/a") != fetch("memory://bucket/b")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_download_leaves_nothing(
    store_folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    publish(store_folder, "memory://bucket/store")

    get = MEMORY.get_file

    def broken(self: object, path: str, to: str) -> None:
        get(path, to)
        if path.endswith("tokens.npy"):
            raise error

    with monkeypatch.context() as patch, pytest.raises((error, UserError)):
        patch.setattr(type(MEMORY), "get_file", broken)
        fetch("memory://bucket/store")
    assert list(cache.iterdir()) == []
    assert contents(fetch("memory://bucket/store")) == contents(store_folder)


def test_the_manifest_is_uploaded_last_and_deleted_first(
    store_folder: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    put, rm = MEMORY.put_file, MEMORY.rm_file
    monkeypatch.setattr(type(MEMORY), "put_file", lambda _, path, to: (done.append(f"put {to[14:]}"), put(path, to)))
    monkeypatch.setattr(type(MEMORY), "rm_file", lambda _, path: (done.append(f"rm {path[14:]}"), rm(path)))
    publish(store_folder, "memory://bucket/store")
    assert done[-1] == "put manifest.json"
    assert sorted(done) == sorted(f"put {file}" for file in contents(store_folder))
    done.clear()
    MEMORY.pipe("/bucket/store/notes.txt", b"mine")
    publish(other, "memory://bucket/store", overwrite=True)
    assert done[:2] == ["rm manifest.json", "rm note.txt"]
    assert done[-1] == "put manifest.json"
    assert sorted(MEMORY.find("/bucket/store")) == sorted(
        f"/bucket/store/{file}" for file in [*contents(other), "notes.txt"]
    )


def test_an_interrupted_upload_is_no_store_and_can_be_done_again(
    store_folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = MEMORY.put_file

    def broken(self: object, path: str, to: str) -> None:
        if to.endswith("tokens.npy"):
            raise OSError(28, "No space left on device")
        put(path, to)

    publish(store_folder, "memory://bucket/store")
    with monkeypatch.context() as patch:
        patch.setattr(type(MEMORY), "put_file", broken)
        with pytest.raises(UserError, match=r"^memory://bucket/store: cannot be used \(OSError: No space left on dev"):
            publish(store_folder, "memory://bucket/store", overwrite=True)
    with pytest.raises(
        UserError, match=r"^memory://bucket/store: no context store \(no manifest.json\); if it was pub"
    ):
        fetch("memory://bucket/store")
    with pytest.raises(UserError, match="holds files already, perhaps of an interrupted upload; give another URL"):
        publish(store_folder, "memory://bucket/store")
    publish(store_folder, "memory://bucket/store", overwrite=True)
    assert contents(fetch("memory://bucket/store")) == contents(store_folder)


def test_a_store_that_is_there_is_not_overwritten_unless_asked(store_folder: Path) -> None:
    publish(store_folder, "memory://bucket/store")
    with pytest.raises(UserError, match=r"^memory://bucket/store exists; give another URL, or --overwrite$"):
        publish(store_folder, "memory://bucket/store")


def test_a_folder_that_is_no_store_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a context store"):
        publish(tmp_path, "memory://bucket/store")
    assert MEMORY.find("/") == []


def refused(url: str, message: str, cache: Path) -> None:
    with pytest.raises(UserError, match=message) as info:
        fetch(url)
    assert "\n" not in str(info.value)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_what_is_missing_or_changed_is_named(store_folder: Path, cache: Path) -> None:
    publish(store_folder, "memory://bucket/store")
    MEMORY.rm("/bucket/store/pool.npy")
    refused("memory://bucket/store", "^memory://bucket/store: incomplete, pool.npy is missing", cache)
    MEMORY.pipe("/bucket/store/pool.npy", b"other")
    refused("memory://bucket/store", "^memory://bucket/store: pool.npy does not match manifest.json", cache)
    MEMORY.pipe("/bucket/store/manifest.json", b"{")
    refused("memory://bucket/store", "^memory://bucket/store/manifest.json: not a readable manifest", cache)


@pytest.mark.parametrize("name", ["../../evil.npy", "/tmp/evil.npy", "a/../../evil.npy", "..\\evil.npy", "c:/x", ""])
def test_a_manifest_that_points_outside_is_refused(store_folder: Path, tmp_path: Path, cache: Path, name: str) -> None:
    folder = Path(shutil.copytree(store_folder, tmp_path / "hostile"))
    manifest = Manifest.read(folder)
    manifest.files[name] = "0" * 64
    manifest.write(folder)
    MEMORY.put(f"{folder}/", "/bucket/store/", recursive=True)
    refused(
        "memory://bucket/store",
        r"^memory://bucket/store/manifest.json: files: .+ is not a path inside the store; make",
        cache,
    )
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense://bucket/store", "^nonsense://bucket/store: Protocol not known: nonsense$"),
        ("memory://nowhere", r"^memory://nowhere: no context store \(no manifest.json\)"),
        ("file:///no/such/folder", r"^file:///no/such/folder: no context store \(no manifest.json\)"),
    ],
)
def test_what_is_not_there_is_one_line(url: str, message: str, cache: Path) -> None:
    refused(url, message, cache)


def test_a_protocol_whose_package_is_missing_says_which(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    refused("gs://bucket/store", "^gs://bucket/store: Please install gcsfs to access Google Storage$", cache)


class NoCredentialsError(Exception):
    """As botocore has it: no OSError."""


@pytest.mark.parametrize("error", [PermissionError("Forbidden"), NoCredentialsError("Unable to locate credentials")])
def test_no_credentials_say_so(cache: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def closed(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(type(MEMORY), "cat_file", closed)
    refused("memory://bucket/store", rf"^memory://bucket/store: no access \({type(error).__name__}: {error}\)", cache)


def test_a_cache_that_cannot_be_written_is_one_line(store_folder: Path, tmp_path: Path) -> None:
    publish(store_folder, "memory://bucket/store")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=rf"^{tmp_path}/file/stores/.+: cannot be written \(Not a directory\)$"):
        fetch("memory://bucket/store", tmp_path / "file")


@pytest.mark.parametrize(
    ("place", "expected"),
    [("s3://b/x", True), ("hf://datasets/a/b", True), ("simplecache::s3://b/x", True), ("contexts/x", False),
     ("/abs", False), ("release:id", False), ("c:\\x", False), (Path("s3://b"), False)],
)  # fmt: skip
def test_a_url_is_told_from_a_path(place: object, expected: bool) -> None:
    assert is_url(place) is expected


def test_a_path_is_not_taken_for_a_url(tmp_path: Path) -> None:
    assert resolve(str(tmp_path)) == tmp_path


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INSPECT_AUTOINTERP_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert remote.cache_folder() == tmp_path / "inspect_autointerp"
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "own"))
    assert remote.cache_folder() == tmp_path / "own"


@pytest.mark.parametrize("manifest", [b'{"files": 5}', b"{}", b"\xff", b'{"files": {"mine": "0"}, "format": 1}'])
def test_publish_over_a_manifest_that_is_not_ours_is_refused(store_folder: Path, cache: Path, manifest: bytes) -> None:
    MEMORY.pipe("/bucket/store/manifest.json", manifest)
    MEMORY.pipe("/bucket/store/mine", b"mine")
    message = r"^memory://bucket/store is not a context store: it is not overwritten; give another --output$"
    for refused in (lambda: publish(store_folder, URL, overwrite=True), lambda: refuse_published(URL, overwrite=True)):
        with pytest.raises(UserError, match=message):
            refused()
    assert MEMORY.cat_file("/bucket/store/manifest.json") == manifest
    assert MEMORY.cat_file("/bucket/store/mine") == b"mine"
