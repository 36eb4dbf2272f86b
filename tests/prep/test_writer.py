"""Tests of what is written of a latent: its deciles are those of its sample, and neighbours are mutual."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from inspect_autointerp.prep.select.decoder_directions import Directions
from inspect_autointerp.prep.select.result import Block, Selection
from inspect_autointerp.prep.select.selector import BINS
from inspect_autointerp.prep.write import writer
from inspect_autointerp.prep.write.writer import hash_files, write_hookpoint
from inspect_autointerp.store.postings import POOL, SAMPLE, TOP
from inspect_autointerp.store.settings import Settings


def test_files_are_hashed_by_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "empty").touch()
    # sha256 of nothing, as FIPS 180-4 has it.
    assert hash_files(tmp_path) == {"a/empty": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}


def selection(*latents: Sequence[float], flags: Sequence[int], cuts: Sequence[int] = ()) -> Selection:
    """Per latent the maxima of windows of two tokens, side by side; it fires on the second token of each alone.

    Before the latents of `cuts` a further block begins.
    """
    count = np.array([len(peaks) for peaks in latents])
    number = np.concatenate([np.arange(n) for n in count])
    columns = {
        "window": (2 * number).astype(np.uint32),
        "shared": np.arange(len(number), dtype=np.uint32),
        "flags": np.array(flags, dtype=np.uint8),
        "peak": np.concatenate(latents).astype(np.float16),
        "pos": (2 * number + 1).astype(np.uint32),
        "act": np.concatenate(latents).astype(np.float16),
    }
    bounds = np.cumsum([0, *count])
    ends = [0, *(bounds[latent] for latent in sorted(cuts)), bounds[-1]]
    return Selection(
        window_indptr=bounds,
        indptr=bounds,
        blocks=(Block(**{name: column[a:b] for name, column in columns.items()}) for a, b in pairwise(ends)),
        pool=np.zeros(0, dtype=np.uint32),
        n_tokens=count,
        n_windows=count,
        max_activation=np.array([max(peaks, default=0) for peaks in latents], dtype=np.float32),
        histogram=np.zeros((len(latents), BINS), dtype=np.int64),
    )


def edges(folder: Path, kept: Selection) -> list[list[float] | None]:
    write_hookpoint(folder, "layers.1", kept, Directions(), Settings(window=2))
    return pq.read_table(folder / "hookpoints" / "layers.1" / "latents.parquet")["decile_edges"].to_pylist()


def test_decile_edges_part_the_maxima_of_the_sample_into_tenths(tmp_path: Path) -> None:
    # Eleven windows of maxima 1 … 11: the edge of rank q · 10 of them, counted from 0, is 2 … 10.
    kept = selection([3, 1, 2, 11, 5, 4, 10, 7, 6, 9, 8], flags=[SAMPLE] * 11)
    assert edges(tmp_path, kept) == [list(range(2, 11))]


def test_edges_are_undefined_below_ten_windows(tmp_path: Path) -> None:
    # Of 21 windows of maxima 40 … 60 the edges are of ranks 2, 4 … 18 from 0: 42, 44 … 58.
    kept = selection(range(11, 0, -1), range(1, 10), range(40, 61), flags=[SAMPLE] * 41)
    assert edges(tmp_path, kept) == [list(range(2, 11)), None, list(range(42, 60, 2))]


@pytest.mark.parametrize("flag", [TOP, POOL, TOP | POOL])
def test_windows_kept_for_other_reasons_do_not_move_the_decile_edges(tmp_path: Path, flag: int) -> None:
    # As in the first, and between every two windows of the sample one of maximum 100 that is not of it.
    peaks = [peak for sampled in range(1, 12) for peak in (sampled, 100)]
    assert edges(tmp_path, selection(peaks, flags=[SAMPLE, flag] * 11)) == [list(range(2, 11))]


def test_latents_of_few_windows_are_marked_as_rare(tmp_path: Path) -> None:
    kept = selection([1, 1], [1, 1, 1], [1, 1, 1, 1], flags=[SAMPLE] * 9)
    write_hookpoint(tmp_path, "layers.1", kept, Directions(), Settings(window=2, min_active=3))
    table = pq.read_table(tmp_path / "hookpoints" / "layers.1" / "latents.parquet")
    assert table["rare"].to_pylist() == [True, False, False]


def test_siblings_are_written_only_with_neighbours(tmp_path: Path) -> None:
    neighbours = Directions(
        neighbours=np.array([[1], [0]], dtype=np.uint32), cosines=np.array([[0.5], [0.5]], dtype=np.float32)
    )
    for name, nearest in (("with", neighbours), ("without", Directions())):
        kept = selection([1, 1], [1, 1], flags=[SAMPLE] * 4)
        write_hookpoint(tmp_path, name, kept, nearest, Settings(window=2))
    written = load_file(tmp_path / "hookpoints" / "with" / "postings.safetensors")
    assert written["shared"].tolist() == [0, 1, 2, 3]
    assert (written["sibling_indptr"].tolist(), written["sibling"].tolist()) == ([0, 1, 2], [1, 0])
    assert "shared" not in load_file(tmp_path / "hookpoints" / "without" / "postings.safetensors")


def test_what_is_written_does_not_depend_on_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A latent in the middle keeps nothing; blocks end before and behind it, and the table has row groups of two.
    monkeypatch.setattr(writer, "_GROUP", 2)
    latents, neighbours = ([3, 1, 2, *range(4, 20)], [], [5], range(30)), np.array([[1], [0], [3], [2]])
    nearest = Directions(neighbours=neighbours.astype(np.uint32), cosines=np.full((4, 1), 0.5, dtype=np.float32))
    for name, cuts in (("one", []), ("two", [1]), ("three", [2, 3])):
        kept = selection(*latents, flags=[SAMPLE] * 50, cuts=cuts)
        write_hookpoint(tmp_path / name, "layers.1", kept, nearest, Settings(window=2))
    one, two, three = (hash_files(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two == three
    table = pq.read_table(tmp_path / "one" / "hookpoints" / "layers.1" / "latents.parquet")
    assert [edges is None for edges in table["decile_edges"].to_pylist()] == [False, True, True, False]
    assert table["neighbours"].to_pylist() == [[1], [0], [3], [2]]
