"""Tests that prep never destroys what appears at a store's place while it runs, or folders that only look like ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inspect_autointerp.builtin import build_store
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.run import run
from inspect_autointerp.prep.run.run import prep_shard
from inspect_autointerp.prep.run.scan import Scan
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.store.manifest import Manifest

Make = Callable[..., Path]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def meanwhile(patch: pytest.MonkeyPatch, do: Callable[[], Any]) -> None:
    """Do something when the pass has ended and the store is being written."""
    write = run.write_store

    def after(*arguments: Any, **options: Any) -> Manifest:
        patch.setattr(run, "write_store", write)
        do()
        return write(*arguments, **options)

    patch.setattr(run, "write_store", after)


def thesis(folder: Path, name: str = "thesis.txt") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")


def test_prep_folder_that_appears_is_left_and_the_pass_kept(
    fast_prep: Make, fast_store: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    message = (
        rf"^{store} has appeared in the meantime and was not changed; move it away and --resume; "
        rf"{store}.checkpoint keeps the pass over the corpus$"
    )
    with monkeypatch.context() as patch, pytest.raises(UserError, match=message):
        meanwhile(patch, lambda: thesis(store))
        fast_prep(tmp_path, 1e6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "store.checkpoint"]
    assert contents(store) == {"thesis.txt": b"mine"}
    store.rename(tmp_path / "mine")
    monkeypatch.setattr(Scan, "fold", lambda *_: pytest.fail("nothing is left to run"))
    fast_prep(tmp_path, resume=True)
    assert contents(store) == fast_store


@pytest.mark.parametrize("resume", [False, True])
def test_prep_store_of_another_prep_is_left_without_overwrite(
    fast_prep: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    def other() -> None:
        fast_prep(tmp_path / "other", 1e6)
        (tmp_path / "other" / "store").rename(tmp_path / "store")
        (tmp_path / "store" / "manifest.json").touch()

    with monkeypatch.context() as patch, pytest.raises(UserError, match="has appeared in the meantime"):
        meanwhile(patch, other)
        fast_prep(tmp_path, 1e6, resume=resume)
    assert (tmp_path / "store.checkpoint").exists()
    Manifest.read(tmp_path / "store")


def test_prep_overwrite_replaces_stores_alone(
    fast_prep: Make, fast_store: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with some manifest.json is a browser extension, say."""
    store = tmp_path / "store"
    for manifest in ("{}", "[]", '{"format": 1}', '{"format": 1, "checksum": "0", "files": {}}', "[" * 100_000, "\x00"):
        thesis(store)
        (store / "manifest.json").write_text(manifest)
        before = contents(store)
        with pytest.raises(UserError, match=rf"^{store} is not a context store: it is not overwritten; give another"):
            fast_prep(tmp_path, overwrite=True)
        assert contents(store) == before
    (store / "manifest.json").unlink()
    (store / "thesis.txt").unlink()
    fast_prep(tmp_path, overwrite=True)
    thesis(store, "hookpoints/layers.1/notes/thesis.txt")
    before = contents(store)
    message = r"holds a file that is not part of a context store \(hookpoints/layers.1/notes/thesis.txt\)"
    with pytest.raises(UserError, match=message):
        fast_prep(tmp_path, overwrite=True)
    assert contents(store) == before
    (store / "hookpoints" / "layers.1" / "notes" / "thesis.txt").unlink()
    with monkeypatch.context() as patch, pytest.raises(UserError, match=r"\(thesis.txt\).+ keeps the pass"):
        meanwhile(patch, lambda: thesis(store))
        fast_prep(tmp_path, overwrite=True)
    assert contents(store) == fast_store | {"thesis.txt": b"mine"}


@pytest.mark.parametrize("name", ["thesis.txt", "state.json"])
def test_prep_overwrite_leaves_a_folder_in_the_checkpoints_place(fast_prep: Make, tmp_path: Path, name: str) -> None:
    thesis(tmp_path / "store.checkpoint", name)
    with pytest.raises(UserError, match=r"store\.checkpoint is not the state of a prep run: it is not overwritten"):
        fast_prep(tmp_path, overwrite=True)
    assert contents(tmp_path) == {f"store.checkpoint/{name}": b"mine"}


def test_prep_file_that_appears_in_the_checkpoint_is_left(
    fast_prep: Make, fast_store: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: thesis(tmp_path / "store.checkpoint"))
    fast_prep(tmp_path)
    assert contents(tmp_path / "store") == fast_store
    assert (tmp_path / "store.checkpoint" / "thesis.txt").read_text() == "mine"


def test_shard_folder_that_is_not_a_state_is_not_replaced(fast_prep: Make, fast_job: Any, tmp_path: Path) -> None:
    shard = tmp_path / "store.shards" / "1-of-2"
    thesis(shard)
    (shard / "state.json").write_text("{}")
    with pytest.raises(UserError, match="1-of-2 is not the state of a prep run: it is not overwritten"):
        prep_shard(fast_job, tmp_path / "store", Shard(1, 2), overwrite=True, progress=False)
    assert (shard / "thesis.txt").read_text() == "mine"


def test_make_once_takes_the_store_of_a_faster_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> None:
        if faster:
            thesis(tmp_path / "store")
        raise UserError("store has appeared in the meantime")

    monkeypatch.setattr(build_store, "run_module", slow)
    faster = False
    with pytest.raises(UserError, match="has appeared"):
        build_store.make_once(tmp_path / "store", "", [], "")
    faster = True
    assert build_store.make_once(tmp_path / "store", "", [], "") == tmp_path / "store"
