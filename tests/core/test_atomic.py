"""A folder appears whole or not at all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspect_autointerp import atomic
from inspect_autointerp.atomic import atomic_folder
from inspect_autointerp.errors import UserError


@contextmanager
def whole(target: Path, *, overwrite: bool) -> Iterator[Path]:
    with atomic_folder(target, marker="manifest.json", overwrite=overwrite) as folder:
        yield folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder that passes for a store."""
    with whole(tmp_path / "store", overwrite=False) as folder:
        (folder / "manifest.json").write_text("old", encoding="utf-8")
    return tmp_path / "store"


def test_the_folder_appears_at_the_end(tmp_path: Path) -> None:
    with whole(tmp_path / "a" / "b" / "store", overwrite=False) as folder:
        (folder / "file").write_text("new", encoding="utf-8")
        assert not (tmp_path / "a" / "b" / "store").exists()
    assert names(tmp_path / "a" / "b") == ["store"]
    assert names(tmp_path / "a" / "b" / "store") == ["file"]


def test_an_existing_folder_is_refused(store: Path) -> None:
    with (
        pytest.raises(UserError, match=rf"^{store} exists; give another --output, or --overwrite$"),
        whole(store, overwrite=False),
    ):
        pass
    assert names(store.parent) == ["store"]


def test_an_existing_store_is_replaced_when_asked(store: Path) -> None:
    with whole(store, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
        assert (store / "manifest.json").read_text() == "old"
    assert (store / "manifest.json").read_text() == "new"
    assert names(store.parent) == ["store"]


def test_a_store_behind_a_link_is_replaced_and_the_link_stays(store: Path) -> None:
    link = store.parent / "link"
    link.symlink_to(store)
    with whole(link, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
    assert (store / "manifest.json").read_text() == "new"
    assert link.is_symlink()
    assert names(store.parent) == ["link", "store"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, UserError], ids=lambda error: error.__name__)
def test_a_failure_leaves_what_was_there(store: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), whole(store, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
        raise error
    assert (store / "manifest.json").read_text() == "old"
    assert names(store.parent) == ["store"]


def test_a_full_disk_is_the_users_to_hear_of(store: Path) -> None:
    message = rf"^{store}: cannot be written \(No space left on device\); nothing was changed$"
    with pytest.raises(UserError, match=message), whole(store, overwrite=True):
        raise OSError(28, "No space left on device")
    assert (store / "manifest.json").read_text() == "old"
    assert names(store.parent) == ["store"]


def test_a_folder_that_is_no_store_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").touch()
    message = rf"^{tmp_path}/thesis is not a context store: it is not overwritten; give another --output$"
    with (
        pytest.raises(UserError, match=message),
        whole(tmp_path / "thesis", overwrite=True),
    ):
        pass
    assert names(tmp_path / "thesis") == ["chapter.tex"]


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old", encoding="utf-8")
    with (
        pytest.raises(UserError, match=r"is not a context store"),
        whole(tmp_path / "file", overwrite=True),
    ):
        pass
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_the_working_folder_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("thesis.tex").touch()
    with (
        pytest.raises(UserError, match=r"is not a context store"),
        whole(Path(), overwrite=True),
    ):
        pass
    assert names(tmp_path) == ["thesis.tex"]


def test_an_empty_folder_can_be_written_over(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with whole(tmp_path / "store", overwrite=True) as folder:
        (folder / "manifest.json").touch()
    assert names(tmp_path / "store") == ["manifest.json"]


def test_a_place_that_cannot_be_written_is_refused() -> None:
    message = r"^/proc/no/store: cannot be written \(.+\)$"
    with (
        pytest.raises(UserError, match=message),
        whole(Path("/proc/no/store"), overwrite=False),
    ):
        pass


def test_without_an_exchange_of_names_a_store_is_replaced_all_the_same(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic.ctypes, "CDLL", lambda _: object())
    with whole(store, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
    assert (store / "manifest.json").read_text() == "new"
    assert names(store.parent) == ["store"]


def test_what_a_killed_process_left_behind_is_removed_by_the_next(store: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from inspect_autointerp.atomic import atomic_folder
with atomic_folder(Path({str(store)!r}), marker="manifest.json", overwrite=True) as folder:
    (folder / "manifest.json").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    left = [name for name in names(store.parent) if name != "store"]
    assert len(left) == 1
    assert (store / "manifest.json").read_text() == "old"
    alive = store.parent / left[0].replace(left[0].rpartition("-")[2], str(os.getppid()))
    alive.mkdir()  # of a process that still runs
    with whole(store, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
    assert names(store.parent) == sorted(["store", alive.name])
