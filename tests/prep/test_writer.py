"""A folder appears whole or not at all, and a latent's deciles are those of its sample."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.directions import Directions
from inspect_autointerp.prep.selector import BINS, Selection
from inspect_autointerp.prep.writer import atomic_folder, hash_files, write_hookpoint
from inspect_autointerp.store import POOL, SAMPLE, TOP


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder that passes for a store."""
    with atomic_folder(tmp_path / "store", overwrite=False) as folder:
        (folder / "manifest.json").write_text("old", encoding="utf-8")
    return tmp_path / "store"


def test_the_folder_appears_at_the_end(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "a" / "b" / "store", overwrite=False) as folder:
        (folder / "file").write_text("new", encoding="utf-8")
        assert not (tmp_path / "a" / "b" / "store").exists()
    assert names(tmp_path / "a" / "b") == ["store"]
    assert names(tmp_path / "a" / "b" / "store") == ["file"]


def test_an_existing_folder_is_refused(store: Path) -> None:
    with (
        pytest.raises(UserError, match=rf"^{store} exists; give another --output, or --overwrite$"),
        atomic_folder(store, overwrite=False),
    ):
        pass
    assert names(store.parent) == ["store"]


def test_an_existing_store_is_replaced_when_asked(store: Path) -> None:
    with atomic_folder(store, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
        assert (store / "manifest.json").read_text() == "old"
    assert (store / "manifest.json").read_text() == "new"
    assert names(store.parent) == ["store"]


def test_a_store_behind_a_link_is_replaced_and_the_link_stays(store: Path) -> None:
    link = store.parent / "link"
    link.symlink_to(store)
    with atomic_folder(link, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
    assert (store / "manifest.json").read_text() == "new"
    assert link.is_symlink()
    assert names(store.parent) == ["link", "store"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, UserError], ids=lambda error: error.__name__)
def test_a_failure_leaves_what_was_there(store: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_folder(store, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new", encoding="utf-8")
        raise error
    assert (store / "manifest.json").read_text() == "old"
    assert names(store.parent) == ["store"]


def test_a_full_disk_is_the_users_to_hear_of(store: Path) -> None:
    message = rf"^{store}: cannot be written \(No space left on device\); nothing was changed$"
    with pytest.raises(UserError, match=message), atomic_folder(store, overwrite=True):
        raise OSError(28, "No space left on device")
    assert (store / "manifest.json").read_text() == "old"
    assert names(store.parent) == ["store"]


def test_a_folder_that_is_no_store_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").touch()
    message = rf"^{tmp_path}/thesis is not a context store: it is not overwritten; give another --output$"
    with pytest.raises(UserError, match=message), atomic_folder(tmp_path / "thesis", overwrite=True):
        pass
    assert names(tmp_path / "thesis") == ["chapter.tex"]


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old", encoding="utf-8")
    with pytest.raises(UserError, match=r"is not a context store"), atomic_folder(tmp_path / "file", overwrite=True):
        pass
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_the_working_folder_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("thesis.tex").touch()
    with pytest.raises(UserError, match=r"is not a context store"), atomic_folder(Path(), overwrite=True):
        pass
    assert names(tmp_path) == ["thesis.tex"]


def test_an_empty_folder_can_be_written_over(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with atomic_folder(tmp_path / "store", overwrite=True) as folder:
        (folder / "manifest.json").touch()
    assert names(tmp_path / "store") == ["manifest.json"]


def test_a_place_that_cannot_be_written_is_refused() -> None:
    message = r"^/proc/no/store: cannot be written \(.+\)$"
    with pytest.raises(UserError, match=message), atomic_folder(Path("/proc/no/store"), overwrite=False):
        pass


def test_files_are_hashed_by_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "empty").touch()
    # sha256 of nothing, as FIPS 180-4 has it.
    assert hash_files(tmp_path) == {"a/empty": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}


def selection(*latents: Sequence[float], flags: Sequence[int]) -> Selection:
    """Per latent the maxima of windows of two tokens, side by side; it fires on the second token of each alone."""
    count = np.array([len(peaks) for peaks in latents])
    number = np.concatenate([np.arange(n) for n in count])
    return Selection(
        window_indptr=np.cumsum([0, *count]),
        window=(2 * number).astype(np.uint32),
        flags=np.array(flags, dtype=np.uint8),
        indptr=np.cumsum([0, *count]),
        pos=(2 * number + 1).astype(np.uint32),
        act=np.concatenate(latents).astype(np.float16),
        pool=np.zeros(0, dtype=np.uint32),
        n_tokens=count,
        n_windows=count,
        max_activation=np.array([max(peaks) for peaks in latents], dtype=np.float32),
        histogram=np.zeros((len(latents), BINS), dtype=np.int64),
    )


def edges(folder: Path, kept: Selection) -> list[list[float] | None]:
    write_hookpoint(folder, "layers.1", kept, Directions(), window=2)
    return pq.read_table(folder / "hookpoints" / "layers.1" / "latents.parquet")["decile_edges"].to_pylist()


def test_decile_edges_part_the_maxima_of_the_sample_into_tenths(tmp_path: Path) -> None:
    # Eleven windows of maxima 1 … 11: the edge of rank q · 10 of them, counted from 0, is 2 … 10.
    kept = selection([3, 1, 2, 11, 5, 4, 10, 7, 6, 9, 8], flags=[SAMPLE] * 11)
    assert edges(tmp_path, kept) == [list(range(2, 11))]


def test_every_latent_has_edges_of_its_own_and_fewer_than_ten_windows_have_none(tmp_path: Path) -> None:
    # Of 21 windows of maxima 40 … 60 the edges are of ranks 2, 4 … 18 from 0: 42, 44 … 58.
    kept = selection(range(11, 0, -1), range(1, 10), range(40, 61), flags=[SAMPLE] * 41)
    assert edges(tmp_path, kept) == [list(range(2, 11)), None, list(range(42, 60, 2))]


@pytest.mark.parametrize("flag", [TOP, POOL, TOP | POOL])
def test_windows_kept_for_other_reasons_do_not_move_the_decile_edges(tmp_path: Path, flag: int) -> None:
    # As in the first, and between every two windows of the sample one of maximum 100 that is not of it.
    peaks = [peak for sampled in range(1, 12) for peak in (sampled, 100)]
    assert edges(tmp_path, selection(peaks, flags=[SAMPLE, flag] * 11)) == [list(range(2, 11))]
