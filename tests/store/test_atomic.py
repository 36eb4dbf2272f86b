"""A folder appears whole or not at all."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.store import atomic, renames
from inspect_autointerp.store.atomic import InTheWay, atomic_file, atomic_folder, remove_folder, scratch_folder, sweep
from inspect_autointerp.store.folder_kind import Kind


def belongs(folder: Path) -> Callable[[str], bool]:
    if (folder / "manifest.json").read_text() not in ("old", "new"):
        raise ValueError
    return {"manifest.json", "data/numbers"}.__contains__


STORE = Kind("a context store", belongs)


@contextmanager
def whole(target: Path, *, overwrite: bool) -> Iterator[Path]:
    with atomic_folder(target, kind=STORE, overwrite=overwrite) as folder:
        yield folder


def write(folder: Path, text: str, name: str = "manifest.json") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


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
        pytest.raises(UserError, match=r"file is a file, not a context store: it is not overwritten"),
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
    monkeypatch.setattr(renames.ctypes, "CDLL", lambda *_, **__: object())
    with whole(store, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
    assert (store / "manifest.json").read_text() == "new"
    assert names(store.parent) == ["store"]


def test_what_a_killed_process_left_behind_is_removed_by_the_next(store: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from inspect_autointerp.store.atomic import scratch_folder
with scratch_folder(Path({str(store)!r})) as folder:
    (folder / "manifest.json").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    left = [name for name in names(store.parent) if name != "store"]
    assert len(left) == 2, "the folder and its lock"
    assert (store / "manifest.json").read_text() == "old"
    with whole(store, overwrite=True) as folder:
        write(folder, "new")
    assert names(store.parent) == ["store"]


def test_sweep_leaves_partial_of_live_process_whatever_its_number(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another container's process may have the number of this one, or one that does not run here."""
    with scratch_folder(store) as alive:
        write(alive, "half")
        for number in (os.getpid(), 2**22 + 1):
            with monkeypatch.context() as patch:
                patch.setattr(os, "getpid", lambda number=number: number)
                sweep(store)
                with whole(store, overwrite=True) as folder:
                    write(folder, "new")
            assert (alive / "manifest.json").read_text() == "half"
    assert names(store.parent) == ["store"]


def test_sweep_without_locks_leaves_everything(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "fcntl", None)
    with scratch_folder(store) as alive:
        sweep(store)
        assert alive.exists()
    assert names(store.parent) == ["store"]


def test_sweep_gives_back_a_store_put_aside_by_a_killed_process(store: Path) -> None:
    partial = store.with_name(f"{atomic._partial(store)}0")
    partial.with_name(f"{partial.name}.lock").touch()
    store.rename(renames.aside(partial))  # where names cannot be exchanged, killed between the two steps
    sweep(store)
    assert (store / "manifest.json").read_text() == "old"
    assert names(store.parent) == ["store"]


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("what", ["thesis", "empty", "file", "store"])
def test_folder_that_appears_meanwhile_is_left_without_overwrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(renames.ctypes, "CDLL", lambda *_, **__: object())
    target = tmp_path / "out"
    message = rf"^{target} has appeared in the meantime and was not changed$"
    with pytest.raises(InTheWay, match=message), whole(target, overwrite=False) as folder:
        write(folder, "new")
        appear(target, what)
    assert names(tmp_path) == ["out"]
    assert state(target) == {"thesis": {"thesis.txt": "mine"}, "empty": {}, "file": "mine", "store": OLD}[what]


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("what", ["thesis", "file", "manifest", "extra"])
def test_folder_of_another_kind_that_appears_is_left_with_overwrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(renames.ctypes, "CDLL", lambda *_, **__: object())
    target = tmp_path / "out"
    message = rf"^{target} .*: it is not overwritten; give another --output$"
    with pytest.raises(InTheWay, match=message), whole(target, overwrite=True) as folder:
        write(folder, "new")
        appear(target, what)
    assert names(tmp_path) == ["out"]
    appear(tmp_path / "same", what)
    assert state(target) == state(tmp_path / "same")


def test_folder_that_changes_at_the_moment_of_replacing_is_given_back(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = atomic.swap

    def late(new: Path, old: Path) -> None:
        if not (new / "thesis.txt").exists():
            write(old, "mine", "thesis.txt")
        swap(new, old)

    monkeypatch.setattr(atomic, "swap", late)
    message = r"holds a file that is not part of a context store \(thesis.txt\)"
    with pytest.raises(InTheWay, match=message), whole(store, overwrite=True) as folder:
        write(folder, "new")
    assert state(store) == {"manifest.json": "old", "thesis.txt": "mine"}
    assert names(store.parent) == ["store"]


def test_store_with_a_foreign_file_is_refused_and_the_file_named(store: Path) -> None:
    write(store, "1", "data/numbers")
    write(store, "mine", "data/deep/thesis.txt")
    message = r"store holds a file that is not part of a context store \(data/deep/thesis.txt\): it is not overwritten"
    with pytest.raises(UserError, match=message), whole(store, overwrite=True):
        pass
    with pytest.raises(UserError, match=message):
        remove_folder(store, kind=STORE)
    assert state(store / "data") == {"numbers": "1", "deep/thesis.txt": "mine"}
    (store / "data" / "deep" / "thesis.txt").unlink()
    remove_folder(store, kind=STORE)
    assert names(store.parent) == []


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    for text, number in (("No space left on device", [28]), ("7 requested and 5 written", [])):
        with pytest.raises(UserError, match=rf"^{target}: cannot be written \({text}\)$"), atomic_file(target) as path:
            path.write_text("half")
            raise OSError(*number, text)
        assert state(tmp_path) == {"table.csv": "old"}


def test_a_device_is_written_to_and_a_link_followed(tmp_path: Path) -> None:
    with atomic_file(Path(os.devnull)) as path:
        path.write_text("x")
    assert not Path(os.devnull).is_file()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with atomic_file(tmp_path / "link") as path:
        path.write_text("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "x"


OLD = {"manifest.json": "old"}


def appear(target: Path, what: str) -> None:
    if what == "file":
        target.write_text("mine")
        return
    target.mkdir()
    files = {"thesis": {"thesis.txt": "mine"}, "store": OLD, "manifest": {"manifest.json": "{}"}, "empty": {}}
    for name, text in (files | {"extra": OLD | {"thesis.txt": "mine"}})[what].items():
        write(target, text, name)


def state(target: Path) -> object:
    if target.is_file():
        return target.read_text()
    return {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}
