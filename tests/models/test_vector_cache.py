"""Vectors kept on disk: what was added is found again, by this process and by others, and nothing else is."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.models.vector_cache import KeptVectors


def vectors(numbers: np.ndarray) -> np.ndarray:
    """Return a vector for each number, from which the number can be read."""
    return np.stack([numbers, numbers**2, -numbers], axis=1).astype(np.float32)


def check(kept: KeptVectors, numbers: np.ndarray, there: set[int]) -> None:
    known, read = kept.get(numbers)
    assert known.tolist() == [number in there for number in numbers.tolist()]
    assert read.tolist() == ([] if not known.any() else vectors(numbers[known]).tolist())


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=9), max_size=6), st.lists(st.integers(0, 30)))
def test_what_was_added_is_found_whoever_added_it(blocks: list[list[int]], asked: list[int]) -> None:
    with TemporaryDirectory() as folder:
        writers = [KeptVectors(Path(folder)), KeptVectors(Path(folder))]
        there: set[int] = set()
        for i, block in enumerate(blocks):
            numbers = np.array(block)
            writers[i % 2].add(numbers, vectors(numbers))
            there |= set(block)
            for kept in (*writers, KeptVectors(Path(folder))):
                check(kept, np.array(asked, dtype=np.int64), there)


def add(folder: Path, first: int) -> None:
    kept = KeptVectors(folder)
    for begin in range(first, first + 40, 4):
        numbers = np.arange(begin, begin + 4)
        known, _ = kept.get(numbers)
        kept.add(numbers[~known], vectors(numbers[~known])) if not known.all() else None


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        for done in [processes.submit(add, tmp_path, first) for first in (0, 20)]:
            done.result()
    check(KeptVectors(tmp_path), np.arange(-1, 61), set(range(60)))
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".safetensors"]


def test_a_broken_block_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path)
    kept.add(np.arange(3), vectors(np.arange(3)))
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    (tmp_path / "empty.safetensors").touch()
    other = KeptVectors(tmp_path)
    check(other, np.arange(3), set())
    other.add(np.arange(3), vectors(np.arange(3)))
    check(other, np.arange(3), {0, 1, 2})


def test_what_cannot_be_kept_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    kept = KeptVectors(tmp_path / "file" / "folder")
    kept.add(np.arange(3), vectors(np.arange(3)))
    assert "embeddings cannot be kept" in caplog.text
    check(kept, np.arange(3), set())
